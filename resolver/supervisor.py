"""The supervisor: reads the config, opens the sockets, starts and watches the workers.

It answers no DNS, and holds nothing that reading a config takes: the config is compiled in
a process of its own into a snapshot, and the supervisor reads that. It keeps what outlives
a worker: the listening sockets, the counters' memory, the addresses of upstreams; and it
serves the metrics and the control socket.

What must stay true:
- DNS goes on whatever becomes of metrics, control socket or host names.
- Workers prepare a snapshot one and all before any of them commits it.
"""

import asyncio
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path

from resolver import __version__, program, state
from resolver.channel import Message
from resolver.control import Answer, ControlServer, Request
from resolver.crew import Berth
from resolver.dns import names
from resolver.errors import DarbanError
from resolver.explanation import Engine
from resolver.introduction import Accepted, introduction
from resolver.notify import ServiceManager
from resolver.policy.snapshot import Terms
from resolver.server.listening import claim, open_sockets
from resolver.telemetry import kernel
from resolver.telemetry.collector import DarbanCollector, Facts
from resolver.telemetry.log import log
from resolver.telemetry.log import start as start_log
from resolver.telemetry.slots import Registry
from resolver.upstream.hosts import Hosts

_RESTART = "restart the server to put another config in force"
_WATCH = 0.5
_ASK_HOSTS = 300.0
_ASK_UNKNOWN_HOSTS = 5.0


class Rejected(DarbanError):
    """The config cannot be put in force; ``code`` is the exit code that says why."""

    def __init__(self, text: str, code: int) -> None:
        self.code = code
        super().__init__(text)


