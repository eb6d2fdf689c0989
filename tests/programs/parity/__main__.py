"""``python -m tests.programs.parity``: do other engines enforce the policy as Darban does?

NSD is the upstream of all. Darban writes its zones, Knot serves them, and each engine runs with
the config that ``darban export`` writes. Each cell asks Darban and the engine the same question as
the same client. The cell agrees, or differs for a reason that deploy/publish.md documents.
"""

import argparse
import itertools
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.commands import GOOD, darban
from tests.live.configs import edited
from tests.live.knot import at_home, knot, new_key, secret
from tests.live.nsd import nsd
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.server import servers
from tests.live.waiting import wait_for
from tests.programs.parity import policy_under_test as policy
from tests.programs.parity.cells import QUESTIONS, Asker, Question, passes
from tests.programs.parity.differences import AGREES, UNEXPLAINED, Cell, reason
from tests.programs.parity.engines import Bind, Darban, Engine, Recursor, Site, Unbound
from tests.programs.parity.exactness import Exactness

ENGINES: dict[str, type[Engine]] = {
    "Darban": Darban,
    "BIND": Bind,
    "Unbound": Unbound,
    "Recursor": Recursor,
}
BEFORE, CHANGED, EXEMPTED = "before", "after a change of the policy", "after an exemption"


class Comparison:
    """What was compared."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        """For each engine, the cells by their reason."""
        self.unexplained: list[str] = []
        self.exactness = Exactness()

    def add(self, engine: str, state: str, cell: Cell) -> None:
        """Count a cell, and why it differs if it does."""
        why = reason(engine, cell)
        self.counts.setdefault(engine, Counter())[why] += 1
        self.exactness.add(engine, cell)
        if why == UNEXPLAINED:
            self.unexplained.append(
                f"{engine}, {state}, {cell.caches}: {cell.question}: "
                f"Darban {cell.ours}; {engine} {cell.theirs}"
            )


@contextmanager
def site(directory: Path) -> Iterator[Site]:
    """The upstream, Darban and Knot."""
    upstream, primary = free_port(), free_port()
    for name in ("nsd", "knot"):
        (directory / name).mkdir()
    zone = policy.signed_zone(directory)
    lists = policy.write_lists(directory)
    with nsd(needed("nsd"), directory / "nsd", upstream, zone=zone), servers(directory) as make:
        server = make(policy.config(upstream, primary, free_port(), lists))
        server.start()
        key = new_key("site")
        exported = darban("export", "knot", at=server.directory)
        assert exported.code == GOOD, exported.err
        wait_for((server.directory / ".darban/zones/serials").exists, "the zones are written")
        with knot(directory / "knot", at_home(exported.out, directory / "knot", [key])) as running:
            yield Site(server, running, upstream, secret(key))
            server.check_log()


def compare(engines: list[str], *, quick: bool = False, tcp: bool = False) -> Comparison:
    """Run the engines, one after the other, through all states of the policy."""
    comparison = Comparison()
    for name in engines:
        with tempfile.TemporaryDirectory(prefix="darban-parity-") as place:
            asker = Asker(tcp)
            _compare(comparison, name, Path(place), asker, quick=quick)
            asker.close()
    return comparison


def _compare(comparison: Comparison, name: str, place: Path, asker: Asker, *, quick: bool) -> None:
    with site(place) as of:
        engine = ENGINES[name](of, place / "engine")
        reference = Darban(of, place / "darban")
        with engine.run():
            for name_of_list in ("web.alpha.chat", "exact.gamma.chat"):
                _await(of, engine, asker, name_of_list)
            for state, change in _STATES.items():
                for each in itertools.chain(*QUESTIONS.values()):
                    asker(engine.ports[each.vlan], each)  # what the kept caches have
                change(of, engine, asker)
                expected = {
                    question: asker(reference.ports[vlan], question)
                    for vlan in QUESTIONS
                    for question in QUESTIONS[vlan]
                }
                for caches, vlan, warming in passes(kept=state != BEFORE, quick=quick):
                    if caches != "kept":
                        engine.flush()
                    for each in QUESTIONS[warming] if warming else ():
                        asker(engine.ports[each.vlan], each)
                    for each in QUESTIONS[vlan]:
                        with_rd = expected[each._replace(rd=True)]
                        seen = asker(engine.ports[vlan], each)
                        cell = Cell(each, caches, expected[each], with_rd, seen)
                        comparison.add(name, state, cell)


def _change(of: Site, engine: Engine, asker: Asker) -> None:
    """Deny one more name to administration."""
    edited(of.server.config, "deny = []", 'deny = ["later.chat"]')
    _activate(of, "reload")
    _await(of, engine, asker, policy.SENTINEL_CHANGE)


def _exempt(of: Site, engine: Engine, asker: Asker) -> None:
    """Let beta pass for administration."""
    person = ("--approver", "Head of PR", "--ticket", "PR-2")
    _activate(of, "exempt", "administration", "beta", "--for", "1h", *person)
    _await(of, engine, asker, policy.SENTINEL_EXEMPTION)


def _activate(of: Site, *command: str) -> None:
    """Run a command that changes the policy, and wait until all zones are written."""
    serials = of.zones / "serials"
    before = serials.read_bytes()
    done = darban(*command, at=of.server.directory)
    assert done.code == GOOD, done.out + done.err
    wait_for(lambda: serials.read_bytes() != before, "the zones are written")


def _await(of: Site, engine: Engine, asker: Asker, name: str) -> None:
    """Let the engine take the policy, until every client gets Darban's answer for a name."""

    def has_it() -> bool:
        for vlan, port in engine.ports.items():
            if vlan == "press":  # zones do not have its exemption
                continue
            like = Question(vlan, "blocked", "A", do=False, rd=True)
            ours = asker.ask(of.server.port, vlan, name, like)
            theirs = asker.ask(port, vlan, name, like)
            if (ours.rcode, ours.records) != (theirs.rcode, theirs.records):
                return False
        return True

    engine.take()
    wait_for(has_it, "the engine has the new policy", 90)


_STATES: dict[str, Callable[[Site, Engine, Asker], None]] = {
    BEFORE: lambda of, engine, asker: None,  # noqa: ARG005
    CHANGED: _change,
    EXEMPTED: _exempt,
}


def main() -> int:
    """Ask, compare, print; 1 where a difference has no known reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.parity", description=__doc__)
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--tcp", action="store_true", help="ask over TCP")
    parser.add_argument("--show", type=int, default=20, help="how many unexplained to show")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    comparison = compare(options.engines, tcp=options.tcp)
    print(document(comparison, options.show))
    return 1 if comparison.unexplained or comparison.exactness.wrong else 0


def document(comparison: Comparison, show: int) -> str:
    """What was seen, for people."""
    lines = ["| engine | cells | agree | differ | reason |", "|---|---|---|---|---|"]
    for engine, counts in comparison.counts.items():
        lines.append(f"| {engine} | {counts.total():,} | {counts[AGREES]:,} | | |")
        for why, count in counts.most_common():
            if why != AGREES:
                lines.append(f"| | | | {count:,} | {why} |")
    wrong = [f"not as exact as publish/targets.py says: {e}" for e in comparison.exactness.wrong]
    return "\n".join([*lines, "", *comparison.unexplained[:show], *wrong[:show]])


if __name__ == "__main__":
    sys.exit(main())
