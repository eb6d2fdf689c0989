"""``python -m tests.programs.bench.reload``: what clients notice of a reload under load.

The same load is put on a server twice: alone, and with a reload in the middle that puts
another config in force. Then once more with a list of a million names, which take long to
compile, on the core that answers.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.programs.bench import machine
from tests.programs.bench.darban import Darban
from tests.programs.bench.dnsperf import Statistics
from tests.programs.bench.processes import BenchError, family, memory
from tests.programs.bench.program import Report, run_program
from tests.programs.bench.report import markdown, spread
from tests.programs.bench.warm_server import (
    SECONDS,
    WarmServer,
    ask_timed,
    settings,
    warm_server,
)

_FEW, _MANY = 1_000, 1_000_000
_LONG = 40
_OWN = 'deny = ["denied.example.org"]'
_OTHER = 'deny = ["denied.example.org", "denied.example.net"]'


class Outcome(NamedTuple):
    """A load with a reload in its middle, and one without."""

    alone: Statistics
    during: Statistics
    reload: float
    """Seconds from the command to its end, compiling included."""
    before: int
    """Octets of all processes."""
    after: int


def main() -> int:
    """Measure, print, write; the exit code."""
    return run_program("reload", "A reload under load", __doc__, _add_options, _measure)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=int, default=20_000, help="queries a second")
    parser.add_argument("--runs", type=int, default=3, help="how many reloads")
    parser.add_argument("--few", action="store_true", help="without the million names")


def _measure(options: argparse.Namespace) -> Report:
    sizes = [(_FEW, SECONDS, options.runs), *([] if options.few else [(_MANY, _LONG, 1)])]
    place, parts = machine.empty("reload"), []
    for names, seconds, runs in sizes:
        outcomes = []
        with warm_server(_made(place / str(names)), names) as here:
            for number in range(runs):
                sys.stderr.write(f"bench: {names:,} names, reload {number + 1} of {runs} ...\n")
                outcomes.append(_reloaded(here, options.rate, seconds))
        parts += [f"## {names:,} names, {seconds} s", table(outcomes)]
    return Report(settings(options.rate) | {"reloaded": "in the middle of it"}, parts)


def _made(place: Path) -> Path:
    place.mkdir()
    return place


def _reloaded(here: WarmServer, rate: int, seconds: int) -> Outcome:
    alone = ask_timed(here, rate, min(seconds, SECONDS))
    before = memory(family(here.supervisor))
    with ThreadPoolExecutor() as pool:
        load = pool.submit(ask_timed, here, rate, seconds)
        time.sleep(min(seconds, SECONDS) / 3)
        took = _reload(here.darban)
        during = load.result()
    if took > seconds:
        raise BenchError(f"the reload took {took:.0f} s, longer than the load")
    return Outcome(alone, during, took, before, memory(family(here.supervisor)))


def _reload(darban: Darban) -> float:
    """Put another config in force; the seconds that this takes."""
    text = darban.config.read_text()
    darban.config.write_text(
        text.replace(_OWN, _OTHER) if _OWN in text else text.replace(_OTHER, _OWN)
    )
    began = time.monotonic()
    command = [*darban.command(), "reload", "--config", str(darban.config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=machine.ROOT)
    if done.returncode:
        raise BenchError(f"the reload was not applied: {done.stdout}{done.stderr}")
    return time.monotonic() - began


def table(outcomes: Sequence[Outcome]) -> str:
    """Clients' waits with and without a reload."""
    head = (
        "", "queries/s", "asked", "lost", "other failures",
        "p50 us", "p99 us", "p99.9 us", "longest ms", "reload s", "MB",
    )  # fmt: skip
    rows = [
        _row("alone", [each.alone for each in outcomes], "", [each.before for each in outcomes]),
        _row(
            "with a reload",
            [each.during for each in outcomes],
            spread([each.reload for each in outcomes], 2),
            [each.after for each in outcomes],
        ),
    ]
    ratios = [_wait(each.during, 0.99) / _wait(each.alone, 0.99) for each in outcomes]
    rows.append(("**ratio**", "", "", "", "", "", f"**{spread(ratios, 2)}**", "", "", "", ""))
    return markdown(head, rows)


def _row(name: str, runs: list[Statistics], reload: str, octets: list[int]) -> tuple[str, ...]:
    return (
        name,
        spread([run.rate for run in runs], 0),
        f"{sum(run.sent for run in runs):,}",
        f"**{sum(run.lost for run in runs):,}**",
        f"{sum(run.failed - run.lost for run in runs):,}",
        spread([_wait(run, 0.5) * 1e6 for run in runs], 0),
        spread([_wait(run, 0.99) * 1e6 for run in runs], 0),
        spread([_wait(run, 0.999) * 1e6 for run in runs], 0),
        spread([_wait(run, 1) * 1e3 for run in runs]),
        reload,
        spread([each / 1e6 for each in octets]),
    )


def _wait(run: Statistics, share: float) -> float:
    return run.latencies.quantile(share)


if __name__ == "__main__":
    sys.exit(main())
