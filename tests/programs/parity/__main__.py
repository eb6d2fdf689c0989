"""``python -m tests.programs.parity``: do other engines enforce the policy as Darban does?

NSD is the upstream of all. Darban writes its zones, Knot serves them, and each engine runs with
the config that ``darban export`` writes. Each cell asks Darban and the engine the same question as
the same client. The cell agrees, or differs for a reason that deploy/publish.md documents.
"""

import argparse
import itertools
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

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
_INSIDE = "DARBAN_PARITY_INSIDE"
"""The variable that says that this process is in the namespace."""
_MOST = 0.5
"""The share of cells that agree: without RD, the other half differs by design."""
BEFORE, CHANGED, EXEMPTED = "before", "after a change of the policy", "after an exemption"


class Comparison:
    """What was compared."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        """For each engine, the cells by their reason."""
        self.unexplained: list[str] = []
        self.exactness = Exactness()

    def faults(self) -> Iterator[str]:
        """What is not as documented."""
        yield from self.unexplained
        yield from self.exactness.faults()
        for engine, counts in self.counts.items():
            if counts[AGREES] < _MOST * counts.total():
                yield f"{engine}: only {counts[AGREES]:,} of {counts.total():,} cells agree"

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
        with engine.run():
            for name_of_list in ("web.alpha.chat", "exact.gamma.chat"):
                _await(of, engine, asker, name_of_list)
            for state, change in _STATES.items():
                for each in itertools.chain(*QUESTIONS.values()):
                    asker(engine.ports[each.client.vlan], each)  # what the kept caches have
                change(of, engine, asker)
                expected = {
                    question: asker(of.server.port, question)
                    for question in itertools.chain(*QUESTIONS.values())
                }
                for caches, client, warming in passes(kept=state != BEFORE, quick=quick):
                    if caches != "kept":
                        engine.flush()
                    for each in QUESTIONS[warming] if warming else ():
                        asker(engine.ports[each.client.vlan], each)
                    for each in QUESTIONS[client]:
                        with_rd = expected[each._replace(rd=True)]
                        seen = asker(engine.ports[client.vlan], each)
                        cell = Cell(each, caches, expected[each], with_rd, seen)
                        comparison.add(name, state, cell)


def _change(of: Site, engine: Engine, asker: Asker) -> None:
    """Deny one more name to administration."""
    edited(of.server.config, "deny = []", 'deny = ["later.chat"]')
    _activate(of, "reload")
    _await(of, engine, asker, policy.SENTINEL_CHANGE)


def _exempt(of: Site, engine: Engine, asker: Asker) -> None:
    """Let beta pass for administration, and all services for visitors, within hours."""
    person = ("--for", "1h", "--approver", "Head of PR", "--ticket", "PR-2")
    _activate(of, "exempt", "administration", "beta", *person)
    _activate(of, "exempt", policy.VISITORS, "@messenger", "--hours", "always", *person)
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
        for client in itertools.chain(*policy.CLIENTS.values()):
            if client.name == "press":  # zones do not have its exemption
                continue
            like = Question(client, "blocked", "A", do=False, rd=True)
            ours = asker.ask(of.server.port, name, like)
            theirs = asker.ask(engine.ports[client.vlan], name, like)
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
    """Ask, compare, print; 1 where a difference has no known reason.

    It runs in a network namespace of its own, whose loopback has the addresses of IPv6 clients.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.programs.parity", description=__doc__)
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--tcp", action="store_true", help="ask over TCP")
    parser.add_argument("--show", type=int, default=20, help="how many unexplained to show")
    parser.add_argument("--quick", action="store_true", help="with fewer warm caches")
    options = parser.parse_args()
    if _INSIDE not in os.environ:
        _run_inside()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    comparison = compare(options.engines, quick=options.quick, tcp=options.tcp)
    print(document(comparison, options.show))
    return 1 if any(comparison.faults()) else 0


def _run_inside() -> NoReturn:
    """Begin this program again, in the namespace."""
    addresses = "".join(f"ip address add {each} dev lo nodad && " for each in policy.INSIDE)
    inside = ["unshare", "--net", "sh", "-c", f'ip link set lo up && {addresses}exec "$@"', "sh"]
    again = [*inside, sys.executable, "-m", "tests.programs.parity", *sys.argv[1:]]
    os.execvpe("unshare", again, os.environ | {_INSIDE: "1"})


def document(comparison: Comparison, show: int) -> str:
    """What was seen, for people."""
    lines = ["| engine | cells | agree | differ | reason |", "|---|---|---|---|---|"]
    for engine, counts in comparison.counts.items():
        lines.append(f"| {engine} | {counts.total():,} | {counts[AGREES]:,} | | |")
        for why, count in counts.most_common():
            if why != AGREES:
                lines.append(f"| | | | {count:,} | {why} |")
    return "\n".join([*lines, "", *itertools.islice(comparison.faults(), show)])


if __name__ == "__main__":
    sys.exit(main())
