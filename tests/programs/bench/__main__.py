"""``python -m tests.programs.bench``: what a query costs Darban and its peers, on this machine."""

import argparse
import os
import sys
from collections.abc import Callable, Collection, Sequence

from tests.live.programs import find
from tests.programs.bench import growth, long_history, machine, questions
from tests.programs.bench.clients import ADDRESSES, PREFIXES, TOGETHER
from tests.programs.bench.darban import (
    MAIN,
    Before,
    BeforeInterpreted,
    BlockLog,
    Compiled,
    Darban,
    Ranges,
    Wildcard,
)
from tests.programs.bench.load import WORKLOADS
from tests.programs.bench.peer import Peer
from tests.programs.bench.peers import Dnsdist, Unbound
from tests.programs.bench.processes import BenchError
from tests.programs.bench.report import document, listed, spread
from tests.programs.bench.side_by_side import Bench
from tests.programs.bench.upstream import Authority

_NEEDED = ("dnsperf", "nsd", "unbound")
_HISTORY, _GROWTH = "history", "growth"
_WITHOUT_QUERIES = frozenset({_HISTORY, _GROWTH})
_ALWAYS: tuple[type[Peer], ...] = (Compiled, Darban, Unbound)
_OTHERS: dict[str, type[Peer]] = {
    "before": Before,
    "before-interpreted": BeforeInterpreted,
    "wildcard": Wildcard,
    "blocklog": BlockLog,
    "ranges": Ranges,
    "dnsdist": Dnsdist,
}
_FACTS = {
    _GROWTH: "median (lowest..highest) of the runs, each with an empty state directory and two "
    "workers; memory is the proportional set size; it and CPU time are sampled each 50 ms",
    _HISTORY: "median (lowest..highest) of the runs, interpreted; memory is the largest "
    "resident set",
}


def main() -> int:
    """Measure, print, write; the exit code."""
    options = _options()
    if missing := [text for text in _NEEDED if find(text) is None]:
        sys.stderr.write(f"bench needs {' and '.join(missing)}\n")
        return 2
    machine.end_on_signals()
    os.environ.pop("STATE_DIRECTORY", None)
    facts = machine.facts("tests.programs.bench")
    try:
        more, parts = _measure(options)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    has_queries = not _WITHOUT_QUERIES.issuperset(options.only)
    title = "# What a query costs" if has_queries else "# What commands cost"
    text = "\n\n".join((title, listed(facts | more), *parts)) + "\n"
    (machine.BUILD / "bench.md").write_text(text)
    sys.stdout.write(text)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.programs.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the queries, or fewer")
    parser.add_argument(
        "--runs", type=int, default=3, choices=range(1, 100), metavar="PAIRS", help="how many pairs"
    )
    names = [*WORKLOADS, _HISTORY, _GROWTH]
    parser.add_argument(
        "--only", type=_some_of(names), default=names[:-1], help=f"of {','.join(names)}: "
        f"{_HISTORY} is what it costs to read an audit log at its bound; {_GROWTH} is what a "
        "change costs in a large network, and is measured only where it is named",
        metavar="WORKLOADS",
    )  # fmt: skip
    parser.add_argument(
        "--peers",
        type=_some_of(_OTHERS),
        metavar="SERVERS",
        help=f"of {','.join(_OTHERS)}: those to measure besides Darban, compiled and interpreted, "
        "and Unbound; without it, all that are installed",
    )
    parser.add_argument(
        "--before", default="", metavar="COMMIT", help="compile this commit, and measure it too"
    )
    return parser.parse_args()


def _some_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """Reads a list with commas, in the order of what there is."""

    def read(text: str) -> list[str]:
        wanted = text.split(",")
        for item in wanted:
            if item and item not in known:
                raise argparse.ArgumentTypeError(f"there is no {item!r}, only {', '.join(known)}")
        return [text for text in known if text in wanted]

    return read


def _measure(options: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    """What must be known to read the figures, and the figures."""
    if options.before:
        Before.build(options.before)
    more = _history(options) if _HISTORY in options.only else []
    more += _growth(options) if _GROWTH in options.only else []
    if _WITHOUT_QUERIES.issuperset(options.only):
        facts = {f"figures of {name}": _FACTS[name] for name in options.only}
        return {MAIN.name: MAIN.version().removesuffix(", one worker")} | facts, more
    kinds, left_out = _choose(options.peers)
    counts = questions.QUICK if options.quick else questions.Counts()
    place, addresses = machine.empty("bench"), ADDRESSES[: counts.clients]
    workloads = [item for item in options.only if item in WORKLOADS]
    needed = (MAIN.name, Unbound.name)
    rates = {
        workload: WORKLOADS[workload].rate for workload in workloads if WORKLOADS[workload].rate
    }
    bench = Bench(place, questions.make(counts, rates), kinds, needed, workloads, addresses)
    if workloads:
        for number in range(options.runs):
            sys.stderr.write(f"bench: pair {number + 1} of {options.runs} ...\n")
            bench.pair(number)
    facts = _conditions(len(addresses))
    asked: list[type[Peer]] = [Authority, *kinds]
    facts |= {kind.name: kind.version() for kind in asked}
    facts |= {name: f"left out: {why}" for name, why in (left_out | bench.left_out).items()}
    if bench.full:
        facts["MB with a full cache"] = spread([octets / 1e6 for octets in bench.full], 0)
    return facts, [*document(bench.results, MAIN.name), *more]


def _history(options: argparse.Namespace) -> list[str]:
    """What the commands that read the audit log cost, at its bound."""
    return long_history.tables(Darban, machine.empty("history"), options.runs)


def _growth(options: argparse.Namespace) -> list[str]:
    """What a change costs in a large network, and in one of a tenth."""
    sizes = growth.SIZES[: 1 if options.quick else None]
    return growth.tables(MAIN, machine.empty("growth"), sizes, options.runs)


def _choose(wanted: Sequence[str] | None) -> tuple[list[type[Peer]], dict[str, str]]:
    """Which servers to measure, and which are left out for what reason."""
    others = [_OTHERS[text] for text in (_OTHERS if wanted is None else wanted)]
    chosen = [*_ALWAYS, *others]
    missing = {kind.name: why for kind in chosen if (why := kind.missing())}
    return [kind for kind in chosen if kind.name not in missing], missing


def _conditions(clients: int) -> dict[str, str]:
    """What must be known of the runs to read the figures."""
    server_core, load_core = machine.cores()
    apart = "another" if server_core != load_core else "the same, so queries/s say nothing"
    return {
        "load average at the end": f"{machine.load():.2f} (the bench itself makes 2 to 3)",
        "cores": f"every server on one core, dnsperf and NSD on {apart}",
        "clients": f"{clients} addresses on {len(PREFIXES)} VLANs, {TOGETHER} at a time, "
        "a dnsperf each; at a rate a single one, and a clock of its own beside it",
        "in flight": "250 queries at any time, but for misses-20 and where there is a rate",
        "figures": "median (lowest..highest) of the pairs; CPU time is user + system of the "
        "processes that answer, a query completed; memory is the proportional set size; "
        "queries/s is what generator and server reach together",
    }


if __name__ == "__main__":
    sys.exit(main())
