"""The supervisor: opens the sockets, starts the workers, and serves everything but DNS.

A child process compiles the config (``child_compiler``), and the supervisor reads only the
snapshot, so it never holds what reading a config takes. It keeps what outlives a worker: the
listening sockets, the memory of the counters, the addresses of upstreams. ``rollout`` decides
which snapshot the workers serve, ``reload`` changes it, ``worker_pool`` replaces workers. What
runs beside DNS is a list of parts (``metrics.part``): ``metrics_server`` serves the metrics and
the status page, ``control_socket`` the commands. ``block_page`` has its own process.

What must stay true:
- DNS is served even if the metrics, the control socket or the names of upstreams fail.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path

from resolver.audit.audit_writer import AuditWriter
from resolver.audit.block_log import BlockLogWriter
from resolver.audit.figures_writer import FiguresWriter
from resolver.compiler.compilation_result import Accepted
from resolver.compiler.restart_settings import worker_count
from resolver.metrics.part import Command, Part
from resolver.metrics.part_states import PartStates
from resolver.metrics.served_config import ServedConfig
from resolver.server.listening import open_sockets, take_http_sockets
from resolver.snapshot import store
from resolver.supervisor.background_tasks import BackgroundTasks, report_unaccepted
from resolver.supervisor.banner import startup_banner
from resolver.supervisor.block_page import BlockPage
from resolver.supervisor.control_socket import ControlSocket
from resolver.supervisor.edit_watch import EditWatch
from resolver.supervisor.feed_server import FeedServer
from resolver.supervisor.http_socket import HttpSocket
from resolver.supervisor.link_probe import LinkProbe
from resolver.supervisor.list_updates import ListUpdates
from resolver.supervisor.lists_from_medium import ListsFromMedium
from resolver.supervisor.metrics_server import MetricsServer
from resolver.supervisor.notify import ServiceManager
from resolver.supervisor.policy_pulls import PolicyPulls, restore_policy, restore_policy_files
from resolver.supervisor.reload import START, Reloader, mark_good
from resolver.supervisor.requesting_user import requesting_user
from resolver.supervisor.resolv_conf import ResolvConf
from resolver.supervisor.rollout import Rollout, ServedSnapshot
from resolver.supervisor.self_test import SelfTest
from resolver.supervisor.startup import (
    first_snapshot,
    log_warnings,
    raise_file_limit,
    remove_what_was_left,
    return_large_blocks,
)
from resolver.supervisor.state_lock import locked
from resolver.supervisor.tls_certificate import TlsCertificate
from resolver.supervisor.upstream_validation import UpstreamValidation
from resolver.supervisor.watches import AddressWatch, ClockWatch, UpstreamWatch
from resolver.supervisor.worker_commands import WorkerCommands
from resolver.supervisor.worker_pool import WorkerPool
from resolver.supervisor.worker_processes import WorkerSlot
from resolver.supervisor.zone_publisher import ZonePublisher
from resolver.system.log import log, say
from resolver.system.log import start as start_log
from resolver.system.steps import Showing

_JUDGED_BY = 120.0
"""Seconds after which the service manager takes the start for done, though the config is not yet
judged: it ends a start that takes too long, and this server answers queries."""


async def serve(
    config: Path, *, last_good: bool = False, saved: str = "", showing: Showing = nullcontext
) -> str:
    """Run a server until SIGTERM or SIGINT.

    With ``last_good`` it begins with the last good snapshot, which stays in force if the config is
    rejected; and an address that this host lacks does not prevent the start. With ``saved`` it
    begins with the snapshot that has this hash. ``showing`` shows what takes long.

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
        accepted, first = await first_snapshot(
            *(config, state, partial(restore_policy_files, state)),
            last_good=last_good,
            saved=saved,
            showing=showing,
        )
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
        self._background = BackgroundTasks()
        workers = worker_count(first.compiled)
        settings = first.compiled.settings
        stored = manager.take_stored_sockets()
        taken = take_http_sockets((settings.metrics, *settings.feeds.listen), stored)
        self._metrics_socket = HttpSocket("metrics", settings.metrics, taken, manager)
        self._feed_sockets = [
            HttpSocket("feeds", endpoint, taken, manager) for endpoint in settings.feeds.listen
        ]
        sockets = open_sockets(
            settings.plain_listen, workers, stored, tls=settings.tls_listen, wait=wait
        )
        manager.store_sockets([listener for listening in sockets for listener in listening])
        self._config = ServedConfig(config, state, first.compiled, first.path, time.time())
        self._block_log = BlockLogWriter(state)
        self._block_page = BlockPage(settings.block_page, first.path)
        slots = [
            WorkerSlot(number, socket_, self._block_log.pipe)
            for number, socket_ in enumerate(sockets)
        ]
        self._rollout = Rollout(slots, first, self._block_log, self._block_page, self._background)
        self._pool = WorkerPool(self._rollout, self._background)
        self._figures = FiguresWriter(
            *(self._config, self._pool.sums, self._states, self._pool.all_served)
        )
        self._audit = AuditWriter(state, self._figures.waits_since)
        self._reloader = Reloader(
            *(self._rollout, self._config, self._audit, hangup),
            partial(restore_policy_files, state),
            self._after_reload,
        )
        self._certificate = TlsCertificate(self._config, self._rollout.use_certificate)
        self._control = ControlSocket(config, state)
        self._parts = tuple(self._make_parts())
        self._begin_again = ""

    def _make_parts(self) -> Iterator[Part]:
        """All parts; what runs beside DNS is added here."""
        config, rollout = self._config, self._rollout
        yield from (self._pool, self._block_log, self._block_page, self._audit, self._reloader)
        yield from (self._certificate, self._figures, self._control)
        yield WorkerCommands(self._pool, rollout)
        yield MetricsServer(
            *(self._metrics_socket, config, self._states, rollout, self._pool),
            *(self._figures, self._block_page),
        )
        yield ListUpdates(config, self._reloader.lists, self._audit.serial_reset)
        yield ListsFromMedium(config, self._reloader.switch)
        yield PolicyPulls(config, self._reloader.switch, self._audit.refused)
        yield ZonePublisher(config)
        yield (validation := UpstreamValidation(rollout))
        yield ResolvConf(rollout, validation.look)
        yield UpstreamWatch(rollout)
        yield LinkProbe(rollout)
        yield SelfTest(self._pool, rollout)
        yield AddressWatch(config)
        yield ClockWatch(config)
        yield EditWatch(config, self._reloader.sources)
        yield FeedServer(self._feed_sockets, config, self._states)

    def _states(self) -> PartStates:
        """What all parts say now."""
        return PartStates(state for part in self._parts for state in part.states())

    async def run(self, accepted: Accepted | None) -> str:
        """Serve until a signal; DarbanError where no worker can start.

        Without ``accepted`` the config is judged once the workers serve.

        Returns:
            The hash of the snapshot that this process must begin again with, or nothing.
        """
        self._reloader.begin(accepted)
        self._handle_signals()
        report_unaccepted()
        try:
            self._rollout.start_resolving()
            self._certificate.look()
            with suppress(OSError):  # tried again, and reported, once the workers serve
                self._metrics_socket.open()  # a scrape waits now for what is slow to import
            await self._pool.start(self._manager.keep_alive)
            await self._control.listen(self._commands())
            if accepted is not None:
                mark_good(self._rollout.current.path)
                event = f"{START} --last-good" if accepted.last_good else START
                await self._reloader.activated(event, await requesting_user(os.getuid()), accepted)
                self._tell(accepted)
                self._manager.ready()
            else:
                self._background.start(self._judge())
                asyncio.get_running_loop().call_later(_JUDGED_BY, self._manager.ready)
            self._report_status()
            for part in self._parts:
                self._background.keep(partial(self._run, part))
            await self._pool.watched()
            if not self._begin_again:
                await self._reloader.stop("signal")
            return self._begin_again
        finally:
            if self._begin_again:
                self._manager.forget_sockets()
                for socket_ in (self._metrics_socket, *self._feed_sockets):
                    socket_.pass_on()
            else:
                self._manager.stopping()
            self._control.stop()
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
        who = await requesting_user(os.getuid())
        ended = await self._reloader.start(who)
        if ended is None:
            return
        result, candidate = ended
        if candidate is not None and result.result == "needs_restart":
            self._begin_again = Path(candidate.snapshot).name
            what = "changes settings that need a restart: the server begins again with"
            log.info("%s %s snapshot %s", self._config.file, what, self._begin_again)
            self._pool.stop_watching()
            return
        if candidate is None or result.code:
            report = "\n".join(result.report)
            say(sys.stderr, f"{self._config.file} is not put in force:\n{report}")
            candidate = Accepted(str(self._rollout.current.path), last_good=True)
        self._tell(candidate)

    def _tell(self, accepted: Accepted) -> None:
        """Print what is in force, with the warnings."""
        log_warnings(accepted, self._rollout.current)
        say(sys.stdout, "\n".join(startup_banner(self._config, len(self._pool.slots), accepted)))

    def _commands(self) -> dict[str, Command]:
        """The commands of the control socket, of all parts."""
        return {name: command for part in self._parts for name, command in part.commands().items()}

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._pool.stop_watching)

    async def _run(self, part: Part) -> None:
        if part.waits_for_config:
            await self._reloader.judged.wait()
        await part.run()

    def _after_reload(self) -> None:
        self._report_status()
        for part in self._parts:
            part.after_reload()

    def _report_status(self) -> None:
        state = "" if self._reloader.state.config_ok else "not in force, the last good policy is "
        self._manager.status(f"the config is {state}in force, snapshot {self._config.hash}")
