"""Each hour's figures are sealed once, whatever the clock does."""

import asyncio
import math
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from resolver.audit import audit_writer, verification
from resolver.audit.audit_writer import AuditWriter
from resolver.audit.figures.counts import HourFigures, Labels
from resolver.audit.figures.seal import KeptFigures
from resolver.audit.figures.store import NAME, FigureStore, begin_of, month_of
from resolver.audit.figures.tables import copied
from resolver.audit.journal import JOURNAL, Journal
from resolver.audit.reading import Reading
from resolver.audit.record import ClockReading, Event
from resolver.audit.seals import Seal, read_seal, sealable
from resolver.audit.verification import Check, Found
from resolver.metrics.part_states import AuditState, PartStates

DAY = 86400
HOUR = 3600
TODAY = 20_000 * DAY
YEARS = 3650 * DAY


class Node:
    """A state directory, whose server seals; the clock is the test's."""

    def __init__(self, state: Path, patch: pytest.MonkeyPatch) -> None:
        self.state = state
        self._patch = patch
        self._clock = ClockReading(0.0, 0.0, "", None)
        self._waits_since = math.inf
        self.restart()

    def restart(self) -> None:
        self._audit = AuditWriter(self.state, lambda: self._waits_since)

    @property
    def head(self) -> str:
        """The head, as the metrics have it."""
        return PartStates(self._audit.states()).of(AuditState).head

    def set_clock(self, now: float, ahead: float = 0, boot: str = "one") -> None:
        """The true time, and how far the clock is ahead of it."""
        self._clock = ClockReading(now + ahead, ahead, boot, None)

    def look(
        self, now: float, waits_since: float = math.inf, ahead: float = 0, boot: str = "one"
    ) -> None:
        self.set_clock(now, ahead, boot)
        self._waits_since = waits_since
        with self._patch.context() as patch:
            patch.setattr(audit_writer, "read_clock", lambda: self._clock)
            asyncio.run(self._audit.look())

    def count(self, at: int) -> None:
        figures = HourFigures(at, Counter({Labels("vlan", "", "passed"): 1}))
        FigureStore(self.state / NAME, "one").add(figures, "UTC")

    def sealed(self) -> list[tuple[int, int]]:
        """The times that were sealed, in hours since ``TODAY``."""
        return [
            (int(seal.begin - TODAY) // HOUR, int(seal.end - TODAY) // HOUR)
            for seal in self.seals()
        ]

    def seals(self) -> list[Seal]:
        return list(filter(None, map(read_seal, Reading(self.state).records())))

    def events(self) -> list[str]:
        return [record.event for record in Reading(self.state).records()]

    def check(self) -> Check:
        figures = KeptFigures(self.state, copied)
        return verification.verify(self.state, figures.of, self._clock)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path / "state", monkeypatch)


@pytest.mark.parametrize(
    ("minutes", "until"), [(0, -2 * HOUR), (4, -2 * HOUR), (5, -HOUR), (64, -HOUR), (65, 0)]
)
def test_an_hour_is_sealed_65_minutes_after_its_end(minutes: int, until: int) -> None:
    assert sealable(TODAY + minutes * 60) == TODAY + until


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
    begin = begin_of(month_of(TODAY))
    assert (found.what, found.at) == (Found.FIGURES_UNREADABLE, begin)
    assert found.end == TODAY + 2 * HOUR


def test_zeros_in_a_file_of_sealed_figures_are_a_finding(node: Node) -> None:
    node.count(TODAY)
    node.look(TODAY + 3 * HOUR)
    [file] = (node.state / NAME).iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:5000] + bytes(4000) + content[9000:])
    [found] = node.check().findings
    assert found.what is Found.FIGURES_UNREADABLE
    assert found.place.startswith(f"{file.name}: damaged: ")


def test_a_file_with_rows_of_another_month_is_found_though_nothing_of_it_is_sealed(
    node: Node,
) -> None:
    node.count(TODAY)
    node.look(TODAY + 3 * HOUR)
    [file] = (node.state / NAME).iterdir()
    other = file.with_name("2024-12.sqlite")
    other.write_bytes(file.read_bytes())
    [found] = node.check().findings
    assert (found.what, month_of(found.at)) == (Found.FIGURES_UNREADABLE, "2024-12")
    assert "2024-12.sqlite: a row of another month" in found.place


def test_what_is_kept_of_a_release_before_is_sealed_by_month(node: Node) -> None:
    for days in (70, 40, 5):
        node.count(TODAY - days * DAY)
    node.look(TODAY + 3 * HOUR)
    begins = [month_of(seal.begin) for seal in node.seals()]
    assert begins == ["2024-07", "2024-08", "2024-09", "2024-10"]
    assert node.check().findings == []
    node.count(TODAY - 40 * DAY)
    assert [finding.what for finding in node.check().findings] == [Found.FIGURES_CHANGED]


