"""``python -m tests.programs.bench.soak``: memory over minutes of names never asked before.

One worker, and a generator that asks at a steady rate, by default a third of what a worker
forwards on this machine: six million names, each once, in rounds of a minute. The cache fills
in the first minutes; from then on the memory must stay where it is.
"""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.programs.bench import machine, questions
from tests.programs.bench.clients import ADDRESSES, Client
from tests.programs.bench.darban import MAIN
from tests.programs.bench.dnsperf import Statistics, ask_steadily, in_turn
from tests.programs.bench.load import await_answers
from tests.programs.bench.machine import settle
from tests.programs.bench.processes import family, memory, start
from tests.programs.bench.program import Report, run_program
from tests.programs.bench.report import markdown
from tests.programs.bench.upstream import Authority

_ROUND = 60
"""Seconds that one generator asks for."""
_COLUMNS = ("minute", "names so far", "lost", "MB of the worker", "MB of the supervisor", "p99, ms")


def main() -> int:
    """Measure, print, write; the exit code."""
    return run_program("soak", "Minutes of new names", __doc__, _add_options, _measure)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=int, default=10, help="how long to ask")
    parser.add_argument("--rate", type=int, default=10_000, help="queries a second")


def _measure(options: argparse.Namespace) -> Report:
    rows, total = _run(options.minutes, options.rate)
    facts = {
        "load": f"{options.rate} queries a second, each name once: {total.sent} names",
        "answered": f"{total.completed}, lost {total.lost}, rcodes {total.rcodes}",
        MAIN.name: f"{MAIN.version()}, a cache of 64 MiB; on one core, generator and upstream "
        "on another",
    }
    return Report(facts, [markdown(_COLUMNS, rows)])


def _run(minutes: int, rate: int) -> tuple[list[list[str]], Statistics]:
    data = questions.make(questions.SMALL)
    rows: list[list[str]] = []
    runs: list[Statistics] = []
    with TemporaryDirectory(prefix="darban-soak-") as place, ExitStack() as stack:
        server_core = stack.enter_context(machine.off_the_server_s_core())
        authority = settle(Authority, Path(place))
        upstream = start(stack, None, authority.configure(data), authority.place / "log")
        await_answers(authority, upstream, data.warmup[0][0], None)
        darban = settle(MAIN, Path(place), authority.port)
        server = start(stack, server_core, darban.configure(data), darban.place / "log")
        await_answers(darban, server, data.warmup[0][0], "www." + data.blocked[0])
        for minute in range(minutes):
            client = _client(Path(place), minute, rate)
            runs.append(ask_steadily(darban.port, client, rate, _ROUND))
            supervisor, *workers = family(server.pid)
            rows.append(_row(minute, runs, memory(workers), memory([supervisor])))
            sys.stderr.write(f"bench: {' | '.join(rows[-1])}\n")
    return rows, in_turn(runs)


def _client(place: Path, minute: int, rate: int) -> Client:
    """Who asks in a minute: another address each time, and names that nobody asked before."""
    path = place / f"minute-{minute}"
    asked = [(f"n{minute}-{n}.example.com", "A") for n in range(rate * _ROUND)]
    questions.write_questions(path, asked)
    return Client(ADDRESSES[minute % len(ADDRESSES)], path)


def _row(minute: int, runs: list[Statistics], worker: int, supervisor: int) -> list[str]:
    last = runs[-1]
    return [
        str(minute + 1),
        f"{sum(run.sent for run in runs):,}",
        str(last.lost),
        f"{worker / 2**20:.1f}",
        f"{supervisor / 2**20:.1f}",
        f"{last.latencies.quantile(0.99) * 1e3:.1f}",
    ]


if __name__ == "__main__":
    sys.exit(main())
