"""Attempts to change an audit log (``tests.audit.tampering``), and what finds each of them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.audit import journal
from resolver.audit.in_force import in_force
from resolver.audit.journal import BESIDE, EARLIER
from resolver.audit.reading import Reading
from resolver.audit.record import Head, line_hash
from tests.audit.node import HOUR, Node, at, forged
from tests.audit.tampering import (
    ATTEMPTS,
    OLD_LINE,
    By,
    Tamper,
    a_record_of_an_earlier_time_added_with_its_right_link,
    the_log_removed_before_a_start,
    write_anew,
)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "state")


def _written(node: Node) -> Head:
    """A log with an hour of sealed figures; a witness has its head."""
    node.write(5)
    node.now = 3 * HOUR
    node.seal(0.0, HOUR, at(node.now))
    return node.write(3)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_what_finds_it(node: Node, name: str) -> None:
    by, findings, tamper = ATTEMPTS[name]
    head = _written(node)
    assert node.found(head) == []
    tamper(node)
    without = node.found()
    if by in (By.LOG, By.HEAD_FILE):
        assert without == findings
        of_head = {"head_ahead", "no_head", "lost"}
        assert (by is By.HEAD_FILE) is of_head.issuperset(without)
    else:
        assert without == []
        for witnessed in (head, Head(0, head.hash)):
            assert node.found(witnessed) == (findings if by is By.WITNESS else [])


def test_a_log_written_anew_is_never_whole_by_a_head_with_its_number(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where it begins after the head, and its files are as large as a rotation leaves them."""
    head = node.write(3)
    monkeypatch.setattr(journal, "_LONGEST", 600)
    line = node.lines[-1]
    for begin in (head.number, head.number + 1, head.number + 2, 900):
        before = json.dumps({"number": begin - 1}).encode() + b"\n"
        first = forged(line, before, snapshot="f" * 600)
        removed = {"number": begin - 1, "hash": line_hash(before[:-1])}
        closed = forged(line, first, event="rotated", removed=removed)
        (node.state / EARLIER).write_bytes(first + closed)
        write_anew(node, [forged(line, closed)], [])
        assert node.found() == []
        is_removed = head.number < begin - 1
        assert node.found(head) == ["head_missing"] * (not is_removed)
        assert node.unchecked(head) == ["head_removed"] * is_removed
        assert node.unchecked(Head(0, head.hash)) == ["head_unknown"]


def test_the_record_with_an_earlier_time_is_named(node: Node) -> None:
    last = _written(node)
    a_record_of_an_earlier_time_added_with_its_right_link(node)
    (found,) = node.check().findings
    assert found.number == last.number + 1


def test_the_last_record_that_is_lost_is_named(node: Node) -> None:
    last = _written(node)
    the_log_removed_before_a_start(node)
    (found,) = node.check().findings
    assert (found.number, found.hash) == last


@given(st.integers(2, 6), st.data())
def test_an_octet_changed_anywhere_is_found(
    tmp_path_factory: pytest.TempPathFactory, records: int, data: st.DataObject
) -> None:
    node = Node(tmp_path_factory.mktemp("log") / "state")
    node.write(records)
    content = bytearray(node.log.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    node.log.write_bytes(content)
    assert node.found()


def test_a_power_failure_at_every_octet_of_the_last_three_records(node: Node) -> None:
    """Nothing but the torn line is lost, and its end is said."""
    node.write(2)
    whole = [node.log.read_bytes()]
    heads = [node.head_file.read_bytes()]
    for _ in range(3):
        node.put("aa")
        whole.append(node.log.read_bytes())
        heads.append(node.head_file.read_bytes())
    for size in range(len(whole[0]), len(whole[-1]) + 1):
        done = max(index for index, content in enumerate(whole) if len(content) <= size)
        for head in {heads[done], heads[max(0, done - 1)]}:
            node.log.write_bytes(whole[-1][:size])
            node.head_file.write_bytes(head)
            assert (node.found(), node.check().records) == ([], 2 + done)
            node.restart()
            node.put("bb")
            torn = size - len(whole[done])
            assert (node.found(), node.check().records) == ([], 2 + done + 1 + (torn > 0))
            if torn:
                told = json.loads(node.lines[-2])
                assert (told["event"], told["octets"]) == ("torn", torn)


OLD_CHAIN = "journal-chain.jsonl"


def _remove_old_lines(node: Node) -> None:
    node.lines = [line for line in node.lines if b'"number"' in line]


def _remove_all_old_lines(node: Node) -> None:
    _remove_old_lines(node)
    (node.state / EARLIER).unlink()


@pytest.mark.parametrize(
    "tamper",
    [
        lambda node: node.log.write_bytes(node.log.read_bytes().replace(b"1.5", b"2.5")),
        lambda node: node.log.write_bytes(OLD_LINE + node.log.read_bytes()),
        _remove_old_lines,
        _remove_all_old_lines,
        lambda node: (node.state / EARLIER).unlink(),
        lambda node: (node.state / OLD_CHAIN).write_bytes(b"another\n"),
    ],
    ids=["edited", "added", "removed", "all removed", "earlier file", "chain"],
)
def test_what_an_earlier_release_has_left_is_as_it_was_at_the_upgrade(
    node: Node, monkeypatch: pytest.MonkeyPatch, tamper: Tamper
) -> None:
    node.state.mkdir()
    node.lines = [OLD_LINE] * 3
    (node.state / EARLIER).write_bytes(OLD_LINE)
    (node.state / OLD_CHAIN).write_bytes(b"a chain\n")
    node.write(2)
    assert (node.found(), node.check().old_lines) == ([], 4)
    kept = node.kept()
    tamper(node)
    assert node.found() == ["earlier_changed"]
    node.restore(kept)
    monkeypatch.setattr(journal, "_LONGEST", 10)
    node.write(2)
    assert (node.found(), node.check().old_lines) == ([], 3), "its earlier file went by the bound"


@pytest.mark.parametrize("name", BESIDE)
def test_a_file_that_was_not_there_at_the_upgrade_is_not_believed(node: Node, name: str) -> None:
    node.state.mkdir()
    node.lines = [OLD_LINE]
    node.write(2)
    assert node.found() == []
    (node.state / name).write_bytes(OLD_LINE)
    assert node.found() == ["earlier_changed"]
    assert in_force(Reading(node.state), at(node.now), 2.0) == []
