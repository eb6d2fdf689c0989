"""Running the servers side by side.

All servers of a pair run at once, each fresh, and are put under load one after the other,
by turns first and last: so all see the same minute of the machine. They share one core, and
the generator and the upstream another.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen

from tests.live.scraping import scrape
from tests.programs.bench import questions
from tests.programs.bench.clients import deal, each_asks_all, one_of_each_vlan
from tests.programs.bench.darban import MAIN
from tests.programs.bench.dnsperf import Statistics, ask_once, ask_steadily
from tests.programs.bench.load import WORKLOADS, Measured, await_answers, measure
from tests.programs.bench.machine import off_the_server_s_core, settle
from tests.programs.bench.peer import Peer
from tests.programs.bench.processes import BenchError, family, memory, start
from tests.programs.bench.stopwatch import Stopwatch
from tests.programs.bench.upstream import Authority

Running = list[tuple[Peer, "Popen[bytes]"]]
_FULL = 0.97 * (64 << 20)
"""Octets that a full cache has at least."""


class Bench:
    """Everything that stays the same from pair to pair."""

    def __init__(
        self,
        place: Path,
        data: questions.Data,
        kinds: Sequence[type[Peer]],
        needed: Iterable[str],
        workloads: Sequence[str],
        addresses: Sequence[str],
    ) -> None:
        """``needed`` are the servers without which there is nothing to compare."""
        self._place = place
        self._data = data
        self._kinds = [kind for kind in kinds if any(map(kind.takes, workloads))]
        self._needed = set(needed)
        self._workloads = workloads
        self._warmup = each_asks_all(place / "warmup", data.warmup, one_of_each_vlan()[:1])
        self._clients = {
            workload: deal(place / workload, asked, addresses[: WORKLOADS[workload].clients])
            for workload, asked in data.workloads.items()
            if workload in workloads
        }
        self.left_out: dict[str, str] = {}
        """Servers that could not be measured, and why."""
        self.results: dict[str, dict[str, list[Measured]]] = {
            workload: {kind.name: [] for kind in self._kinds if kind.takes(workload)}
            for workload in workloads
        }
        self.full: list[int] = []
        """Octets of all of Darban's processes with a full cache, of each pair that filled it."""

    def pair(self, number: int) -> None:
        """Start every server, and put each in turn under each load."""
        place = self._place / str(number)
        place.mkdir()
        with ExitStack() as stack:
            server_core = stack.enter_context(off_the_server_s_core())
            authority = settle(Authority, place)
            child = start(stack, None, authority.configure(self._data), authority.place / "log")
            await_answers(authority, child, self._data.warmup[0][0], None)
            running: Running = []
            for kind in self._kinds:
                peer = settle(kind, place, authority.port)
                command = peer.configure(self._data)
                running.append((peer, start(stack, server_core, command, peer.place / "log")))
            for peer, child in running:
                self._try(peer, self._warm, child)
            for workload in self._workloads:
                for peer, child in running if number % 2 == 0 else reversed(running):
                    if peer.takes(workload):
                        self._try(peer, self._load, child, workload)
            for peer, child in running:
                if type(peer) is MAIN and _cache(peer) >= _FULL:
                    self.full.append(memory(family(child.pid)))

    def _try(self, peer: Peer, work: Callable[..., None], *arguments: object) -> None:
        """Do it unless the server is left out, and leave it out if it cannot be done."""
        if peer.name in self.left_out:
            return
        try:
            work(peer, *arguments)
        except BenchError as error:
            if peer.name in self._needed:
                raise
            sys.stderr.write(f"bench: {error}\n")
            self.left_out[peer.name] = str(error)
            for servers in self.results.values():
                servers.pop(peer.name, None)

    def _warm(self, peer: Peer, child: "Popen[bytes]") -> None:
        await_answers(peer, child, self._data.warmup[0][0], "www." + self._data.blocked[0])
        ask_once(peer.port, self._warmup)

    def _load(self, peer: Peer, child: "Popen[bytes]", name: str) -> None:
        workload = WORKLOADS[name]

        def load() -> Statistics:
            clients = self._clients[name]
            if not workload.rate:
                how = (workload.in_flight, workload.together)
                return ask_once(peer.port, clients, *how, tcp=workload.tcp)
            with Stopwatch(clients[0].address, peer.port, self._data.warmup[0][0]) as watch:
                statistics = ask_steadily(peer.port, clients[0], workload.rate, questions.STEADY)
            return watch.beside(statistics)

        # At a rate that is not the server's choice, what it loses is a figure like the others.
        tolerated = {"tolerated": 1.0} if workload.rate else {}
        self.results[name][peer.name].append(measure(peer, child, load, **tolerated))


def _cache(darban: Peer) -> float:
    """The octets of the answer cache, by the metrics."""
    time.sleep(1)  # the worker writes them down now and then
    metrics = scrape(darban.spare)
    return metrics.total("darban_cache_bytes") if metrics is not None else 0.0
