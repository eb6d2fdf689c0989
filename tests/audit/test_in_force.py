"""What was in force at a moment, whatever the clock was set to: place decides."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver.audit.in_force import in_force
from resolver.audit.reading import Reading
from resolver.audit.record import ClockReading
from tests.audit.node import BEGIN, DAY, HOUR, Node, at
from tests.audit.tampering import ATTEMPTS

YEAR = 365 * DAY


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "state")


def _at(node: Node, moment: float, now: ClockReading | None = None) -> list[str]:
    """What was in force at a moment after BEGIN, with what is said of the clock, in hours."""
    return list(_said(node, moment, now or at(node.now + DAY)))


def _said(node: Node, moment: float, now: ClockReading) -> Iterator[str]:
    for force in in_force(Reading(node.state), now, BEGIN + moment):
        hours = f" {force.ahead / HOUR:+.0f} h" if force.ahead else ""
        yield f"{force.entry.snapshot or 'stopped'}{hours}"


def test_by_a_clock_that_is_right(node: Node) -> None:
    node.put("aa")
    node.put("bb")
    node.stop()
    node.put("cc", at(DAY, boot="two"))
    for moment, found in (
        (59.9, []),
        (60.0, ["aa"]),
        (119.9, ["aa"]),
        (120.0, ["bb"]),
        (180.0, ["stopped"]),
        (DAY - 0.1, ["stopped"]),
        (DAY, ["cc"]),
        (DAY + HOUR, ["cc"]),
    ):
        assert _at(node, moment, at(2 * DAY, boot="two")) == found, moment


def test_a_year_ahead_during_two_reloads(node: Node) -> None:
    node.put("aa", at(60))
    node.put("bb", at(120, ahead=YEAR))
    node.put("cc", at(180, ahead=YEAR))
    node.put("dd", at(240))
    assert _at(node, 90) == ["aa"]
    assert _at(node, 150) == ["bb +8760 h"], "the clock has never said this moment"
    assert _at(node, 210) == ["cc +8760 h"]
    assert _at(node, 300) == ["dd"]
    later = at(YEAR + DAY)
    assert _at(node, YEAR + 150, later) == ["bb +8760 h", "dd"], "it has said this one twice"


def test_a_day_ahead_at_the_start_and_then_mended(node: Node) -> None:
    node.put("aa", at(60))
    node.stop(at(120))
    node.put("bb", at(300, ahead=DAY))
    assert _at(node, 360, at(400)) == ["bb +24 h"]
    node.put("bb", at(600))
    assert _at(node, 200) == ["stopped"]
    assert _at(node, 360) == ["bb +24 h"]
    assert _at(node, 700) == ["bb"]


def test_a_day_ahead_at_the_start_of_another_boot(node: Node) -> None:
    node.put("aa", at(60))
    node.stop(at(120))
    node.put("bb", at(300, ahead=DAY, boot="two"))
    node.put("cc", at(600, boot="two"))
    now = at(700, boot="two")
    assert _at(node, 200, now) == ["stopped"]
    assert _at(node, 360, now) == ["bb +24 h"]
    assert _at(node, 660, now) == ["cc"]


def test_a_box_that_begins_in_1970(node: Node) -> None:
    node.put("aa", at(60))
    node.put("bb", at(HOUR, ahead=-BEGIN, boot="two"))
    node.put("bb", at(HOUR + 300, boot="two"))
    now = at(DAY, boot="two")
    assert _at(node, HOUR / 2, now) == ["aa"]
    assert _at(node, HOUR + 100, now)[0].startswith("bb -")
    assert _at(node, 2 * HOUR, now) == ["bb"]


def test_the_clock_set_on_and_back_between_two_boots(node: Node) -> None:
    node.put("aa", at(60, ahead=DAY))
    node.put("bb", at(HOUR, boot="two"))
    now = at(2 * DAY, boot="two")
    assert _at(node, DAY + 120, now) == ["aa", "bb"]
    assert _at(node, HOUR, now) == ["bb"]
    assert _at(node, 120, now) == []


def test_the_clock_an_hour_back_within_a_boot(node: Node) -> None:
    node.put("aa", at(2 * HOUR))
    node.put("bb", at(3 * HOUR))
    node.put("cc", at(3 * HOUR + 600, ahead=-HOUR))
    now = at(9 * HOUR, ahead=-HOUR)
    assert _at(node, 2 * HOUR + 60, now) == ["aa +1 h", "bb +1 h"]
    assert _at(node, 3 * HOUR - 60, now) == ["aa +1 h", "cc"]
    assert _at(node, 4 * HOUR, now) == ["cc"]


def test_a_slow_correction_of_the_clock_is_no_change(node: Node) -> None:
    node.put("aa", at(60))
    node.put("bb", at(120, ahead=1.5))
    assert _at(node, 119, at(300, ahead=1.5)) == ["aa"]
    assert _at(node, 121, at(300, ahead=1.5)) == ["aa"]
    assert _at(node, 122, at(300, ahead=1.5)) == ["bb"]


def test_lines_of_an_earlier_release_decide_by_their_place(node: Node) -> None:
    node.state.mkdir()
    line = {"event": "reload", "who": "uid 0", "exemptions": []}
    for time, snapshot in ((60, "aa"), (120, "bb"), (30, "cc"), (240, "dd")):
        told = {"time": BEGIN + time, "snapshot": snapshot, **line}
        node.lines = [*(node.lines if node.log.exists() else []), json.dumps(told).encode() + b"\n"]
    assert _at(node, 70) == ["aa", "cc"], "which one is not known: each is said"
    assert _at(node, 200) == ["bb", "cc"]
    assert _at(node, 300) == ["dd"]
    node.put("ee", at(600))
    assert _at(node, 300) == ["dd"]
    assert _at(node, 700) == ["ee"]


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("a copied line put before an older one", [1, 2, 3, 4]),
        ("a copy of an older line put last", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("a record put between with its right link", [1, 2, 3]),
        ("a record of an earlier time added with its right link", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("a record taken out", [1, 2, 3]),
        ("the last records cut off", [6, 7, 8]),
        ("the last record changed", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("a backup of the log alone restored before a start", [8]),
        ("a line of an earlier release added before a start", [8]),
        ("the end cut off and the head removed before a start", [6, 7, 8]),
        ("the end of the last line removed before a start", [7, 8]),
        ("the first records removed", [1, 2, 3]),
        ("the log emptied", [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_where_the_log_is_broken_nothing_is_in_force(
    node: Node, name: str, unknown: list[int]
) -> None:
    """Half a minute after each of eight records, of which the server has put another in force."""
    heads = [node.put(f"{number:016x}") for number in range(1, 9)]
    assert len(heads) == 8
    ATTEMPTS[name][2](node)
    now = at(node.now + 60)
    answers = {number: _at(node, number * 60.0 + 30, now) for number in range(1, 9)}
    assert [number for number, found in answers.items() if not found] == unknown
    known = {answer: [f"{answer:016x}"] for answer in answers if answer not in unknown}
    assert {number: answers[number] for number in known} == known
