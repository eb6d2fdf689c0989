"""The targets of the redesign, and how far a run has reached them."""

import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from resolver.compiler.compilation import compile_file
from resolver.snapshot import store
from tests.programs.bench import machine
from tests.programs.bench.darban import (
    MAIN,
    Before,
    BeforeInterpreted,
    BlockLog,
    Darban,
    Ranges,
    Wildcard,
)
from tests.programs.bench.load import WORKLOADS, Measured
from tests.programs.bench.peers import Dnsdist, Unbound
from tests.programs.bench.processes import on_core
from tests.programs.bench.report import Results, costs, markdown, ratios, spread


class _Ratio(NamedTuple):
    """One server's cost by another's, in the same pair."""

    workload: str
    ours: str
    theirs: str
    enough: float | None
    goal: float | None


_RATIOS = (
    *(_Ratio(text, MAIN.name, Unbound.name, 0.80, 0.70) for text in ("hits", "blocks", "mix")),
    *(_Ratio(text, MAIN.name, Dnsdist.name, 1.10, 1.00) for text in ("hits", "blocks", "mix")),
    _Ratio("misses", MAIN.name, Unbound.name, 0.68, 0.50),
    _Ratio("misses-20", MAIN.name, Unbound.name, 1.10, 0.80),
    _Ratio("misses-full", MAIN.name, Unbound.name, None, None),
    _Ratio("hits", Wildcard.name, MAIN.name, 1.25, 1.15),
    _Ratio("tcp", MAIN.name, Unbound.name, 0.90, 0.75),
    *(
        _Ratio(text, MAIN.name, peer, 1.00, 1.00)
        for text, workload in WORKLOADS.items()
        if workload.rate
        for peer in (Unbound.name, Dnsdist.name)
    ),
    *(_Ratio(text, BlockLog.name, MAIN.name, 1.30, 1.15) for text in ("hits", "blocks")),
    *(_Ratio(text, Ranges.name, MAIN.name, 1.05, 1.02) for text in ("hits", "misses")),
    *(
        _Ratio(text, ours, before, 1.02, 1.00)
        for ours, before in ((MAIN.name, Before.name), (Darban.name, BeforeInterpreted.name))
        for text in ("hits", "blocks", "misses")
    ),
)
HEAD = ("", "median (range)", "pass", "goal", "")


def longest_waits(kind: type[Darban], place: Path, runs: int) -> list[tuple[float, float]]:
    """Milliseconds that a loop stands still while a large snapshot is read, and made ready."""
    place.mkdir(exist_ok=True)
    darban = machine.settle(kind, place)
    darban.configure_with(["example.org"], 1, exceptions=150_000, prefixes=60_000)
    compiled = compile_file(darban.config, time.time())
    snapshot = store.save(darban.place, compiled.snapshot)
    core, _ = machine.cores()
    program = str(Path(__file__).with_name("loop_wait.py"))
    command = on_core(core, [kind.python, program, str(snapshot)])
    printed = [subprocess.run(command, check=True, capture_output=True).stdout for _ in range(runs)]
    return [(float(reading), float(ready)) for reading, ready in map(bytes.split, printed)]


def table(
    results: Results,
    full: Sequence[int],
    waits_ms: Mapping[str, Sequence[tuple[float, float]]],
) -> str:
    """What can be said of each target.

    ``full`` is the memory with a full cache, in octets; ``waits_ms`` what ``longest_waits`` gave
    for each build.
    """
    rows = [_row(ratio, results) for ratio in _RATIOS]
    hits = results.get("hits", {}).get(MAIN.name, [])
    for build, found in waits_ms.items():
        for what, item in zip(("read", "made ready"), zip(*found, strict=True), strict=True):
            rows.append(
                figure(f"longest wait while a snapshot is {what}, ms: {build}", item, 5, 2, 1)
            )
    rows += [
        figure("MB of supervisor and worker after hits",
                [run.memory_all / 1e6 for run in hits], 76, 68, 0),
        figure("MB with a full cache", [number / 1e6 for number in full], 104, 96, 0),
    ]  # fmt: skip
    return markdown(HEAD, [row for row in rows if row])


def _row(ratio: _Ratio, results: Results) -> tuple[str, ...]:
    servers: Mapping[str, Sequence[Measured]] = results.get(ratio.workload, {})
    if not servers.get(ratio.ours) or not servers.get(ratio.theirs) or ratio.ours == ratio.theirs:
        return ()
    found = ratios(costs(servers[ratio.ours]), costs(servers[ratio.theirs]))
    what = f"{ratio.workload}: {ratio.ours} / {ratio.theirs}"
    return figure(what, found, ratio.enough, ratio.goal)


def figure(
    what: str, found: Sequence[float], enough: float | None, goal: float | None, digits: int = 2
) -> tuple[str, ...]:
    """A row; none where nothing was measured."""
    if not found:
        return ()
    bounds = ["" if number is None else f"{number:,.{digits}f}" for number in (enough, goal)]
    return (what, f"**{spread(found, digits)}**", *bounds, _verdict(found, enough, goal))


def _verdict(found: Sequence[float], enough: float | None, goal: float | None) -> str:
    if enough is None or goal is None:
        return ""
    middle = statistics.median(found)
    return "goal" if middle <= goal else "pass" if middle <= enough else "missed"
