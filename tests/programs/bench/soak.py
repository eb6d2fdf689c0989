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

from resolver import __version__
from tests.programs.bench import machine, questions
from tests.programs.bench.clients import ADDRESSES, Client
from tests.programs.bench.dnsperf import Told, ask_steadily, in_turn
from tests.programs.bench.load import await_answers
from tests.programs.bench.machine import settle
from tests.programs.bench.ours import Darban
from tests.programs.bench.peer import revision
from tests.programs.bench.processes import BenchError, family, memory, start
from tests.programs.bench.report import listed, markdown
from tests.programs.bench.upstream import Authority

_ROUND = 60
"""Seconds that one generator asks for."""
_COLUMNS = ("minute", "names so far", "lost", "MB of the worker", "MB of the supervisor", "p99, ms")


def main() -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.programs.bench.soak", description=__doc__
    )
    parser.add_argument("--minutes", type=int, default=10, help="how long to ask")
    parser.add_argument("--rate", type=int, default=10_000, help="queries a second")
    options = parser.parse_args()
    machine.end_as_told()
    facts = machine.facts("tests.programs.bench.soak")
    try:
        rows, told = _run(options.minutes, options.rate)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    facts["load"] = f"{options.rate} queries a second, each name once: {told.sent} names"
    facts["answered"] = f"{told.completed}, lost {told.lost}, rcodes {told.rcodes}"
    facts["Darban"] = (
        f"{__version__} ({revision()}), one worker, a cache of 64 MiB; on one core, "
        "generator and upstream on another"
    )
    report = "\n\n".join(("# Minutes of new names", listed(facts), markdown(_COLUMNS, rows)))
    (machine.BUILD / "soak.md").write_text(report + "\n")
    sys.stdout.write(report + "\n")
    return 0


def _run(minutes: int, rate: int) -> tuple[list[list[str]], Told]:
    data = questions.make(questions.QUICK)
    rows: list[list[str]] = []
    runs: list[Told] = []
    with TemporaryDirectory(prefix="darban-soak-") as place, ExitStack() as stack:
        server_core = stack.enter_context(machine.off_the_server_s_core())
        authority = settle(Authority, Path(place))
        upstream = start(stack, None, authority.configure(data), authority.place / "log")
        await_answers(authority, upstream, data.warmup[0][0], None)
        darban = settle(Darban, Path(place), authority.port)
        server = start(stack, server_core, darban.configure(data), darban.place / "log")
        await_answers(darban, server, data.warmup[0][0], "www." + data.blocked[0])
        for minute in range(minutes):
            client = _client(Path(place), minute, rate)
            runs.append(ask_steadily(darban.port, client, None, rate, _ROUND))
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


def _row(minute: int, runs: list[Told], worker: int, supervisor: int) -> list[str]:
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
