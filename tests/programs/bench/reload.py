"""``python -m tests.programs.bench.reload``: what clients notice of a reload under load.

The same load is put on a server twice: alone, and with a reload in the middle that puts
another config in force. Then once more with a list of a million names, which take long to
compile, on the core that answers.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from resolver.supervisor import control
from tests.programs.bench import machine
from tests.programs.bench.dnsperf import Told
from tests.programs.bench.processes import BenchError, family, memory
from tests.programs.bench.report import listed, markdown, spread
from tests.programs.bench.stage import LACKING, SECONDS, Stage, ask_timed, equipped, settings, stage

_FEW, _MANY = 1_000, 1_000_000
_LONG = 40
_PATIENCE = 300.0
_OWN = 'deny = ["denied.example.org"]'
_OTHER = 'deny = ["denied.example.org", "denied.example.net"]'


class Outcome(NamedTuple):
    """A load with a reload in its middle, and one without."""

    alone: Told
    told: Told
    reload: float
    """Seconds from the command to its answer, compiling included."""
    before: int
    """Octets of all processes."""
    after: int


def main() -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.programs.bench.reload", description=__doc__
    )
    parser.add_argument("--rate", type=int, default=20_000, help="queries a second")
    parser.add_argument("--runs", type=int, default=3, help="how many reloads")
    parser.add_argument("--few", action="store_true", help="without the million names")
    options = parser.parse_args()
    if not equipped():
        sys.stderr.write(LACKING)
        return 2
    machine.end_as_told()
    os.environ.pop("STATE_DIRECTORY", None)
    facts = machine.facts("tests.programs.bench.reload")
    facts |= settings(options.rate) | {"reloaded": "in the middle of it"}
    sizes = [(_FEW, SECONDS, options.runs), *([] if options.few else [(_MANY, _LONG, 1)])]
    parts = ["# A reload under load", listed(facts)]
    place = machine.empty("reload")
    try:
        for names, seconds, runs in sizes:
            outcomes = _run(place / str(names), names, options.rate, seconds, runs)
            parts += [f"## {names:,} names, {seconds} s", table(outcomes)]
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    report = "\n\n".join(parts) + "\n"
    (machine.BUILD / "reload.md").write_text(report)
    sys.stdout.write(report)
    return 0


def _run(place: Path, names: int, rate: int, seconds: int, runs: int) -> list[Outcome]:
    place.mkdir()
    with stage(place, names) as here:
        outcomes = []
        for run in range(runs):
            sys.stderr.write(f"bench: {names:,} names, reload {run + 1} of {runs} ...\n")
            outcomes.append(_reload(here, rate, seconds))
        return outcomes


def _reload(here: Stage, rate: int, seconds: int) -> Outcome:
    darban, supervisor, *_ = here
    alone = ask_timed(here, rate, min(seconds, SECONDS))
    before = memory(family(supervisor))
    config = darban.place / "config.toml"
    text = config.read_text()
    config.write_text(text.replace(_OWN, _OTHER) if _OWN in text else text.replace(_OTHER, _OWN))
    with ThreadPoolExecutor() as pool:
        load = pool.submit(ask_timed, here, rate, seconds)
        time.sleep(min(seconds, SECONDS) / 3)
        began = time.monotonic()
        answer = control.ask(config, {"command": "reload"}, _PATIENCE)
        took = time.monotonic() - began
        told = load.result()
    if answer.get("result") != "applied":
        raise BenchError(f"the reload was not applied: {answer}")
    if took > seconds:
        raise BenchError(f"the reload took {took:.0f} s, longer than the load")
    return Outcome(alone, told, took, before, memory(family(supervisor)))


def table(outcomes: list[Outcome]) -> str:
    """Clients' waits with and without a reload."""
    head = (
        "", "queries/s", "asked", "lost", "other failures",
        "p50 us", "p99 us", "p99.9 us", "longest ms", "reload s", "MB",
    )  # fmt: skip
    rows = [
        _row("alone", [each.alone for each in outcomes], "", [each.before for each in outcomes]),
        _row(
            "with a reload",
            [each.told for each in outcomes],
            spread([each.reload for each in outcomes], 2),
            [each.after for each in outcomes],
        ),
    ]
    ratios = [_wait(each.told, 0.99) / _wait(each.alone, 0.99) for each in outcomes]
    rows.append(("**ratio**", "", "", "", "", "", f"**{spread(ratios, 2)}**", "", "", "", ""))
    return markdown(head, rows)


def _row(name: str, runs: list[Told], reload: str, octets: list[int]) -> tuple[str, ...]:
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


def _wait(run: Told, share: float) -> float:
    return run.latencies.quantile(share)


if __name__ == "__main__":
    sys.exit(main())
