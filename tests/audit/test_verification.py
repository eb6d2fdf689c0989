"""What a verification says beside the findings of ``test_tampering``."""

import gzip
import hashlib
from pathlib import Path

import pytest

from resolver.audit.audit_log import AuditLog, audit_entry
from resolver.audit.journal import BESIDE
from resolver.audit.record import Head
from resolver.snapshot import store
from resolver.snapshot.config_files import SourceTexts
from tests.audit.node import HOUR, Node, at
from tests.compiler.texts import compile_texts

CONFIG = "[policies.p]\n[vlans.a]\nprefixes = ['10.0.0.0/8']\npolicy = 'p'\n"


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "state")


def test_nothing_was_written(node: Node) -> None:
    check = node.check()
    assert (check.findings, check.head, check.records) == ([], "", 0)


def test_a_whole_log(node: Node) -> None:
    first, last = node.write(3), node.write(4)
    check = node.check(first)
    assert (check.findings, check.records, check.after_head) == ([], 7, 4)
    assert Head(check.number, check.head) == last
    assert node.check(last).after_head == 0


def test_a_head_of_another_log_is_missing(node: Node) -> None:
    node.write(3)
    for number in (0, 2, 3, 4):
        assert node.found(Head(number, "f" * 64)) == ["head_missing"]


def test_a_hash_alone_may_be_of_a_release_before_1_2(node: Node) -> None:
    node.state.mkdir()
    node.log.write_bytes(b'{"time": 1.5, "event": "start"}\n')
    node.write(2)
    assert node.found(Head(2, "f" * 64)) == ["head_missing"]
    assert node.found(Head(0, "f" * 64)) == []
    assert node.unchecked(Head(0, "f" * 64)) == ["head_of_earlier_release"]


@pytest.mark.parametrize(("seconds", "found"), [(299, []), (301, ["before_head"])])
def test_a_record_after_the_last_scrape_of_a_witness_was_not_added(
    node: Node, seconds: int, found: list[str]
) -> None:
    """Prometheus says for five minutes what it has scraped last."""
    head = node.write(3)
    witnessed = HOUR
    node.put("aa", at(witnessed - seconds))
    assert node.found(head, witnessed) == found


def test_a_clock_that_went_back_after_a_witness_adds_nothing(node: Node) -> None:
    head = node.write(3)
    node.put("aa", at(HOUR, ahead=-HOUR))
    assert node.found(head, HOUR) == []


def test_texts_and_snapshots_have_whole_hashes_and_a_text_that_was_changed_is_found(
    node: Node,
) -> None:
    log, snapshot = AuditLog(node.state), compile_texts(CONFIG)
    path = store.save(node.state, snapshot)
    sources = SourceTexts({"config.toml": CONFIG})
    log.activated(at(1.0), "start", "uid 0", path.name, snapshot.compiled, sources)
    assert node.found() == []
    record = next(log.journal.latest())
    entry = audit_entry(record)
    assert entry is not None
    assert (len(entry.config), len(entry.lists)) == (64, 64)
    assert entry.sha256 == snapshot.whole_hash()
    assert entry.sha256.startswith(entry.snapshot)
    file = node.state / "configs" / f"{entry.config}.json.gz"
    other = b'{"config.toml": "another"}'
    file.write_bytes(gzip.compress(other))
    [found] = node.check().findings
    assert (found.what.value, found.hash) == ("text_changed", entry.config)
    assert log.text(entry.config) == {}
    short = hashlib.sha256(other).hexdigest()[:16]
    file.rename(file.with_name(f"{short}.json.gz"))
    assert log.text(short) == {"config.toml": "another"}, "the name of a release before 1.2"
    assert node.found() == [], "the archive keeps a bounded number of texts"


@pytest.mark.parametrize(
    ("verified", "found"),
    [(None, []), ("whole\nexit status 0\n", []), ("one\nexit status 1\n", ["earlier_findings"])],
)
def test_what_the_release_before_has_said_of_its_log(
    node: Node, verified: str | None, found: list[str]
) -> None:
    node.state.mkdir()
    node.log.write_bytes(b'{"time": 1.5, "event": "start"}\n')
    (node.state / BESIDE[1]).write_bytes(b"a chain\n")
    if verified is not None:
        (node.state / "journal-verified").write_text(verified)
    node.write(2)
    assert node.found() == found
    assert (node.check().verified, node.check().old_lines) == (verified, 1)
