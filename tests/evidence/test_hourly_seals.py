"""Each hour's figures are sealed once, whatever the clock does."""

import asyncio
import math
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from resolver.evidence import history_check
from resolver.evidence.audit_writer import AuditWriter
from resolver.evidence.figures.counts import HourFigures, Labels
from resolver.evidence.figures.seal import KeptFigures
from resolver.evidence.figures.store import NAME, FigureStore, month_of
from resolver.evidence.figures.tables import copied
from resolver.evidence.history_chain import CHAIN, Kind, Link, sealed_link
from resolver.evidence.history_check import Check, What
from resolver.evidence.hourly_seals import seal_until
from resolver.metrics.part_states import AuditState, PartStates

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
        self._audit = AuditWriter(self.state)

    @property
    def head(self) -> str:
        """The head of the chain, as the metrics have it."""
        return PartStates(self._audit.states()).of(AuditState).head

    def look(self, now: float, waits_since: float = math.inf) -> None:
        with self._patch.context() as patch:
            patch.setattr(time, "time", lambda: now)
            asyncio.run(self._audit.seal(seal_until(now, waits_since)))

    def count(self, at: int) -> None:
        figures = HourFigures(at, Counter({Labels("vlan", "", "passed"): 1}))
        FigureStore(self.state / NAME, "one").add(figures, "UTC")

    def sealed(self) -> list[tuple[int, int]]:
        """The times that were sealed, in hours since ``TODAY``."""
        return [
            (int(each.since - TODAY) // HOUR, int(each.before - TODAY) // HOUR)
            for each in self.links()
            if each.kind is Kind.FIGURES
        ]

    def links(self) -> list[Link]:
        lines = (self.state / CHAIN).read_bytes().splitlines()
        return [each.link for each in map(sealed_link, lines) if each is not None]

    def check(self) -> Check:
        return history_check.verify(self.state, KeptFigures(self.state, copied).of)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path / "state", monkeypatch)


@pytest.mark.parametrize(
    ("minutes", "until"), [(0, -2 * HOUR), (4, -2 * HOUR), (5, -HOUR), (64, -HOUR), (65, 0)]
)
def test_an_hour_is_sealed_65_minutes_after_its_end(minutes: int, until: int) -> None:
    assert seal_until(TODAY + minutes * 60, math.inf) == TODAY + until


def test_each_hour_is_sealed_once(node: Node) -> None:
    for hours in range(5):
        node.look(TODAY + hours * HOUR)
        node.count(TODAY + hours * HOUR)
    assert node.sealed() == [(-26, -2), (-2, -1), (-1, 0), (0, 1), (1, 2)]
    assert node.check().findings == []
    assert node.head == node.check().head
    node.count(TODAY + HOUR)
    [found] = node.check().findings
    assert (found.at, found.end) == (TODAY + HOUR, TODAY + 2 * HOUR)


def test_an_hour_whose_figures_wait_for_the_disk_is_sealed_when_they_are_stored(
    node: Node,
) -> None:
    node.look(TODAY + 3 * HOUR)
    waiting = TODAY + 4 * HOUR
    node.look(TODAY + 9 * HOUR, waits_since=waiting)
    assert node.sealed() == [(-23, 1), (1, 4)]
    node.count(waiting)
    node.look(TODAY + 9 * HOUR)
    assert node.sealed() == [(-23, 1), (1, 4), (4, 7)]
    assert node.check().findings == []


def test_figures_that_cannot_be_read_are_sealed_later(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.count(TODAY)
    [file] = (node.state / NAME).iterdir()
    aside = file.rename(file.with_suffix(".away"))
    file.mkdir()
    node.look(TODAY + 3 * HOUR)
    assert "figures get their seal later" in caplog.text
    assert node.sealed() == []
    file.rmdir()
    aside.rename(file)
    node.look(TODAY + 3 * HOUR)
    node.look(TODAY + 4 * HOUR)
    assert node.check().findings == []
    file.rename(aside)
    file.mkdir()
    [found] = node.check().findings
    assert (found.what, found.at) == (What.FIGURES_UNREADABLE, TODAY - 23 * HOUR)
    assert found.end == TODAY + 2 * HOUR


def test_hours_without_a_server_are_sealed_by_one_link(node: Node) -> None:
    node.look(TODAY + 3 * HOUR)
    node.restart()
    node.look(TODAY + 6 * DAY)
    assert node.sealed() == [(-23, 1), (1, 142)]
    node.count(TODAY + 2 * DAY)
    assert [each.what for each in node.check().findings] == [What.FIGURES_CHANGED]


def test_the_node_and_the_time_zone_of_a_month_are_sealed(node: Node) -> None:
    """In the month that runs they may change, and the server writes them with each minute."""
    for day in (0, 20, 40, 41):
        node.count(TODAY + day * DAY)
        node.look(TODAY + day * DAY + 3 * HOUR)
    newest = month_of(TODAY + 41 * DAY)
    for file in (node.state / NAME).iterdir():
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("UPDATE about SET value = 'two' WHERE key = 'node'")
    found = node.check().findings
    assert {each.what for each in found} == {What.NODE_CHANGED}
    assert len(found) == 1
    assert found[0].place == "one, UTC"
    assert month_of(found[0].at) < newest


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
    for hours in range(1, 4):
        node.look(now + hours * HOUR)
        node.count(now + hours * HOUR)
    assert node.check().findings == []
    assert node.sealed()[-3:] == [(10, 11), (11, 12), (12, 13)]
    node.count(now)
    assert [each.at for each in node.check().findings] == [now]


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
    assert node.sealed() == [(-23, 1), (1, 26)]
    assert node.check().findings == []
