"""The chain over the audit log: whatever is done to the log or the chain, the check finds it."""

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.evidence import journal
from resolver.evidence.audit_log import AuditLog
from resolver.evidence.figures.seal import SealedFigures
from resolver.evidence.history_chain import (
    AUDIT_LOG,
    CHAIN,
    NO_CHAIN,
    HistoryChain,
    Kind,
    Link,
    sealed_link,
)
from resolver.evidence.history_check import Check, What, WitnessedHead, verify
from resolver.evidence.journal import Journal
from resolver.snapshot.config_files import SourceTexts
from tests.compiler.texts import compile_texts

DAY = 86400.0
CONFIG = "[policies.p]\n[vlans.a]\nprefixes = ['10.0.0.0/8']\npolicy = 'p'\n"
FIGURES = {(at * DAY, (at + 1) * DAY): f"{at:064x}" for at in range(10)}


class Node:
    """An audit log and its chain, written by one process after the other."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.log, self.chain = state / AUDIT_LOG, state / CHAIN
        self._written = 0
        self.restart()

    def restart(self) -> None:
        self.server = HistoryChain(self.state)

    def append(self) -> None:
        """Add a record, without its link."""
        self._written += 1
        record = {"time": float(self._written), "event": "reload"}
        Journal(self.log).append(json.dumps(record).encode())

    def write(self, records: int = 1) -> str:
        head = ""
        for _ in range(records):
            self.append()
            head = self.server.follow(float(self._written), appended=1)
        return head

    def check(
        self, head: str | None = None, changed: float | None = None, witnessed_at: float = 0.0
    ) -> Check:
        def figures_of(since: float, until: float) -> SealedFigures:
            found = "edited" if since == changed else FIGURES[since, until]
            return SealedFigures(found, since >= 2 * DAY)

        witnessed = None if head is None else WitnessedHead(head, witnessed_at)
        return verify(self.state, figures_of, witnessed)

    def found(self, head: str | None = None) -> list[What]:
        return [each.what for each in self.check(head).findings]

    def noted(self) -> list[What]:
        return [each.what for each in self.check().notes]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "state")


@pytest.fixture(scope="module")
def new_node(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Node]:
    return lambda: Node(tmp_path_factory.mktemp("chain") / "state")


def _edit(path: Path, edit: Callable[[list[bytes]], object]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    edit(lines)
    path.write_bytes(b"".join(lines))


def test_nothing_was_written(node: Node) -> None:
    check = node.check()
    assert (check.findings, check.notes, check.head) == ([], [], "")


def test_a_whole_history(node: Node) -> None:
    first = node.write(3)
    head = node.write(4)
    check = node.check(first)
    assert (check.findings, check.notes, check.records) == ([], [], 7)
    assert (check.head, check.after_head) == (head, 4)
    assert node.check(head).after_head == 0


def test_a_head_without_log_and_chain_is_missing(node: Node) -> None:
    head = node.write(3)
    for path in (node.log, node.chain):
        path.unlink()
    assert node.found(head) == [What.HEAD_MISSING]


def test_a_chain_that_was_removed_is_found_when_the_server_has_begun_another(node: Node) -> None:
    node.write(3)
    node.chain.unlink()
    node.restart()
    node.write()
    assert node.found() == [What.CHAIN_REMOVED]
    assert node.check().findings[0].number == 3


def test_a_link_that_the_disk_did_not_take_is_added_without_a_finding(node: Node) -> None:
    node.write(2)
    kept = node.chain.read_bytes()
    node.append()
    node.chain.unlink()
    node.chain.mkdir()
    with pytest.raises(OSError, match="a directory"):
        node.server.follow(3.0, appended=1)
    node.chain.rmdir()
    node.chain.write_bytes(kept)
    _seal(node, 2)
    assert (node.found(), node.noted()) == ([], [])


@pytest.mark.parametrize("begins", [False, True])
def test_what_a_chain_of_1_0_0_lacked_is_a_note(node: Node, begins: bool) -> None:
    """That release has not said whether its server had written the records."""
    node.write(0 if begins else 2)
    node.append()
    node.restart()
    node.write()
    links = [sealed_link(line) for line in node.chain.read_bytes().splitlines()]
    node.chain.unlink()
    before = NO_CHAIN
    for each in links:
        assert each is not None
        text = json.dumps(asdict(each.link)).partition(', "node"')[0]
        before = hashlib.sha256(f"{before}{text}".encode()).hexdigest()
        Journal(node.chain).append(f'{text}, "chain": "{before}"}}'.encode())
    assert (node.found(), node.noted()) == ([], [] if begins else [What.BEHIND])


def test_a_record_added_later_for_a_time_before_a_head_is_found(node: Node) -> None:
    head = node.write(5)
    node.restart()
    for time in (4.5, 7.5):
        Journal(node.log).append(json.dumps({"time": time}).encode())
        node.server.follow(time, appended=1)
    assert (node.found(), node.noted()) == ([], [What.BACKDATED]), "the clock may have gone back"
    [found] = node.check(head).findings
    assert (found.what, found.at, found.since) == (What.BEFORE_HEAD, 4.5, 5.0)
    found, other = node.check(head, witnessed_at=8.0).findings
    assert (other.what, other.at, other.since) == (What.BEFORE_HEAD, 7.5, 8.0)


def test_a_kept_text_that_was_changed_is_found(node: Node) -> None:
    log, compiled = AuditLog(node.state), compile_texts(CONFIG).compiled
    sources = SourceTexts({"config.toml": CONFIG})
    log.activated(1.0, "start", "uid 0", "aa", compiled, sources)
    node.server.follow(1.0, appended=1)
    assert node.found() == []
    [entry] = log.entries()
    file = node.state / "configs" / f"{entry.config}.json.gz"
    file.write_bytes(gzip.compress(b'{"config.toml": "another"}'))
    [found] = node.check().findings
    assert (found.what, found.hash) == (What.TEXT_CHANGED, entry.config)
    assert log.text(entry.config) == {}
    file.unlink()
    assert node.found() == [], "the archive keeps a bounded number of texts"


RECORDS = st.integers(2, 8)


@given(RECORDS, st.data())
def test_a_record_taken_out_is_found(
    new_node: Callable[[], Node], records: int, data: st.DataObject
) -> None:
    node, which = new_node(), data.draw(st.integers(0, records - 1))
    node.write(records)
    _edit(node.log, lambda lines: lines.pop(which))
    [found] = node.check().findings
    assert found.what is What.TAKEN_OUT
    assert found.at == which + 1.0
    assert node.check().records == records - 1


@given(RECORDS, st.data())
def test_an_octet_changed_anywhere_is_found(
    new_node: Callable[[], Node], records: int, data: st.DataObject
) -> None:
    node = new_node()
    node.write(records)
    path = data.draw(st.sampled_from([node.log, node.chain]))
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 2))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert node.found()


@given(RECORDS, st.data())
def test_records_swapped_are_found(
    new_node: Callable[[], Node], records: int, data: st.DataObject
) -> None:
    node = new_node()
    node.write(records)
    one, other = data.draw(
        st.lists(st.integers(0, records - 1), min_size=2, max_size=2, unique=True)
    )

    def swap(lines: list[bytes]) -> None:
        lines[one], lines[other] = lines[other], lines[one]

    _edit(node.log, swap)
    assert set(node.found()) == {What.MOVED}


@given(RECORDS, st.data())
def test_a_record_added_between_others_is_found(
    new_node: Callable[[], Node], records: int, data: st.DataObject
) -> None:
    node, where = new_node(), data.draw(st.integers(1, records - 1))
    node.write(records)
    _edit(node.log, lambda lines: lines.insert(where, b'{"time": 0.5}\n'))
    [found] = node.check().findings
    assert (found.what, found.place) == (What.ADDED, f"{AUDIT_LOG}, line {where + 1}")


@given(RECORDS, st.data())
def test_the_end_of_both_cut_off_is_found_by_a_head_that_was_kept(
    new_node: Callable[[], Node], records: int, data: st.DataObject
) -> None:
    node, left = new_node(), data.draw(st.integers(1, records - 1))
    head = node.write(records)
    _edit(node.log, lambda lines: lines.__delitem__(slice(left, None)))
    _edit(node.chain, lambda lines: lines.__delitem__(slice(left + 1, None)))
    assert node.found() == [], "without a witness nothing tells"
    assert node.found(head) == [What.HEAD_MISSING]
    node.restart()
    node.write()
    assert node.found(head) == [What.HEAD_MISSING], "also once the server has gone on"


def test_the_end_of_the_log_cut_off_is_found_by_the_chain(node: Node) -> None:
    node.write(5)
    _edit(node.log, lambda lines: lines.__delitem__(slice(3, None)))
    assert node.found() == [What.TAKEN_OUT] * 2


def test_the_end_of_both_cut_off_is_found_by_a_server_that_runs(node: Node) -> None:
    head = node.write(5)
    _edit(node.log, lambda lines: lines.pop())
    _edit(node.chain, lambda lines: lines.pop())
    node.write()
    [found] = node.check().findings
    assert (found.what, found.hash) == (What.OTHER_HEAD, head)


def test_links_taken_out_are_found(node: Node) -> None:
    node.write(5)
    _edit(node.chain, lambda lines: lines.pop(3))
    assert What.LINK_CHANGED in node.found()
    node.chain.unlink()
    assert node.found() == [What.NO_CHAIN]


def test_the_begin_of_the_chain_taken_out_is_found(node: Node) -> None:
    node.write(5)
    _edit(node.chain, lambda lines: lines.__delitem__(slice(0, 3)))
    assert What.NO_BEGIN in node.found()


@pytest.mark.parametrize("time", [1e18, -1.0, float("nan")])
def test_a_link_or_a_record_whose_time_has_no_date_is_none(node: Node, time: float) -> None:
    node.write(2)
    node.server.seal(Link(Kind.FIGURES, 3.0, since=time, before=time))
    record = {"time": time, "event": "reload", "who": "", "snapshot": "aa", "exemptions": []}
    Journal(node.log).append(json.dumps(record).encode())
    assert node.found() == [What.NO_LINK, What.UNLINKED]
    assert list(AuditLog(node.state).entries()) == []


def test_a_link_taken_out_with_its_record_is_found(node: Node) -> None:
    node.write(5)
    _edit(node.log, lambda lines: lines.pop(2))
    _edit(node.chain, lambda lines: lines.pop(3))
    assert node.found() == [What.LINK_CHANGED]


def test_a_log_of_an_earlier_release_gets_a_chain(node: Node) -> None:
    for _ in range(3):
        node.append()
    node.write()
    [begin, *records] = [sealed_link(line) for line in node.chain.read_bytes().splitlines()]
    assert begin is not None
    assert (begin.link.kind, begin.link.records, len(records)) == (Kind.BEGIN, 4, 4)
    assert node.check().records == 4
    assert node.found() == [What.CHAIN_REMOVED], "who had one before has removed it"
    assert node.check().findings[0].number == 3


def test_records_older_than_the_chain_are_told(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(9):
        node.append()
    monkeypatch.setattr(journal, "_LOOK_BACK", 100)
    node.write()
    assert (node.found(), node.noted()) == ([What.CHAIN_REMOVED], [What.BEFORE_CHAIN])


@pytest.mark.parametrize("behind", [1, 3])
def test_a_chain_that_is_behind_says_so_when_it_goes_on(node: Node, behind: int) -> None:
    node.write(2)
    for _ in range(behind):
        node.append()
    assert (node.found(), node.noted()) == ([What.UNLINKED], [])
    node.restart()
    node.write()
    assert (node.found(), node.noted()) == ([What.NOT_OF_SERVER], [])
    assert node.check().findings[0].number == behind
    assert node.check().records == behind + 3


def test_a_restored_backup_of_the_log_alone_is_told_for_good(node: Node) -> None:
    node.write(2)
    backup = node.log.read_bytes()
    node.write(2)
    node.log.write_bytes(backup)
    node.restart()
    node.write(2)
    assert node.found() == [What.TAKEN_OUT] * 2
    assert node.noted() == [What.LOST]
    node.restart()
    node.write()
    assert node.found() == [What.TAKEN_OUT] * 2
    assert node.check().records == 5


def test_a_restored_backup_of_both_is_found_by_the_head(node: Node) -> None:
    node.write(2)
    backup = node.log.read_bytes(), node.chain.read_bytes()
    head = node.write(2)
    node.log.write_bytes(backup[0])
    node.chain.write_bytes(backup[1])
    node.restart()
    node.write()
    assert node.found(head) == [What.HEAD_MISSING]


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_link_that_was_cut_short(node: Node, kept: int) -> None:
    node.write(2)
    whole = node.chain.read_bytes()
    node.write()
    node.chain.write_bytes(whole + node.chain.read_bytes()[len(whole) :][:kept])
    node.restart()
    node.write()
    # All of a link but its end of line is a whole one.
    assert node.found() == ([] if kept < 0 else [What.NO_LINK, What.NOT_OF_SERVER])
    assert node.check().records == 4


def test_a_record_that_was_cut_short_is_no_change(node: Node) -> None:
    node.write(2)
    with node.log.open("ab") as file:
        file.write(b'{"time": 3')
    node.write()
    assert (node.found(), node.noted()) == ([], [What.CUT_SHORT])


@pytest.mark.parametrize("records", [3, 30, 90])
def test_what_a_rotation_removes_is_not_missed(
    node: Node, monkeypatch: pytest.MonkeyPatch, records: int
) -> None:
    monkeypatch.setattr(journal, "_LONGEST", 500)
    chain = HistoryChain(node.state)
    for _ in range(records):
        node.append()
        with monkeypatch.context() as patch:
            patch.setattr(journal, "_LONGEST", 1 << 20)
            chain.follow(1.0, appended=1)
    kinds = [each.link.kind for each in chain.links()]
    removed = [What.ROTATED] * max(0, kinds.count(Kind.ROTATED) - 1)
    assert (node.found(), node.noted()) == ([], removed)
    assert (removed != []) is (records > 30)
    kept = sum(1 for _ in Journal(node.log).lines())
    assert node.check().records == kept
    _edit(node.log, lambda lines: lines.pop(0))
    assert node.found() == [What.TAKEN_OUT]


def test_a_rotated_chain_is_checked_from_its_oldest_link(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = HistoryChain(node.state)
    for _ in range(9):
        node.append()
        with monkeypatch.context() as patch:
            patch.setattr(journal, "_LONGEST", 1000)
            chain.follow(1.0, appended=1)
    assert node.chain.with_suffix(".1.jsonl").exists()
    assert What.LINK_CHANGED not in node.found()
    assert What.NO_BEGIN not in node.found()


def _seal(node: Node, *days: int) -> None:
    for each in days:
        times = (each * DAY, (each + 1) * DAY)
        seal = Link(Kind.FIGURES, times[1], hash=FIGURES[times], since=times[0], before=times[1])
        node.server.seal(seal)


def test_edited_figures_of_a_day_are_found(node: Node) -> None:
    node.write()
    _seal(node, 1, 2, 3)
    assert node.check().sealed == 3
    [found] = node.check(changed=3 * DAY).findings
    assert (found.what, found.at) == (What.FIGURES_CHANGED, 3 * DAY)
    check = node.check(changed=1 * DAY)
    assert ([each.what for each in check.notes], check.findings) == ([What.FIGURES_NOT_KEPT], [])


def test_days_are_sealed_again_after_the_clock_went_back(node: Node) -> None:
    node.write()
    _seal(node, 2, 3, 4)
    assert node.server.sealed_until() == 5 * DAY
    node.server.clock_back(6 * DAY, 3 * DAY)
    assert node.server.sealed_until() == 3 * DAY
    check = node.check(changed=4 * DAY)
    assert check.findings == [], "they still change"
    [note] = check.notes
    assert (note.what, note.at, note.since) == (What.CLOCK_BACK, 6 * DAY, 3 * DAY)
    _seal(node, 3, 4)
    assert [each.at for each in node.check(changed=4 * DAY).findings] == [4 * DAY]


def test_many_seals_after_a_record_hide_nothing(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.write()
    _seal(node, *range(2, 10))
    monkeypatch.setattr(journal, "_LOOK_BACK", 1000)
    node.restart()
    node.write()
    assert (node.found(), node.check().records) == ([], 2)


def _octets_read() -> int:
    [line] = [each for each in Path("/proc/self/io").read_text().splitlines() if "rchar" in each]
    return int(line.split()[1])


def test_to_follow_costs_the_same_however_long_both_are(node: Node) -> None:
    node.write(3)
    for path in (node.log, node.chain):
        lines = path.read_bytes()
        path.write_bytes(b"\n" * (30 << 20) + lines)
    node.restart()
    before = _octets_read()
    node.write()
    assert _octets_read() - before < 2 << 20
