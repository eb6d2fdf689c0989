"""Each day's figures are sealed once, whatever the clock does."""

import asyncio
import math
import time
from collections import Counter
from pathlib import Path

import pytest

from resolver.figures.records import HourFigures, Labels
from resolver.figures.seal import figures_hash
from resolver.figures.store import NAME, FigureStore
from resolver.metrics.facts import ServerFacts
from resolver.supervisor import history_check
from resolver.supervisor.audit_writer import AuditWriter
from resolver.supervisor.day_seals import seal_until
from resolver.supervisor.history_chain import CHAIN, Kind, Link, sealed_link
from resolver.supervisor.history_check import Check, What
from tests.compiler.texts import compile_texts

DAY = 86400
HOUR = 3600
TODAY = 20_000 * DAY
YEARS = 3650 * DAY
CONFIG = "[policies.p]\n[vlans.a]\nprefixes = ['10.0.0.0/8']\npolicy = 'p'\n"


class Node:
    """A state directory, whose server seals; the clock is the test's."""

    def __init__(self, state: Path, patch: pytest.MonkeyPatch) -> None:
        self.state = state
        self._patch = patch
        self.restart()

    def restart(self) -> None:
        compiled = compile_texts(CONFIG).compiled
        self.facts = ServerFacts(self.state, self.state, compiled, "", 0.0, 0.0, 1)
        self._audit = AuditWriter(self.state, self.facts)

    def look(self, now: float, waits_since: float = math.inf) -> None:
        with self._patch.context() as patch:
            patch.setattr(time, "time", lambda: now)
            asyncio.run(self._audit.seal(seal_until(now, waits_since)))

    def count(self, at: int) -> None:
        figures = HourFigures(at, Counter({Labels("vlan", "", "passed"): 1}))
        FigureStore(self.state / NAME, "one").add(figures, "UTC")

    def sealed(self) -> list[tuple[int, int]]:
        """The times that were sealed, in days."""
        return [
            (int(each.since // DAY), int(each.before // DAY))
            for each in self.links()
            if each.kind is Kind.FIGURES
        ]

    def links(self) -> list[Link]:
        lines = (self.state / CHAIN).read_bytes().splitlines()
        return [each.link for each in map(sealed_link, lines) if each is not None]

    def check(self) -> Check:
        def hash_of(since: float, until: float) -> tuple[str, bool]:
            return figures_hash(self.state, since, until)

        return history_check.verify(self.state, hash_of)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path / "state", monkeypatch)


@pytest.mark.parametrize(
    ("now", "until"),
    [(TODAY, TODAY - DAY), (TODAY + 2 * HOUR - 1, TODAY - DAY), (TODAY + 2 * HOUR, TODAY)],
)
def test_a_day_is_sealed_two_hours_after_its_end(now: float, until: float) -> None:
    assert seal_until(now, math.inf) == until


def test_each_day_is_sealed_once(node: Node) -> None:
    for hours in range(60):
        node.look(TODAY + hours * HOUR)
        node.count(TODAY + hours * HOUR)
    assert node.sealed() == [(19_998, 19_999), (19_999, 20_000), (20_000, 20_001), (20_001, 20_002)]
    assert node.check().findings == []
    assert node.facts.history == node.check().head


def test_a_day_whose_figures_wait_for_the_disk_is_sealed_when_they_are_stored(node: Node) -> None:
    node.look(TODAY + 3 * HOUR)
    waiting = TODAY + 23 * HOUR
    node.look(TODAY + DAY + 3 * HOUR, waits_since=waiting)
    assert node.sealed() == [(19_999, 20_000)]
    node.count(waiting)
    node.look(TODAY + DAY + 4 * HOUR)
    assert node.sealed() == [(19_999, 20_000), (20_000, 20_001)]
    assert node.check().findings == []


def test_days_without_a_server_are_sealed_by_one_link(node: Node) -> None:
    node.look(TODAY + 3 * HOUR)
    node.restart()
    node.look(TODAY + 6 * DAY + 3 * HOUR)
    assert node.sealed() == [(19_999, 20_000), (20_000, 20_006)]
    node.count(TODAY + 2 * DAY)
    assert [each.what for each in node.check().findings] == [What.FIGURES_CHANGED]


@pytest.mark.parametrize("jump", [DAY, YEARS])
def test_a_clock_that_jumps_ahead_and_back(node: Node, jump: int) -> None:
    now = TODAY + 12 * HOUR
    node.count(now)
    node.look(now)
    node.look(now + jump)
    node.count(now + jump)
    node.look(now)  # it is right again
    node.count(now + HOUR)
    assert node.check().findings == []
    assert Kind.CLOCK_BACK in [each.kind for each in node.links()]
    for day in range(1, 4):
        node.look(now + day * DAY)
        node.count(now + day * DAY)
    assert node.check().findings == []
    assert node.sealed()[-3:] == [(20_000, 20_001), (20_001, 20_002), (20_002, 20_003)]
    node.count(now)
    assert [each.at for each in node.check().findings] == [TODAY]


def test_a_disk_that_takes_nothing_is_told_and_nothing_is_lost(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.look(TODAY + 3 * HOUR)
    chain = node.state / CHAIN
    kept = chain.read_bytes()
    chain.unlink()
    chain.mkdir()
    node.look(TODAY + DAY + 3 * HOUR)
    assert "the audit log cannot be written" in caplog.text
    chain.rmdir()
    chain.write_bytes(kept)
    node.look(TODAY + DAY + 4 * HOUR)
    assert node.sealed() == [(19_999, 20_000), (20_000, 20_001)]
    assert node.check().findings == []
