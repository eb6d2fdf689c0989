"""The supervisor: opens the sockets, starts the workers, and serves everything but DNS.

A child process compiles the config (``child_compiler``), and the supervisor reads only the
snapshot, so it never holds what reading a config takes. It keeps what outlives a worker: the
listening sockets, the memory of the counters, the addresses of upstreams. It serves the metrics,
the status page and the control socket. ``rollout`` decides which snapshot the workers serve,
``reload`` changes it, ``worker_pool`` replaces workers. ``block_page`` has its own process.

What must stay true:
- DNS is served even if the metrics, the control socket or the names of upstreams fail.
"""

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from resolver.analysis.explanation import Explainer
from resolver.compiler.candidate import Accepted
from resolver.evidence.audit_writer import AuditWriter
from resolver.evidence.block_log import BlockLogWriter
from resolver.evidence.figures_writer import FiguresWriter
from resolver.evidence.hourly_seals import FiguresSeals
from resolver.log import log, say
from resolver.log import start as start_log
from resolver.metrics import kernel
from resolver.metrics.collector import DarbanCollector
from resolver.metrics.facts import ServerFacts
from resolver.metrics.status import Status
from resolver.metrics.status_reader import read_status
from resolver.policy_source.pulls import PolicyPulls
from resolver.server.listening import open_sockets
from resolver.snapshot import store
from resolver.supervisor.address_watch import watch_addresses
from resolver.supervisor.background import BackgroundTasks, Work, report_unaccepted
from resolver.supervisor.banner import startup_banner
from resolver.supervisor.block_page import BlockPage
from resolver.supervisor.control import Answer, Command, ControlServer, Request, socket_path
from resolver.supervisor.link_probe import LinkProbe
from resolver.supervisor.list_updates import ListUpdates
from resolver.supervisor.metrics_socket import MetricsSocket
from resolver.supervisor.notify import ServiceManager
from resolver.supervisor.person import person
from resolver.supervisor.reload import START, Reloader, mark_good
from resolver.supervisor.restart_settings import worker_count
from resolver.supervisor.rollout import Rollout, ServedSnapshot
from resolver.supervisor.self_test import SelfTest
from resolver.supervisor.startup import (
    first_snapshot,
    log_warnings,
    raise_file_limit,
    remove_what_was_left,
    restore_policy,
    return_large_blocks,
)
from resolver.supervisor.state_lock import locked
from resolver.supervisor.tls_certificate import TlsCertificate
from resolver.supervisor.upstream_validation import UpstreamValidation
from resolver.supervisor.upstream_watch import UpstreamWatch
from resolver.supervisor.worker_commands import WorkerCommands
from resolver.supervisor.worker_pool import WorkerPool
from resolver.supervisor.worker_processes import WorkerSlot
from resolver.supervisor.zone_publisher import ZonePublisher

_NOT_JUDGED = "it is compiled since the start; until then the policy is the last good one"
_AGAIN = 1.0
"""Seconds between two attempts to make the control socket."""
_JUDGED_BY = 120.0
"""Seconds after which the service manager takes the start for done, though the config is not yet
judged: it ends a start that takes too long, and this server answers queries."""


async def serve(config: Path, *, last_good: bool = False, saved: str = "") -> str:
    """Run a server until SIGTERM or SIGINT.

    With ``last_good`` it begins with the last good snapshot, which stays in force if the config is
    rejected; and an address that this host lacks does not prevent the start. With ``saved`` it
    begins with the snapshot that has this hash.

    Returns:
        The hash of the snapshot that this process must begin again with, or nothing.

    Raises:
        DarbanError: it could not start; nothing was left running.
    """
    manager = ServiceManager()
    hangup = asyncio.Event()  # also while it starts, when the signal would end this process
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
    state = store.directory(config)
    with locked(state):
        remove_what_was_left(state)
        restore_policy(state)
        accepted, first = await first_snapshot(config, state, last_good=last_good, saved=saved)
        start_log("supervisor")
        raise_file_limit()
        return_large_blocks()
        return await _Supervisor(config, first, manager, hangup, wait=last_good).run(accepted)