def test_hours_without_a_server_are_sealed_by_one_link(node: Node) -> None:
    node.look(TODAY + 3 * HOUR)
    node.restart()
    node.look(TODAY + 6 * DAY)
    assert node.sealed() == [(-23, 1), (1, 142)]
    node.count(TODAY + 2 * DAY)
    assert [finding.what for finding in node.check().findings] == [Found.FIGURES_CHANGED]


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
    assert {finding.what for finding in found} == {Found.NODE_CHANGED}
    assert len(found) == 1
    assert found[0].hash == "one, UTC"
    assert month_of(found[0].at) < newest


@pytest.mark.parametrize("jump", [DAY, YEARS])
def test_a_clock_that_jumps_ahead_and_back(node: Node, jump: int) -> None:
    now = TODAY + 12 * HOUR
    node.count(now)
    node.look(now)
    node.look(now + 60, ahead=jump)
    node.count(now + jump)
    node.set_clock(now + 120)  # it is right again, and nobody has looked at it
    node.count(now + HOUR)
    assert node.check().findings == []
    node.look(now + 120)
    assert node.events().count(Event.CLOCK) == 2
    for hours in range(1, 4):
        node.look(now + hours * HOUR)
        node.count(now + hours * HOUR)
    assert node.check().findings == []
    assert node.sealed()[-3:] == [(10, 11), (11, 12), (12, 13)]
    node.count(now)
    assert [finding.at for finding in node.check().findings] == [now]


def test_a_clock_a_day_ahead_at_the_start(node: Node) -> None:
    now = TODAY + 12 * HOUR
    node.look(now, ahead=DAY)
    node.set_clock(now + 60)
    node.count(now)
    assert node.check().findings == [], "before the next look at the clock"
    for hours in range(3):
        node.look(now + hours * HOUR + 300)
        node.count(now + hours * HOUR)
    assert node.check().findings == []
    assert node.sealed() == [(10, 34), (10, 11), (11, 12), (12, 13)]


def test_a_seal_whose_time_is_still_to_come_is_not_checkable(node: Node) -> None:
    now = TODAY + 12 * HOUR
    node.look(now, ahead=DAY)
    for hours in range(3):
        node.count(now + hours * HOUR)
        node.look(now + hours * HOUR + 300)
    check = node.check()
    assert [finding.what for finding in check.unchecked] == [Found.FIGURES_UNCHECKED]
    assert (check.findings, check.set_aside) == ([], 0)
    node.look(now + 2 * DAY)
    check = node.check()
    assert (check.findings, check.unchecked, check.set_aside) == ([], [], 1)


@pytest.mark.parametrize("hours", [3, 30], ids=["soon", "later"])
def test_a_clock_that_is_ahead_until_the_next_boot_accuses_nobody(node: Node, hours: int) -> None:
    now = TODAY + 12 * HOUR
    node.look(now, ahead=DAY)
    node.restart()
    for since in range(hours):
        node.count(now + since * HOUR)
        node.look(now + since * HOUR + 300, boot="two")
    check = node.check()
    assert (check.findings, check.set_aside) == ([], int(hours > 25))
    assert bool(check.unchecked) is (hours < 25)


def test_edited_figures_are_never_whole_where_the_clock_was_set_back(node: Node) -> None:
    """Neither where the clock of now is behind, nor where a record has a clock that was."""
    now = TODAY + 12 * HOUR
    for hours in range(6):
        node.count(now + hours * HOUR)
        node.look(now + hours * HOUR)
    node.count(now + HOUR)
    node.set_clock(now + 6 * HOUR, ahead=-DAY)
    check = node.check()
    assert check.findings == []
    assert {finding.what for finding in check.unchecked} == {Found.FIGURES_UNCHECKED}
    node.set_clock(now + 6 * HOUR, boot="two")
    assert [finding.what for finding in node.check().findings] == [Found.FIGURES_CHANGED]
    clock = ClockReading(now - DAY, -DAY - 6 * HOUR, "one", None)
    Journal(node.state).append(clock, Event.CLOCK, offset_before=0.0)
    assert [finding.what for finding in node.check().findings] == [Found.FIGURES_CHANGED]


def test_a_clock_that_is_set_back_by_an_hour_is_noted_once(node: Node) -> None:
    for minutes in (0, 5, 10):
        node.look(TODAY + 60 * minutes, ahead=0 if not minutes else -HOUR)
    assert node.events().count(Event.CLOCK) == 1


def test_a_disk_that_takes_nothing_is_told_and_nothing_is_lost(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.look(TODAY + 3 * HOUR)
    head = node.head
    log = node.state / JOURNAL
    kept = log.read_bytes()
    log.unlink()
    log.mkdir()
    node.look(TODAY + DAY + 3 * HOUR)
    assert "the audit log cannot be written" in caplog.text
    assert node.head == head
    log.rmdir()
    log.write_bytes(kept)
    node.look(TODAY + DAY + 4 * HOUR)
    assert node.sealed() == [(-23, 1), (1, 26)]
    assert node.check().findings == []
