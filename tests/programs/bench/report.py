"""The figures as Markdown."""

import statistics
from collections.abc import Callable, Mapping, Sequence

from tests.programs.bench.load import WORKLOADS, Measured

Results = Mapping[str, Mapping[str, Sequence[Measured]]]
"""By workload and server, a run of each pair."""
FIGURES = ("", "median (range)")
"""The head of a table of single figures."""


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Median and range."""
    low, middle, high = min(values), statistics.median(values), max(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({low:,.{digits}f}..{high:,.{digits}f})"


def figure(what: str, values: Sequence[float], digits: int = 2) -> tuple[str, str]:
    """A row of a table of such figures."""
    return what, f"**{spread(values, digits)}**"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours by theirs, pair by pair: what disturbs the machine disturbs both of a pair."""
    return [our / their for our, their in zip(ours, theirs, strict=True)]


def table(servers: Mapping[str, Sequence[Measured]], ours: str) -> str:
    """One workload: what a query costs each server, and how ours compares."""
    head = (
        "", "CPU us/query", "user", "system", "with its other processes",
        "queries/s", "MB", "MB with other processes", "failed %", f"{ours} / this",
    )  # fmt: skip
    rows = [
        (
            name,
            f"**{spread(costs(runs))}**",
            spread(_each(runs, lambda run: run.cpu.user / run.statistics.completed * 1e6)),
            spread(_each(runs, lambda run: run.cpu.system / run.statistics.completed * 1e6)),
            spread(_each(runs, lambda run: run.cpu_all.total / run.statistics.completed * 1e6)),
            spread(_each(runs, lambda run: run.statistics.rate), 0),
            spread(_each(runs, lambda run: run.memory / 1e6), 0),
            spread(_each(runs, lambda run: run.memory_all / 1e6), 0),
            _failed(runs),
            _compared(servers, name, ours, costs),
        )
        for name, runs in servers.items()
    ]
    return markdown(head, rows)


def at_a_rate(servers: Mapping[str, Sequence[Measured]], ours: str) -> str:
    """What a query costs at a rate, and how long clients wait."""
    head = (
        "", "queries/s", "CPU us/query", "p50 us", "p99 us", "failed %", f"CPU: {ours} / this",
        f"p99: {ours} / this",
    )  # fmt: skip
    rows = [
        (
            name,
            spread(_each(runs, lambda run: run.statistics.rate), 0),
            f"**{spread(costs(runs))}**",
            spread(waits(runs, 0.5), 0),
            spread(waits(runs, 0.99), 0),
            _failed(runs),
            _compared(servers, name, ours, costs),
            _compared(servers, name, ours, lambda runs: waits(runs, 0.99)),
        )
        for name, runs in servers.items()
    ]
    return markdown(head, rows)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def costs(runs: Sequence[Measured]) -> list[float]:
    """CPU time a query, of each run."""
    return _each(runs, lambda run: run.microseconds)


def waits(runs: Sequence[Measured], share: float) -> list[float]:
    """Microseconds within which so large a share of the answers came, of each run."""
    return _each(runs, lambda run: run.statistics.latencies.quantile(share) * 1e6)


def _failed(runs: Sequence[Measured]) -> str:
    return spread(_each(runs, lambda run: 100 * run.statistics.failed / run.statistics.sent), 2)


def _compared(
    servers: Mapping[str, Sequence[Measured]],
    name: str,
    ours: str,
    figure: Callable[[Sequence[Measured]], list[float]],
) -> str:
    if name == ours or ours not in servers:
        return ""
    return spread(ratios(figure(servers[ours]), figure(servers[name])), 2)


def _each(runs: Sequence[Measured], figure: Callable[[Measured], float]) -> list[float]:
    return [figure(run) for run in runs]


def document(results: Results, ours: str) -> list[str]:
    """Each workload with its heading and its table."""
    parts = []
    for workload, servers in results.items():
        asked = next(iter(servers.values()))[0].statistics.sent
        form = at_a_rate if WORKLOADS[workload].rate else table
        parts += [f"## {WORKLOADS[workload].title} ({asked:,} queries)", form(servers, ours)]
    return parts


def listed(facts: Mapping[str, str]) -> str:
    """Facts as a list."""
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())
