"""``python -m tests.programs.bench.kill``: what clients notice when a worker dies under load.

Two workers serve, one of them is killed with SIGKILL, and whatever is not answered then is
counted as lost: by the generator, which waits five seconds for each answer, and by the
kernel, which drops what no longer fits the dead worker's queue.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.programs.bench import machine
from tests.programs.bench.dnsperf import Statistics, ask_steadily
from tests.programs.bench.probes import Probes
from tests.programs.bench.processes import BenchError
from tests.programs.bench.program import Report, run_program
from tests.programs.bench.report import markdown
from tests.programs.bench.scrapes import Scrape, Scrapes, gone_back, value
from tests.programs.bench.warm_server import SECONDS, WORKERS, WarmServer, settings, warm_server

_SETTLE = 0.5
_BETWEEN = 1.5
"""A worker that dies younger than a second has its successor delayed."""
_RESTARTS = "darban_worker_restarts_total"


class Outcome(NamedTuple):
    """One death."""

    statistics: Statistics
    overflowed: int
    """Queries that the kernel dropped since a queue was full."""
    outage: float
    """Seconds from the kill until every client was answered again."""
    replaced: float
    """Seconds from the kill until the metrics showed every worker."""
    back: list[str]
    """Counters that were lower once than they had been before."""
    scrapes: int
    counted: int
    """Queries by the server's own account."""
    probed: int
    """Answers that the probes had."""


def main() -> int:
    """Measure, print, write; the exit code."""
    return run_program("kill", "A worker is killed under load", __doc__, _add_options, _measure)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=int, default=20_000, help="queries a second")
    parser.add_argument("--runs", type=int, default=3, help="how many workers to kill")


def _measure(options: argparse.Namespace) -> Report:
    outcomes = _run(options.runs, options.rate)
    return Report(settings(options.rate) | {"killed": "at half of it"}, [table(outcomes)])


def _run(runs: int, rate: int) -> list[Outcome]:
    outcomes = []
    with warm_server(machine.empty("kill")) as here:
        for run in range(runs):
            sys.stderr.write(f"bench: killing worker {run + 1} of {runs} ...\n")
            outcomes.append(_kill(here, rate))
            time.sleep(_BETWEEN)
    return outcomes


def _kill(here: WarmServer, rate: int) -> Outcome:
    """Kill the worker that came first, halfway through the load."""
    darban, supervisor, client, blocked = here
    victim = darban.serving(supervisor)[0]
    dropped = overflowed(Path("/proc/net/udp").read_text(), darban.port)
    with (
        Scrapes(darban.spare) as scrapes,
        ThreadPoolExecutor() as pool,
        Probes(client.address, darban.port, blocked) as probes,
    ):
        load = pool.submit(ask_steadily, darban.port, client, rate, SECONDS)
        time.sleep(SECONDS / 2)
        killed = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        statistics = load.result()
        time.sleep(_SETTLE)
    queries = [value(each.values, "darban_queries_total") for each in scrapes.kept]
    answered = probes.all_answered_after(killed)
    whole = _whole_again(scrapes.kept, killed)
    if answered is None or whole is None:
        raise BenchError(f"the worker was not replaced; see {darban.place}/log")
    return Outcome(
        statistics,
        overflowed(Path("/proc/net/udp").read_text(), darban.port) - dropped,
        answered - killed,
        whole - killed,
        gone_back([each.values for each in scrapes.kept]),
        len(scrapes.kept),
        round(queries[-1] - queries[0]),
        probes.answered,
    )


def _whole_again(scrapes: Sequence[Scrape], killed: float) -> float | None:
    """When the metrics first showed a replaced worker, and all of them alive."""
    before = [each for each in scrapes if each.moment < killed]
    restarts = value(before[-1].values, _RESTARTS) if before else 0.0
    for each in scrapes:
        alive = value(each.values, "darban_workers") == WORKERS
        if each.moment > killed and alive and value(each.values, _RESTARTS) > restarts:
            return each.moment
    return None


def overflowed(text: str, port: int) -> int:
    """The datagrams that did not fit the queues of a port, from /proc/net/udp."""
    lines = (line.split() for line in text.splitlines()[1:])
    return sum(int(fields[-1]) for fields in lines if fields[1].endswith(f":{port:04X}"))


def table(outcomes: Sequence[Outcome]) -> str:
    """What each death cost, and the median of all."""
    head = (
        "killed", "queries/s", "asked", "lost", "of those dropped by a full queue",
        "other failures", "s until all are answered", "s until the metrics show it",
        "counters that went back", "counted - answered",
    )  # fmt: skip
    rows = [
        (
            str(number),
            f"{each.statistics.rate:,.0f}",
            f"{each.statistics.sent:,}",
            f"**{each.statistics.lost:,}**",
            f"{each.overflowed:,}",
            f"{each.statistics.failed - each.statistics.lost:,}",
            f"**{each.outage:.2f}**",
            f"{each.replaced:.2f}",
            f"{len(each.back)} in {each.scrapes} scrapes",
            f"{each.counted - each.statistics.completed - each.probed:,}",
        )
        for number, each in enumerate(outcomes, 1)
    ]
    return markdown(head, rows)


if __name__ == "__main__":
    sys.exit(main())
