"""Serves metrics and the status page, and the status on the control socket."""

import gc
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

from resolver.audit.figures_writer import FiguresWriter
from resolver.metrics import kernel
from resolver.metrics.collector import DarbanCollector
from resolver.metrics.part import Answer, Command, Part, Request
from resolver.metrics.part_states import PartStates
from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import Status
from resolver.metrics.status_reader import read_status
from resolver.policy.compiled import CompiledConfig
from resolver.supervisor.block_page import BlockPage
from resolver.supervisor.http_socket import HttpSocket
from resolver.supervisor.rollout import Rollout
from resolver.supervisor.worker_pool import WorkerPool


class MetricsServer(Part):
    """The HTTP server of the supervisor, and what it shows."""

    def __init__(
        self,
        socket: HttpSocket,
        config: ServedConfig,
        states: Callable[[], PartStates],
        rollout: Rollout,
        pool: WorkerPool,
        figures: FiguresWriter,
        block_page: BlockPage,
    ) -> None:
        self._socket = socket
        self._config = config
        self._states = states
        self._rollout = rollout
        self._pool = pool
        self._figures = figures
        self._block_page = block_page

    def commands(self) -> Mapping[str, Command]:
        """``status``."""
        return {"status": self._status}

    async def run(self) -> None:
        """Serve until cancelled."""
        gc.disable()  # modules are no garbage, now or later
        # Slow to import, so after the start.
        from resolver.web import metrics_page, status_json, status_page
        from resolver.web.figure_plots import History
        from resolver.web.listener import listen

        gc.freeze()
        gc.enable()
        collector = DarbanCollector(self._pool.sums, self._config, self._states, self._readings)
        app = metrics_page.application(collector, self._config, lambda: self._pool.state.not_ready)
        history = History(self._figures.directory, self._figures.time_zone)
        status_page.add_to(app, self._read_status, self._compiled, history.vlans)
        status_json.add_to(app, self._read_status)
        await listen(app, await self._socket.opened())

    def _compiled(self) -> CompiledConfig:
        return self._rollout.current.compiled

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
        return read_status(self._pool.sums(), self._config, self._states(), time.time())
