"""The file of the audit log: records are only added, and never beyond its bound."""

import errno
import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.audit import journal
from resolver.audit.journal import EARLIER, HEAD, JOURNAL, Journal, lines
from resolver.audit.reading import Reading
from resolver.audit.record import Head, line_hash
from tests.audit.node import Node, at
from tests.audit.strange_lines import STRANGE
from tests.live.irregular_files import irregular_files


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "state")


def _numbers(node: Node) -> list[int]:
    return [record.number for record in Reading(node.state).records()]


def _octets_read() -> int:
    [line] = [text for text in Path("/proc/self/io").read_text().splitlines() if "rchar" in text]
    return int(line.split()[1])


def test_each_record_has_the_hash_of_the_line_before(node: Node) -> None:
    head = node.write(3)
    texts = [line.text for line in lines(node.state)]
    told = [json.loads(text) for text in texts]
    assert [item["number"] for item in told] == [1, 2, 3]
    assert [item["before"] for item in told] == ["", *map(line_hash, texts[:2])]
    assert head == Head(3, line_hash(texts[2]))
    assert json.loads(node.head_file.read_bytes()) == head._asdict()


def test_a_head_that_the_disk_did_not_take_is_written_with_the_next_record(node: Node) -> None:
    node.write(2)
    kept = node.head_file.read_bytes()
    node.head_file.unlink()
    node.head_file.mkdir()
    with pytest.raises(OSError, match="directory"):
        node.put("aa")
    node.head_file.rmdir()
    node.head_file.write_bytes(kept)
    assert node.found() == []
    assert node.put("bb").number == 4
    assert node.found() == []


@pytest.mark.parametrize("behind", [1, 3])
def test_a_head_that_is_behind_is_no_finding(node: Node, behind: int) -> None:
    """A kill between the two, or a disk that has not taken it."""
    node.write(4)
    kept = node.head_file.read_bytes()
    node.write(behind)
    node.head_file.write_bytes(kept)
    assert node.found() == []
    node.restart()
    node.put("aa")
    assert (node.found(), node.check().records) == ([], 4 + behind + 1)


def test_a_kill_between_the_first_record_and_its_head(node: Node) -> None:
    node.put("aa")
    node.head_file.unlink()
    assert node.found() == []
    node.restart()
    node.put("bb")
    assert node.found() == []


def test_a_full_disk_is_an_error_and_leaves_no_part_of_a_line(node: Node) -> None:
    node.write(2)
    size = node.log.stat().st_size
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, unlimited[1]))
    try:
        with pytest.raises(OSError) as raised:
            node.put("aa")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert raised.value.errno == errno.ENOSPC
    assert node.log.stat().st_size == size
    node.put("bb")
    assert (node.found(), _numbers(node)) == ([], [1, 2, 3])


@pytest.mark.parametrize("records", [2, 5, 12])
def test_parts_go_by_the_bound_and_a_record_says_which(
    node: Node, monkeypatch: pytest.MonkeyPatch, records: int
) -> None:
    monkeypatch.setattr(journal, "_LONGEST", 1200)
    heads = [node.put("aa") for _ in range(records)]
    numbers = _numbers(node)
    assert numbers == list(
        range(numbers[0], heads[-1].number + (heads[-1].number < numbers[-1]) + 1)
    )
    assert (numbers[0] > 1) is (records > 5)
    for head in heads:
        is_removed = head.number < numbers[0] - 1
        assert node.found(head) == []
        assert node.unchecked(head) == ["head_removed"] * is_removed
        assert node.unchecked(head._replace(number=0)) == ["head_unknown"] * is_removed
        other = head._replace(hash="f" * 64)
        assert node.found(other) == ["head_missing"] * (not is_removed)
    assert sum(path.stat().st_size for path in node.state.glob("journal*.jsonl")) < 4000
    node.restart()
    node.put("bb")
    assert node.found() == []


def test_a_kill_before_a_part_gets_its_other_name(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_LONGEST", 600)
    while b"rotated" not in node.log.read_bytes() if node.log.exists() else True:
        node.put("aa")
    assert node.found() == []
    node.restart()
    node.put("bb")
    assert (node.state / EARLIER).exists()
    assert node.found() == []
    (node.state / EARLIER).unlink()
    assert node.found() == ["no_begin"]


def test_a_reader_while_a_part_gets_its_other_name(node: Node) -> None:
    node.write(3)
    reading = lines(node.state)
    (node.state / EARLIER).hardlink_to(node.log)
    assert [line.file for line in reading] == [EARLIER] * 3


def test_the_last_records_come_first(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.write(9)
    for block in (1, 7, 100, 1 << 16):
        monkeypatch.setattr(journal, "_BLOCK", block)
        assert [record.number for record in node.server.latest()] == [*range(9, 0, -1)]


def test_the_last_records_end_where_the_log_is_broken(node: Node) -> None:
    node.write(9)
    node.lines = node.lines[:4] + node.lines[5:]
    assert [record.number for record in node.server.latest()] == [9, 8, 7, 6]
    assert node.server.broken_at() == 6


def test_a_whole_log_is_broken_nowhere(node: Node) -> None:
    assert node.server.broken_at() == 0
    node.write(9)
    assert node.server.broken_at() == 0


def test_to_add_a_record_costs_the_same_however_long_the_log_is(node: Node) -> None:
    node.write(3)
    node.log.write_bytes(b"\n" * (30 << 20) + node.log.read_bytes())
    node.restart()
    before = _octets_read()
    node.put("aa")
    assert _octets_read() - before < 2 << 20


def test_only_the_last_octets_are_searched_for_a_record(node: Node) -> None:
    node.state.mkdir()
    node.log.write_bytes(b"x\n" * (10 << 20))
    before = _octets_read()
    assert list(node.server.latest()) == []
    assert _octets_read() - before < 10 << 20


@irregular_files
def test_what_lies_in_the_place_of_the_log_keeps_nobody_waiting(
    tmp_path: Path, put: Callable[[Path], None], why: str
) -> None:
    put(tmp_path / JOURNAL)
    for read in (lambda: lines(tmp_path), Journal(tmp_path).latest):
        with pytest.raises(OSError, match=why.format(128)):
            next(iter(read()))


@irregular_files
def test_what_lies_in_the_place_of_the_head_keeps_nobody_waiting(
    tmp_path: Path, put: Callable[[Path], None], why: str
) -> None:
    assert why
    put(tmp_path / HEAD)
    with pytest.raises(OSError, match=r".+"):
        list(Reading(tmp_path).records())


@pytest.mark.parametrize("line", STRANGE, ids=range(len(STRANGE)))
def test_a_line_that_is_no_record(node: Node, line: bytes) -> None:
    node.write(2)
    node.lines = [*node.lines, line + b"\n"]
    assert node.found() == ["no_record"]
    node.restart()
    node.put("aa", at(999))
    assert node.found() == ["no_record"]
    assert _numbers(node) == [1, 2, 3, 4], "the one that has the hash of all lines is a record"


@pytest.mark.parametrize("head", [octets[:60_000] for octets in STRANGE], ids=range(len(STRANGE)))
def test_a_head_that_is_damaged(node: Node, head: bytes) -> None:
    node.write(2)
    node.head_file.write_bytes(head)
    assert node.found() == ["no_head"]
    node.restart()
    assert node.put("aa").number == 4, "record 3 says that the head was lost"
    assert node.found() == ["lost"]
