"""The figures as Markdown."""

import statistics
from collections.abc import Callable, Mapping, Sequence

from tests.bench.load import Measured

Results = Mapping[str, Mapping[str, Sequence[Measured]]]
"""By workload and server, a run of each pair."""

TITLES = {
    "hits": "Hits: 30 % blocked, 70 % from the cache",
    "misses": "Misses: every name forwarded once",
    "blocks": "Blocked names only",
    "tcp": "Hits over TCP",
}


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Median and range."""
    low, middle, high = min(values), statistics.median(values), max(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({low:,.{digits}f}..{high:,.{digits}f})"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours by theirs, pair by pair: what disturbs the machine disturbs both of a pair."""
    return [our / their for our, their in zip(ours, theirs, strict=True)]


def table(servers: Mapping[str, Sequence[Measured]], ours: str) -> str:
    """One workload: what a query costs each server, and how ours compares."""
    rows = [
        ("", "CPU us/query", "user", "system", "with its other processes",
         "queries/s", "MB", "MB with other processes", "failed %", f"{ours} / this"),
        ("---",) * 10,
    ]  # fmt: skip
    for name, runs in servers.items():
        compared = "" if name == ours or ours not in servers else spread(
            ratios(_cost(servers[ours]), _cost(runs)), 2
        )  # fmt: skip
        rows.append(
            (
                name,
                f"**{spread(_cost(runs))}**",
                spread(_each(runs, lambda run: run.cpu.user / run.told.completed * 1e6)),
                spread(_each(runs, lambda run: run.cpu.system / run.told.completed * 1e6)),
                spread(_each(runs, lambda run: run.cpu_all.total / run.told.completed * 1e6)),
                spread(_each(runs, lambda run: run.told.completed / run.told.seconds), 0),
                spread(_each(runs, lambda run: run.memory / 1e6), 0),
                spread(_each(runs, lambda run: run.memory_all / 1e6), 0),
                spread(_each(runs, lambda run: 100 * run.told.failed / run.told.sent), 2),
                compared,
            )
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _each(runs: Sequence[Measured], figure: Callable[[Measured], float]) -> list[float]:
    return [figure(run) for run in runs]


def _cost(runs: Sequence[Measured]) -> list[float]:
    return _each(runs, lambda run: run.microseconds)


def document(facts: Mapping[str, str], results: Results, ours: str) -> str:
    """The whole report."""
    parts = ["# What a query costs", "\n".join(f"- {name}: {v}" for name, v in facts.items())]
    for workload, servers in results.items():
        asked = next(iter(servers.values()))[0].told.sent
        parts += [f"## {TITLES[workload]} ({asked:,} queries)", table(servers, ours)]
    return "\n\n".join(parts) + "\n"
