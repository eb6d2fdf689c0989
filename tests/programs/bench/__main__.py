"""``python -m tests.programs.bench``: what a query costs Darban and its peers, on this machine."""

import argparse
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from tests.programs.bench import machine, questions
from tests.programs.bench.chart import Sections, chart
from tests.programs.bench.clients import ADDRESSES, PREFIXES, TOGETHER
from tests.programs.bench.ours import Darban, Floor
from tests.programs.bench.packages import Package, install, lacking
from tests.programs.bench.pairs import Bench
from tests.programs.bench.peer import Peer
from tests.programs.bench.peers import PEERS, Unbound
from tests.programs.bench.processes import BenchError
from tests.programs.bench.report import TITLES, Results, costs, document
from tests.programs.bench.upstream import Authority

_CHARTED = ("hits", "mix", "misses")
_PEERS: dict[str, type[Peer]] = dict(
    zip(("unbound", "bind", "dnsdist", "recursor", "knot"), PEERS, strict=True)
)


def main() -> int:
    """Measure, print, write; the exit code."""
    options = _options()
    if missing := install([Package("dnsperf", "dnsperf"), _package(Authority), _package(Unbound)]):
        packages = " ".join(each.package for each in missing)
        sys.stderr.write(f"bench needs: apt-get install {packages}\n")
        return 2
    machine.end_as_told()
    try:
        _run(options)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.programs.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few queries: does it work at all?")
    parser.add_argument("--runs", type=int, default=3, help="how many pairs")
    parser.add_argument(
        "--only", type=_among(TITLES), default=list(TITLES), help="workloads, such as hits,misses"
    )
    parser.add_argument(
        "--peers",
        type=_among(_PEERS),
        help=f"of {','.join(_PEERS)}, those to compare with Unbound, installed as root if need "
        "be; without it, those that are installed",
    )
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("at least one run is needed")
    return options


def _among(known: Collection[str]) -> Callable[[str], list[str]]:
    """Reads a list with commas, in the order of what there is."""

    def read(text: str) -> list[str]:
        wanted = text.split(",")
        for each in wanted:
            if each not in known:
                raise argparse.ArgumentTypeError(f"there is no {each!r}, only {', '.join(known)}")
        return [each for each in known if each in wanted]

    return read


def _run(options: argparse.Namespace) -> None:
    facts = machine.facts("tests.programs.bench")
    kinds, left_out = _choose(options.peers)
    counts = questions.QUICK if options.quick else questions.Counts()
    place, needed = machine.empty("bench"), (Darban.name, Unbound.name)
    addresses = ADDRESSES[: counts.clients]
    bench = Bench(place, questions.make(counts), kinds, needed, options.only, addresses)
    for number in range(options.runs):
        sys.stderr.write(f"bench: pair {number + 1} of {options.runs} ...\n")
        bench.pair(number)
    facts |= _conditions(len(addresses))
    servers: list[type[Peer]] = [Authority, *kinds]
    facts |= {kind.name: kind(Path(), 0, 0, 0).version() for kind in servers}
    facts |= {name: f"left out: {why}" for name, why in (left_out | bench.left_out).items()}
    report = document(facts, bench.results, Darban.name)
    (machine.BUILD / "bench.md").write_text(report)
    if drawn := _sections(bench.results):
        (machine.BUILD / "bench.svg").write_text(_chart(facts, drawn))
    sys.stdout.write(report)


def _choose(wanted: Sequence[str] | None) -> tuple[list[type[Peer]], dict[str, str]]:
    """Whom to measure, and who is left out for what reason."""
    chosen: list[type[Peer]] = (
        list(PEERS) if wanted is None else [Unbound, *(_PEERS[each] for each in wanted)]
    )
    packages = [_package(kind) for kind in chosen]
    missing = lacking(packages) if wanted is None else install(packages)
    why = "not installed (--peers installs it)" if wanted is None else "cannot be installed here"
    absent = {kind for kind in chosen if _package(kind) in missing}
    kinds = [kind for kind in PEERS if kind in chosen and kind not in absent]
    return [Darban, Floor, *kinds], {kind.name: why for kind in PEERS if kind in absent}


def _package(kind: type[Peer]) -> Package:
    return Package(kind.program, kind.package, kind.service)


def _conditions(clients: int) -> dict[str, str]:
    """What must be known of the runs to read the figures."""
    server_core, load_core = machine.cores()
    apart = "another" if server_core != load_core else "the same, so queries/s say nothing"
    return {
        "load average at the end": f"{machine.load():.2f} (the bench itself makes 2 to 3)",
        "cores": f"every server on one core, dnsperf and NSD on {apart}",
        "clients": f"{clients} addresses on {len(PREFIXES)} VLANs, {TOGETHER} at a time, "
        "a dnsperf each; for latency a single one, and a clock of its own beside it",
        "figures": "median (lowest..highest) of the pairs; CPU time is user + system of the "
        "processes that answer, a query completed; memory is the proportional set size; "
        "queries/s is what generator and server reach together",
    }


def _sections(results: Results) -> Sections:
    return {
        TITLES[workload]: {name: costs(runs) for name, runs in results[workload].items()}
        for workload in _CHARTED
        if workload in results
    }


def _chart(facts: Mapping[str, str], sections: Sections) -> str:
    return chart(
        "CPU time a query, in microseconds: less is better",
        f"One core each; {facts['machine']}; {facts['date']}",
        sections,
        Darban.name,
    )


if __name__ == "__main__":
    sys.exit(main())
