"""The supervisor: reads the config, opens the sockets, starts and watches the workers.

It answers no DNS, and holds nothing that reading a config takes: the config is compiled in
a process of its own (``candidate``) into a snapshot, and the supervisor reads that. It keeps
what outlives a worker: the listening sockets, the counters' memory, the addresses of
upstreams; and it serves the metrics and the control socket. Which snapshot the workers serve
is the business of ``rollout``, and ``reload`` changes it.

What must stay true:
- DNS goes on whatever becomes of metrics, control socket or host names.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path

from resolver.analysis.explanation import Explainer
from resolver.errors import DarbanError
from resolver.metrics import kernel
from resolver.metrics.collector import DarbanCollector
from resolver.metrics.facts import ServerFacts
from resolver.metrics.layout import CounterLayout
from resolver.metrics.log import log
from resolver.metrics.log import start as start_log
from resolver.metrics.status import Status
from resolver.metrics.status_reader import StatusReader
from resolver.server.listening import claim, open_sockets
from resolver.snapshot import store
from resolver.snapshot.candidate import Accepted, Rejected, compile_apart
from resolver.supervisor.banner import startup_banner
from resolver.supervisor.block_log import BlockLogWriter
from resolver.supervisor.control import Answer, Command, ControlServer, Request
from resolver.supervisor.list_updates import ListUpdates
from resolver.supervisor.notify import ServiceManager
from resolver.supervisor.recorder import Recorder
from resolver.supervisor.reload import Reloader, ReloadResult, keep_as_good, workers_for
from resolver.supervisor.rollout import Rollout, ServedSnapshot, read
from resolver.supervisor.worker_commands import WorkerCommands
from resolver.supervisor.worker_processes import WorkerSlot

_WATCH = 0.5


class Supervisor:
    """A server, from its start to its end."""

    def __init__(self, config: Path, last_good: bool = False) -> None:
        """With ``last_good`` a config that is rejected does not keep it from starting."""
        self._config = config
        self._last_good = last_good
        self._state = store.directory(config)
        self._manager = ServiceManager()
        self._layout = CounterLayout()
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until told to stop.

        Raises:
            DarbanError: it could not start; nothing was left running.
        """
        accepted, first = await self._first()
        start_log("supervisor")
        claims = [claim(endpoint) for endpoint in first.terms.settings.listen]
        _raise_file_limit()
        self._set_up(first, accepted)
        _say_what_is_wrong(accepted, first)
        self._on_signals()
        self._rollout.begin()
        await asyncio.gather(*(self._start_worker(slot) for slot in self._slots))
        if not self._facts.workers:
            raise DarbanError("no worker could start; what each said stands above")
        keep_as_good(first.place)
        control = ControlServer(self._commands())
        try:
            await self._serve_control(control)
            _say(startup_banner(self._config, first.terms, len(self._slots), accepted))
            self._manager.ready()
            self._tell_status()
            self._background(self._serve_metrics())
            self._background(self._list_updates.run())
            self._background(self._serve_block_page())
            event = "start --last-good" if accepted.last_good else "start"
            await self._reloader.note(event, f"uid {os.getuid()}", accepted.written)
            await self._watch()
            await self._reloader.end("signal")
        finally:
            self._manager.stopping()
            control.stop()
            await asyncio.gather(*(slot.end() for slot in self._slots))
            self._block_log.end()
            for each in claims:
                each.close()

    def _set_up(self, first: ServedSnapshot, accepted: Accepted) -> None:
        """Open the sockets, and make what stays as long as the server does."""
        workers = workers_for(first.terms)
        sockets = open_sockets(first.terms.settings.listen, workers, self._manager.kept())
        self._manager.keep([each for listening in sockets for each in listening])
        self._block_log = BlockLogWriter(self._config.parent, self._state)
        self._slots = [
            WorkerSlot(number, each, self._block_log.pipe) for number, each in enumerate(sockets)
        ]
        self._rollout = Rollout(self._slots, first, self._layout, self._block_log)
        self._facts = ServerFacts(first.terms, first.place.name, time.time(), workers)
        self._facts.config_ok = not accepted.last_good
        self._facts.block_log = self._block_log.written
        self._status_reader = StatusReader(
            str(self._config.resolve()),
            self._facts.loaded,
            self._layout,
            lambda: [slot.cells for slot in self._slots],
            self._facts,
        )
        self._reloader = Reloader(self._config, self._state, self._rollout, self._facts)
        self._list_updates = ListUpdates(
            self._state, self._facts, self._reload_for_lists, self._background
        )

    def _commands(self) -> Mapping[str, Command]:
        """What is served on the control socket."""
        commands, recorder = WorkerCommands(self._slots), Recorder(self._slots, self._rollout)
        return {
            "status": self._status,
            "unknown": commands.unknown,
            "flush": commands.flush,
            "reload": self._reload,
            "record": recorder.record,
            "lists": self._list_updates.lists,
            "update-lists": self._list_updates.update,
        }

    async def _first(self) -> tuple[Accepted, ServedSnapshot]:
        """The snapshot to begin with: what the config says, else what was in force last."""
        try:
            accepted = await compile_apart(self._config, self._state)
        except Rejected as error:
            if not self._last_good:
                raise
            try:
                first = read(store.last_good(self._state))
            except store.StateError as none:
                raise Rejected([*error.report, str(none)], error.code) from None
            sys.stderr.write(f"{self._config} is not put in force:\n{error}\n")
            return Accepted(first.place, [], 0, "", None, last_good=True), first
        return accepted, read(accepted.snapshot)

    async def reload(
        self, who: str, event: str = "reload", *, lists_alone: bool = False
    ) -> ReloadResult:
        """Put the config in force as it is now; the journal tells ``who`` wants it, and why."""
        outcome = await self._reloader.reload(who, event, lists_alone=lists_alone)
        self._tell_status()
        self._list_updates.look()
        return outcome

    def _tell_status(self) -> None:
        what = "the config is" if self._facts.config_ok else "not the config but what was good is"
        self._manager.status(f"{what} in force, snapshot {self._facts.snapshot}")

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _hang_up(self) -> None:
        self._background(self._reload_for_signal())

    async def _reload_for_signal(self) -> None:
        await self.reload("SIGHUP")

    async def _reload_for_lists(self) -> ReloadResult:
        return await self.reload("a list that was fetched", "lists", lists_alone=True)

    async def _start_worker(self, slot: WorkerSlot) -> None:
        """Start a worker and put the snapshot in force there."""
        await self._rollout.start_worker(slot, self._ended)
        self._facts.workers = sum(each.serving for each in self._slots)

    def _ended(self, slot: WorkerSlot) -> None:
        self._facts.workers = sum(each.serving for each in self._slots)
        if not self._stopping.is_set():
            self._background(self._replace(slot))

    async def _replace(self, slot: WorkerSlot) -> None:
        while True:
            await asyncio.sleep(slot.pause_before_restart())
            if self._stopping.is_set():
                return
            try:
                await self._start_worker(slot)
            except OSError as error:  # no process or descriptor to be had: not for ever
                log.error("worker %d cannot be started now (%s)", slot.number, error.strerror)
            else:
                self._facts.worker_restarts += 1
                return

    async def _watch(self) -> None:
        """Replace workers that stand still, until it is time to stop."""
        while not self._stopping.is_set():
            for slot in self._slots:
                if slot.stands_still():
                    log.error("worker %d stands still and is replaced", slot.number)
                    slot.kill()
            if self._facts.workers:
                self._manager.alive()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _WATCH)

    async def _serve_control(self, control: ControlServer) -> None:
        path = store.control_socket(self._state)
        try:
            await control.start(path)
        except OSError as error:
            log.error("%s: no control socket (%s); darban's commands cannot reach it", path, error)

    async def _serve_metrics(self) -> None:
        # after the first answer: importing these takes long
        from resolver.web import metrics_page, status_page
        from resolver.web.listener import PageListenError

        collector = DarbanCollector(
            self._layout,
            lambda: [slot.cells for slot in self._slots],
            self._facts,
            self._readings,
        )
        try:
            app = metrics_page.application(collector)
            status_page.add_to(app, self._read_status, self._engine)
            await metrics_page.serve(app, self._facts.terms.settings.metrics)
        except PageListenError as error:
            log.error("%s", error)

    async def _serve_block_page(self) -> None:
        endpoints = self._facts.terms.settings.block_page
        if not endpoints:
            return
        from resolver.web import block_page  # as with the metrics, and most networks have none
        from resolver.web.listener import PageListenError

        for endpoint in endpoints:
            try:
                await block_page.serve(self._engine, endpoint)
            except PageListenError as error:
                log.error("%s", error)

    def _engine(self) -> Explainer:
        """The policy in force, to be asked now."""
        now = self._rollout.now
        return Explainer(now.terms, now.index, time.time())

    def _readings(self) -> kernel.KernelReadings:
        sockets = (listening for slot in self._slots for listening in slot.listening)
        workers = [slot.pid for slot in self._slots if slot.pid is not None]
        memory = {
            "supervisor": kernel.resident([os.getpid()]),
            "workers": kernel.resident(workers),
        }
        return kernel.KernelReadings(kernel.drops(sockets), memory)

    async def _reload(self, request: Request) -> Answer:
        event = "exempt" if request.get("event") == "exempt" else "reload"
        outcome = await self.reload(f"uid {request['uid']}", event)
        return outcome.as_json()

    async def _status(self, _: Request) -> Answer:
        return self._read_status().as_json()

    def _read_status(self) -> Status:
        return self._status_reader.read(str(self._rollout.now.place), time.time())


def _say_what_is_wrong(accepted: Accepted, first: ServedSnapshot) -> None:
    """Log what keeps nothing from being served, and that somebody should see to."""
    for warning in accepted.warnings:
        log.warning("%s", warning)
    if accepted.last_good:
        log.error("the last good snapshot, %s, is served instead", first.place.name)
    for group, servers in first.hosts.groups().items():
        if not servers and not first.hosts.unknown:
            log.error("%s", _no_upstream(group))


def _no_upstream(group: str) -> str:
    where = f"[upstreams.{group}]" if group else "[upstream]"
    return (
        f"{where}: there is no server to ask; resolv.conf names none but this resolver itself. "
        f"Names that have to be asked for will fail until servers are set in {where}"
    )


def _raise_file_limit() -> None:
    """Every query on its way may need a socket of its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say(lines: list[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
