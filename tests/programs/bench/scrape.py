"""``python -m tests.programs.bench.scrape``: what those who ask notice of the metrics being read.

The same load is put on the server three times in turn, again and again: while nobody reads
the metrics, while they are read every second (Prometheus does every 15 seconds), and while
visitors come without end, who hold connections open, talk nonsense, and ask for the
metrics without reading them.
"""

import argparse
import itertools
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from http.client import HTTPConnection
from statistics import median
from typing import NamedTuple

from tests.programs.bench import machine
from tests.programs.bench.dnsperf import Statistics
from tests.programs.bench.probes import Background
from tests.programs.bench.program import Report, run_program
from tests.programs.bench.report import markdown, spread
from tests.programs.bench.warm_server import WarmServer, ask_timed, settings, warm_server

_WORST = 2.0
"""How many times the p99 may grow."""


class Guests(Background):
    """Some who come to the metrics' listener."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._where = ("127.0.0.1", port)


class Reader(Guests):
    """Reads the metrics every second, and throws them away: to parse them costs too much."""

    def _run(self) -> None:
        connection = HTTPConnection(*self._where, timeout=10)
        while not self._stopping.wait(1):
            connection.request("GET", "/metrics")
            connection.getresponse().read()
        connection.close()


class Hostile(Guests):
    """A hundred new ones a second, and as many who stay."""

    _SAY = (
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"\x16\x03\x01 no HTTP at all\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20,
    )
    _HELD = 100

    def _run(self) -> None:
        held: list[socket.socket] = []
        for say in itertools.cycle(self._SAY):
            if self._stopping.wait(0.01):
                break
            with suppress(OSError):
                visitor = socket.create_connection(self._where, timeout=1)
                held.append(visitor)
                visitor.sendall(say)
            if len(held) > self._HELD:
                held.pop(0).close()
        for visitor in held:
            visitor.close()


Watching = Callable[[int], AbstractContextManager[object]]
WAYS: Mapping[str, Watching] = {
    "nobody reads them": lambda _: nullcontext(),
    "read every second": Reader,
    "a hundred hostile visitors a second": Hostile,
}


class Cost(NamedTuple):
    """What several runs of one kind cost."""

    asked: int
    lost: int
    p99: list[float]
    """Of each run, in microseconds."""


def main() -> int:
    """Measure, print, write; the exit code."""
    return run_program("scrape", "The metrics are read under load", __doc__, _add_options, _measure)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=int, default=20_000, help="queries a second")
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured")


def _measure(options: argparse.Namespace) -> Report:
    with warm_server(machine.empty("scrape")) as here:
        costs = measure(here, options.runs, options.rate)
    fine = all(good(each, costs) for each in costs.values())
    return Report(settings(options.rate), [table(costs)], fine)


def measure(here: WarmServer, runs: int, rate: int) -> dict[str, Cost]:
    """Each way in turn, so often."""
    statistics: dict[str, list[Statistics]] = {way: [] for way in WAYS}
    for run, (way, watching) in itertools.product(range(runs), WAYS.items()):
        sys.stderr.write(f"bench: run {run + 1} of {runs}, {way} ...\n")
        with watching(here.darban.spare):
            statistics[way].append(ask_timed(here, rate))
    return {way: cost(each) for way, each in statistics.items()}


def cost(statistics: Sequence[Statistics]) -> Cost:
    """What some runs cost together."""
    return Cost(
        sum(run.sent for run in statistics),
        sum(run.lost for run in statistics),
        [run.latencies.quantile(0.99) * 1e6 for run in statistics],
    )


def ratio(one: Cost, costs: Mapping[str, Cost]) -> float:
    """Its p99 against that of the quiet runs."""
    quiet = next(iter(costs.values()))
    return median(one.p99) / median(quiet.p99)


def good(one: Cost, costs: Mapping[str, Cost]) -> bool:
    """Whether nothing was lost, and nothing took much longer."""
    return not one.lost and ratio(one, costs) <= _WORST


def table(costs: Mapping[str, Cost]) -> str:
    """What each way of watching cost."""
    head = ("the metrics", "asked", "lost", "p99, microseconds", "times that of nobody")
    rows = [
        (way, f"{one.asked:,}", f"**{one.lost:,}**", spread(one.p99, 0), f"{ratio(one, costs):.2f}")
        for way, one in costs.items()
    ]
    return markdown(head, rows)


if __name__ == "__main__":
    sys.exit(main())