def compile_apart(config: Path, state_directory: Path) -> Accepted:
    """Compile a config in a process of its own.

    Raises:
        Rejected: with everything that is wrong in it.
    """
    done = subprocess.run(
        program.command("resolver.compilation", str(config), str(state_directory)),
        env=program.environment(),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    try:
        outcome = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise Rejected(
            f"{config}: compiling it ended with exit code {done.returncode} and said nothing that "
            "can be read; what stands above may tell why",
            2,
        ) from None
    if outcome["errors"]:
        raise Rejected("\n".join(outcome["problems"]), 2)
    if outcome["failed"]:
        failed = "\n".join(["expectations that do not hold:", *outcome["failed"]])
        raise Rejected(failed, 1)
    return Accepted(
        Path(outcome["snapshot"]), outcome["problems"], outcome["expectations"], outcome["example"]
    )


def workers_for(terms: Terms) -> int:
    """How many workers to start: as configured, else one a CPU that this process may use."""
    return terms.settings.workers or len(os.sched_getaffinity(0))


class Supervisor:
    """A server, from its start to its end."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._state = state.directory(config)
        self._manager = ServiceManager()
        self._registry = Registry()
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until told to stop.

        Raises:
            DarbanError: it could not start; nothing was left running.
        """
        accepted = compile_apart(self._config, self._state)
        self._terms, self._index = state.load(accepted.snapshot)
        self._snapshot = state.Held(accepted.snapshot)
        self._hosts = Hosts(self._terms)
        settings = self._terms.settings
        claims = [claim(endpoint) for endpoint in settings.listen]
        _raise_file_limit()
        workers = workers_for(self._terms)
        sockets = open_sockets(settings.listen, workers, self._manager.kept())
        self._manager.keep([each for listening in sockets for each in listening])
        self._berths = [Berth(number, each) for number, each in enumerate(sockets)]
        self._facts = Facts(self._terms, accepted.snapshot.name, time.time(), workers)
        start_log("supervisor")
        for warning in accepted.warnings:
            log.warning("%s", warning)
        for group, servers in self._hosts.groups().items():
            if not servers and not self._hosts.unknown:
                log.error("%s", _no_upstream(group))
        self._on_signals()
        if self._hosts.unknown:
            self._background(self._keep_hosts())
        await asyncio.gather(*(self._staff(berth) for berth in self._berths))
        if not self._facts.workers:
            raise DarbanError("no worker could start; what each said stands above")
        state.prune(self._snapshot.place)
        control = ControlServer({"status": self._status, "flush": self._flush})
        try:
            await self._serve_control(control)
            _say(introduction(self._config, self._terms, workers, accepted))
            self._manager.ready(f"{workers} workers, snapshot {accepted.snapshot.name}")
            self._background(self._serve_metrics())
            self._background(self._serve_block_page())
            await self._watch()
        finally:
            self._manager.stopping()
            control.stop()
            await asyncio.gather(*(berth.end() for berth in self._berths))
            for each in claims:
                each.close()

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, log.warning, "SIGHUP changes nothing; %s", _RESTART)

    def _orders(self) -> Message:
        """What a worker must know to prepare the snapshot in force."""
        groups = self._hosts.groups()
        names = {server["name"] for servers in groups.values() for server in servers}
        names.update(_names_to_resolve(self._terms))
        plan = self._registry.plan(self._terms, sorted(names))
        return {
            "say": "prepare",
            "snapshot": str(self._snapshot.place),
            "plan": plan._asdict(),
            "groups": groups,
        }

    async def _staff(self, berth: Berth) -> None:
        """Start a worker and put the snapshot in force there."""
        self._snapshot.restore()  # somebody may have tidied the state directory
        await berth.start(self._ended)
        orders = self._orders()
        if await berth.serve(orders):
            now = self._orders()
            if now["groups"] != orders["groups"]:  # a host name was resolved meanwhile
                berth.tell({**now, "say": "upstreams"})
            self._facts.workers = sum(each.serving for each in self._berths)

    def _ended(self, berth: Berth) -> None:
        self._facts.workers = sum(each.serving for each in self._berths)
        if not self._stopping.is_set():
            self._background(self._replace(berth))

    async def _replace(self, berth: Berth) -> None:
        while True:
            await asyncio.sleep(berth.pause_before_restart())
            if self._stopping.is_set():
                return
            try:
                await self._staff(berth)
            except OSError as error:  # no process or descriptor to be had: not for ever
                log.error("worker %d cannot be started now (%s)", berth.number, error.strerror)
            else:
                self._facts.worker_restarts += 1
                return

    async def _watch(self) -> None:
        """Replace workers that stand still, until it is time to stop."""
        while not self._stopping.is_set():
            for berth in self._berths:
                if berth.stands_still():
                    log.error("worker %d stands still and is replaced", berth.number)
                    berth.kill()
            if self._facts.workers:
                self._manager.alive()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _WATCH)

    async def _keep_hosts(self) -> None:
        """Resolve upstream host names, soon while one is unknown and then from time to time."""
        while not self._stopping.is_set():
            await self._hosts.resolve()
            orders = self._orders()
            for berth in self._berths:
                berth.tell({**orders, "say": "upstreams"})
            await asyncio.sleep(_ASK_UNKNOWN_HOSTS if self._hosts.unknown else _ASK_HOSTS)

    async def _serve_control(self, control: ControlServer) -> None:
        path = state.control_socket(self._state)
        try:
            await control.start(path)
        except OSError as error:
            log.error("%s: no control socket (%s); darban's commands cannot reach it", path, error)

    async def _serve_metrics(self) -> None:
        from resolver.web import metrics_page  # after the first answer: importing it takes long

        collector = DarbanCollector(
            self._registry,
            lambda: [berth.cells for berth in self._berths],
            self._facts,
            self._readings,
        )
        try:
            await metrics_page.serve(
                metrics_page.application(collector), self._terms.settings.metrics
            )
        except metrics_page.MetricsListenError as error:
            log.error("%s", error)

    async def _serve_block_page(self) -> None:
        if not self._terms.settings.block_page:
            return
        from resolver.web import block_page  # as with the metrics, and most networks have none

        for endpoint in self._terms.settings.block_page:
            try:
                await block_page.serve(self._engine, endpoint)
            except block_page.PageListenError as error:
                log.error("%s", error)

    def _engine(self) -> Engine:
        """The policy in force, to be asked now."""
        return Engine(self._terms, self._index, time.time())

    def _readings(self) -> kernel.Readings:
        sockets = (listening for berth in self._berths for listening in berth.listening)
        workers = [berth.pid for berth in self._berths if berth.pid is not None]
        memory = {
            "supervisor": kernel.resident([os.getpid()]),
            "workers": kernel.resident(workers),
        }
        return kernel.Readings(kernel.drops(sockets), memory)

    async def _flush(self, request: Request) -> Answer:
        """Have every worker forget a name and all below it."""
        try:
            zone = names.parse(str(request.get("name", "")))
        except names.InvalidName as error:
            return {"error": str(error)}
        order: Message = {"say": "flush", "zone": zone.hex()}
        serving = [berth for berth in self._berths if berth.serving]
        answers = await asyncio.gather(*(berth.ask(order, "flushed") for berth in serving))
        return {"entries": sum(answer["entries"] for answer in answers if answer is not None)}

    async def _status(self, _: Request) -> Answer:
        return {
            "version": __version__,
            "pid": os.getpid(),
            "config": str(self._config.resolve()),
            "snapshot": str(self._snapshot.place),
            "workers": self._facts.workers,
            "workers_expected": self._facts.workers_expected,
        }


def _no_upstream(group: str) -> str:
    where = f"[upstreams.{group}]" if group else "[upstream]"
    return (
        f"{where}: there is no server to ask; resolv.conf names none but this resolver itself. "
        f"Names that have to be asked for will fail until servers are set in {where}"
    )


def _names_to_resolve(terms: Terms) -> Iterator[str]:
    """The upstreams given by host name, counted from the start though they have no address."""
    for group in terms.groups:
        for server in group.servers:
            if server.kind == "hostname":
                yield f"{server.host}:{server.port}"


def _raise_file_limit() -> None:
    """Every query on its way may need a socket of its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say(lines: list[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