class _Supervisor:
    """A server, from its start to its end."""

    def __init__(
        self,
        config: Path,
        first: ServedSnapshot,
        manager: ServiceManager,
        hangup: asyncio.Event,
        *,
        wait: bool,
    ) -> None:
        """Open the sockets, and make all that lives as long as the server.

        With ``wait``, sockets are opened also at addresses that this host lacks.
        """
        state = store.directory(config)
        self._manager = manager
        self._hangup = hangup
        self._background = BackgroundTasks()
        workers = worker_count(first.compiled)
        settings = first.compiled.settings
        endpoints = (*settings.listen, *settings.proxied)
        stored = manager.take_stored_sockets()
        self._metrics_socket = MetricsSocket(settings.metrics, stored, manager)
        sockets = open_sockets(endpoints, workers, stored, tls=settings.tls_listen, wait=wait)
        manager.store_sockets([each for listening in sockets for each in listening])
        now = time.time()
        self._facts = ServerFacts(config, state, first.compiled, first.path.name, now, now, workers)
        self._block_log = BlockLogWriter(self._facts)
        slots = [
            WorkerSlot(number, each, self._block_log.pipe) for number, each in enumerate(sockets)
        ]
        self._block_page = BlockPage(settings.block_page, first.path, self._facts)
        self._rollout = Rollout(slots, first, self._block_log, self._block_page, self._background)
        self._certificate = TlsCertificate(self._facts, self._rollout.use_certificate)
        self._explained: tuple[ServedSnapshot, Explainer] | None = None
        self._pool = WorkerPool(self._rollout, self._facts, self._background)
        self._audit = AuditWriter(state, self._facts)
        self._reloader = Reloader(self._rollout, self._facts, self._audit, self._after_reload)
        self._list_updates = ListUpdates(self._facts, self._reloader)
        self._policy_pulls = PolicyPulls(self._facts, self._reloader.switch, self._audit.refused)
        self._zones = ZonePublisher(self._facts, lambda: self._rollout.current.path)
        self._validation = UpstreamValidation(self._rollout, self._facts)
        self._link = LinkProbe(self._rollout, self._facts)
        self._upstream_watch = UpstreamWatch(self._rollout, self._facts)
        self._figures = FiguresWriter(self._pool.sums, self._facts)
        self._seals = FiguresSeals(self._audit, self._figures.waits_since)
        self._self_test = SelfTest(self._pool, self._rollout, self._facts)
        self._begin_again = ""

    async def run(self, accepted: Accepted | None) -> str:
        """Serve until a signal; DarbanError where no worker can start.

        Without ``accepted`` the config is judged once the workers serve.

        Returns:
            The hash of the snapshot that this process must begin again with, or nothing.
        """
        self._facts.config_ok = accepted is not None and not accepted.last_good
        self._facts.config_failure = _NOT_JUDGED if accepted is None else accepted.failure
        self._handle_signals()
        report_unaccepted()
        control = ControlServer(self._facts.config, self._commands())
        try:
            self._rollout.start_resolving()
            self._certificate.look()
            await self._pool.start(self._manager.keep_alive)
            await self._listen_for_commands(control)
            if accepted is not None:
                mark_good(self._rollout.current.path)
                event = f"{START} --last-good" if accepted.last_good else START
                await self._reloader.activated(event, await person(os.getuid()), accepted.sources)
                self._tell(accepted)
                self._manager.ready()
            else:
                self._background.start(self._judge())
                asyncio.get_running_loop().call_later(_JUDGED_BY, self._manager.ready)
            self._report_status()
            for work in (
                *(self._serve_metrics, self._block_page.run),
                partial(self._once_judged, self._list_updates.schedule.run),
                partial(self._once_judged, self._policy_pulls.run),
                partial(self._once_judged, self._seals.run),
                *(self._zones.run, self._validation.run, self._upstream_watch.run),
                self._link.run,
                self._figures.run,
                self._certificate.run,
                *(self._self_test.run, self._reload_on_hangup),
                partial(self._rollout.follow_resolv_conf, self._validation.look),
                partial(watch_addresses, self._facts),
                partial(self._listen_again, control),
            ):
                self._background.keep(work)
            await self._pool.watched()
            if not self._begin_again:
                await self._reloader.stop("signal")
            return self._begin_again
        finally:
            if self._begin_again:
                self._manager.forget_sockets()
                self._metrics_socket.pass_on()
            else:
                self._manager.stopping()
            control.stop()
            await asyncio.gather(self._pool.stop(), self._block_page.stop())
            self._block_log.stop()
            self._figures.stop()

    async def _judge(self) -> None:
        """Put the config on disk in force, or say why the last good snapshot stays in force.

        READY comes after it: a config may need another start, which would break off a command.
        """
        try:
            await self._put_in_force()
        finally:
            if not self._begin_again:
                self._manager.ready()

    async def _put_in_force(self) -> None:
        who = await person(os.getuid())
        ended = await self._reloader.start(who)
        if ended is None:
            return
        result, candidate = ended
        if candidate is not None and result.result == "needs_restart":
            self._begin_again = Path(candidate.snapshot).name
            what = "changes settings that need a restart: the server begins again with"
            log.info("%s %s snapshot %s", self._facts.config, what, self._begin_again)
            self._pool.stop_watching()
            return
        if candidate is None or result.code:
            report = "\n".join(result.report)
            say(sys.stderr, f"{self._facts.config} is not put in force:\n{report}")
            candidate = Accepted(str(self._rollout.current.path), last_good=True)
        self._tell(candidate)

    def _tell(self, accepted: Accepted) -> None:
        """Print what is in force, with the warnings."""
        log_warnings(accepted, self._rollout.current)
        say(sys.stdout, "\n".join(startup_banner(self._facts, accepted)))

    def _commands(self) -> Mapping[str, Command]:
        """The commands of the control socket."""
        workers = WorkerCommands(self._pool, self._rollout)
        return {
            "status": self._status,
            "unknown": workers.unknown,
            "flush": workers.flush,
            "drain": workers.drain,
            "record": workers.record,
            "reload": self._reloader.command,
            "activate": self._reloader.activate,
            "in-force": self._reloader.in_force,
            "pull": self._policy_pulls.command,
            "update-lists": self._list_updates.update,
        }

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._pool.stop_watching)

    async def _reload_on_hangup(self) -> None:
        """Reload after a SIGHUP, until cancelled; one reload for all that came before it."""
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            await self._reloader.reload("reload", "SIGHUP")

    async def _once_judged(self, run: Callable[[], Work]) -> None:
        """Do work that changes what is compiled once the config on disk was tried.

        Else a damaged list would be fetched anew before it is reported.
        """
        await self._reloader.judged.wait()
        await run()

    def _after_reload(self) -> None:
        self._report_status()
        self._certificate.look()
        self._list_updates.schedule.look()
        self._zones.look()
        self._validation.look()
        self._self_test.look()

    def _report_status(self) -> None:
        state = "" if self._facts.config_ok else "not in force, the last good policy is "
        self._manager.status(f"the config is {state}in force, snapshot {self._facts.snapshot}")

    async def _listen_for_commands(self, control: ControlServer) -> None:
        path = socket_path(self._facts.state)
        try:
            await control.start(path)
        except OSError as error:
            if self._facts.has_control_socket:
                log.error("%s: no control socket (%s); no command can reach it", path, error)
            self._facts.has_control_socket = False
        else:
            self._facts.has_control_socket = True

    async def _listen_again(self, control: ControlServer) -> None:
        """Make the control socket later where the disk is full or read-only at the start."""
        while not self._facts.has_control_socket:
            await asyncio.sleep(_AGAIN)
            await self._listen_for_commands(control)

    async def _serve_metrics(self) -> None:
        gc.disable()  # modules are no garbage, now or later
        # Slow to import, so after the start.
        from resolver.web import metrics_page, status_page
        from resolver.web.figure_plots import History
        from resolver.web.listener import listen

        gc.freeze()
        gc.enable()
        collector = DarbanCollector(self._pool.sums, self._facts, self._readings)
        app = metrics_page.application(collector, self._facts)
        history = History(self._figures.directory, self._figures.time_zone)
        status_page.add_to(app, self._read_status, self._explainer, history.vlans)
        await listen(app, await self._metrics_socket.opened())

    def _explainer(self) -> Explainer:
        """Explains names by the policy in force now; made once for each snapshot."""
        current = self._rollout.current
        if self._explained is None or self._explained[0] is not current:
            self._explained = current, Explainer(current.compiled, current.index, time.time())
        explainer = self._explained[1]
        explainer.advance(time.time())
        return explainer

    def _readings(self) -> kernel.KernelReadings:
        slots = self._pool.slots
        sockets = (listening for slot in slots for listening in slot.listening)
        processes = {
            "supervisor": [os.getpid()],
            "workers": [slot.pid for slot in slots if slot.pid is not None],
        }
        if self._block_page.pid is not None:
            processes["block_page"] = [self._block_page.pid]
        return kernel.read(sockets, processes)

    async def _status(self, _: Request) -> Answer:
        return asdict(self._read_status())

    def _read_status(self) -> Status:
        return read_status(
            self._pool.sums(),
            self._facts,
            snapshot=str(self._rollout.current.path),
            at=time.time(),
        )
