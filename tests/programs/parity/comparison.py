"""An engine beside Darban, through all states of the policy."""

import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
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
from tests.programs.parity.cells import KEPT, QUESTIONS, Asker, Pass, Question, passes
from tests.programs.parity.differences import AGREES, UNEXPLAINED, Cell, reason
from tests.programs.parity.engines import Bind, Darban, Engine, Recursor, Secondary, Site, Unbound
from tests.programs.parity.exactness import Exactness

SECONDARIES: dict[str, type[Secondary]] = {
    "BIND": Bind,
    "Unbound": Unbound,
    "Recursor": Recursor,
}
ENGINES: dict[str, type[Engine]] = {"Darban": Darban, **SECONDARIES}
_MOST = 0.5
"""The share of cells that agree: without RD, the other half differs by design."""


class Comparison:
    """How the answers of an engine compare with Darban's."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._counts: Counter[str] = Counter()
        """The cells by their reason."""
        self._unexplained: list[str] = []
        self._exactness = Exactness(ENGINES[engine].target)

    def add(self, state: str, cell: Cell) -> None:
        """Count a cell, and why it differs if it does."""
        why = reason(self._engine, cell)
        self._counts[why] += 1
        self._exactness.add(cell)
        if why == UNEXPLAINED:
            self._unexplained.append(
                f"{state}, {cell.caches}: {cell.question}: "
                f"Darban {cell.ours}; {self._engine} {cell.theirs}"
            )

    def rows(self) -> Iterator[str]:
        """The rows of the table."""
        agree, total = self._counts[AGREES], self._counts.total()
        yield f"| {self._engine} | {total:,} | {agree:,} | | |"
        for why, count in self._counts.most_common():
            if why != AGREES:
                yield f"| | | | {count:,} | {why} |"

    def faults(self) -> Iterator[str]:
        """What is not as documented."""
        for fault in (*self._unexplained, *self._exactness.faults()):
            yield f"{self._engine}, {fault}"
        if self._counts[AGREES] < _MOST * self._counts.total():
            yield f"{self._engine}: only {self._counts[AGREES]:,} cells agree"


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


def compare(name: str, *, quick: bool, tcp: bool) -> Comparison:
    """Run an engine through all states of the policy."""
    comparison = Comparison(name)
    with (
        tempfile.TemporaryDirectory(prefix="darban-parity-") as place,
        site(Path(place)) as of,
        closing(Asker(tcp)) as asker,
    ):
        engine = ENGINES[name](of, Path(place, "engine"))
        with engine.run():
            for name_of_list in ("web.alpha.chat", "exact.gamma.chat"):
                _await(of, engine, asker, name_of_list)
            for number, (state, change) in enumerate(_STATES.items()):
                if change:
                    for question in itertools.chain(*QUESTIONS.values()):
                        asker(
                            engine.ports[question.client.vlan], question
                        )  # what the kept caches have
                    change(of, engine, asker)
                for cell in _cells(of, engine, asker, passes(number, quick=quick)):
                    comparison.add(state, cell)
    return comparison


def _cells(of: Site, engine: Engine, asker: Asker, asked: Iterable[Pass]) -> Iterator[Cell]:
    """The cells of some passes."""
    expected = {
        question: asker(of.server.port, question)
        for question in itertools.chain(*QUESTIONS.values())
    }
    for caches, client, warming in asked:
        if caches != KEPT:
            engine.flush()
        if warming is not None:
            for item in QUESTIONS[warming]:
                asker(engine.ports[warming.vlan], item)
        for item in QUESTIONS[client]:
            with_rd = expected[item._replace(rd=True)]
            seen = asker(engine.ports[client.vlan], item)
            yield Cell(item, caches, expected[item], with_rd, seen)


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


_STATES: dict[str, Callable[[Site, Engine, Asker], None] | None] = {
    "before": None,
    "after a change of the policy": _change,
    "after exemptions": _exempt,
}
