"""The audit log: every whole line can be read, whatever happened to the line before."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.audit.audit_log import AuditEntry, AuditLog, entries
from resolver.audit.reading import Reading
from resolver.audit.record import ClockReading
from resolver.compiler.compilation import compile_file
from resolver.policy.compiled import CompiledConfig
from resolver.snapshot.config_files import SourceTexts, difference

CONFIG = """
[lists]
directories = ["."]
[policies.p]
deny = ["one.example"]
[vlans.a]
prefixes = ["10.1.0.0/16"]
policy = "p"
[[exemptions]]
id = "first"
prefixes = ["10.1.0.7/32"]
services = ["pager"]
until = 2027-01-15T08:00:00Z
approver = "Director"
ticket = "IT-7"
reason = "نمایشگاه"
[[exemptions]]
id = "second"
vlan = "a"
services = ["pager"]
until = 2027-01-16T08:00:00Z
approver = "Director"
ticket = "IT-8"
"""
FIRST_END = 1_800_000_000.0
DAY = 86400.0


@pytest.fixture
def compiled(tmp_path: Path) -> CompiledConfig:
    (tmp_path / "pager.txt").write_text("! Category: messenger\n||pager.example^\n")
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    compiled = compile_file(path, 0.0)
    assert not compiled.errors
    return compiled.snapshot.compiled


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def audit_log(state: Path) -> AuditLog:
    return AuditLog(state)


def _write(
    audit_log: AuditLog, compiled: CompiledConfig, time: float, text: str, snapshot: str = "aa"
) -> None:
    sources = SourceTexts({"config.toml": text})
    audit_log.activated(_at(time), "reload", "uid 7", snapshot, compiled, sources)


def _at(time: float) -> ClockReading:
    return ClockReading(time, 0.0, "one", None)


def _entries(state: Path) -> list[AuditEntry]:
    return list(entries(Reading(state).records()))


def test_nothing_was_written(state: Path) -> None:
    assert _entries(state) == []


def test_the_log_has_every_activation(
    state: Path, audit_log: AuditLog, compiled: CompiledConfig
) -> None:
    _write(audit_log, compiled, 1.5, "one\ntwo\n")
    _write(audit_log, compiled, 2.5, "one\n2\n", "bb")
    first, second = _entries(state)
    assert (first.time, first.event, first.who, first.snapshot) == (1.5, "reload", "uid 7", "aa")
    assert first.diff == ""
    assert second.diff == ("--- config.toml\n+++ config.toml\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n")
    assert audit_log.text(first.config) == {"config.toml": "one\ntwo\n"}
    assert audit_log.text(second.config) == {"config.toml": "one\n2\n"}
    exempted = first.exemptions[0]
    assert (exempted.id, exempted.prefixes, exempted.vlan) == ("first", ["10.1.0.7/32"], None)
    assert exempted.services == ["pager"]
    assert (exempted.ticket, exempted.reason) == ("IT-7", "نمایشگاه")
    assert (first.exemptions[1].vlan, first.exemptions[1].prefixes) == ("a", [])


def test_the_end_of_an_exemption_is_no_activation(
    state: Path, audit_log: AuditLog, compiled: CompiledConfig
) -> None:
    _write(audit_log, compiled, 0.0, "one")
    [entry] = _entries(state)
    for moment, ids in (
        (FIRST_END - 0.1, ["first", "second"]),
        (FIRST_END, ["second"]),
        (FIRST_END + DAY, []),
        (FIRST_END - 30 * DAY, ["first", "second"]),
    ):
        assert [details.id for details in entry.exempted_at(moment)] == ids


LINE_OF_0_1_0 = """{"time": 1.5, "event": "exempt", "who": "uid 0", "snapshot": "0123456789ab", \
"config": "89abcdef01234567", "diff": "+[[exemptions]]\\n", "exemptions": [{"id": "first", \
"until": 4102444800.0, "services": ["pager"], "vlan": null, "prefixes": ["10.1.0.7/32"], \
"approver": "CIO", "ticket": "IT-7", "reason": "نمایشگاه"}]}
"""


def test_a_line_of_an_earlier_version_is_read(state: Path) -> None:
    path = state / "journal.jsonl"
    path.parent.mkdir()
    path.write_text(LINE_OF_0_1_0, encoding="utf-8")
    [entry] = _entries(state)
    assert (entry.event, entry.config, entry.diff) == (
        "exempt",
        "89abcdef01234567",
        "+[[exemptions]]\n",
    )
    [exempted] = entry.exempted_at(4102444799.0)
    assert (exempted.services, exempted.prefixes, exempted.vlan) == (
        ["pager"],
        ["10.1.0.7/32"],
        None,
    )
    assert entry.exempted_at(4102444800.0) == []


def test_a_start_without_a_text_has_the_text_of_the_snapshot(
    state: Path, audit_log: AuditLog, compiled: CompiledConfig
) -> None:
    _write(audit_log, compiled, 1.0, "one", "aa")
    _write(audit_log, compiled, 2.0, "two", "bb")
    for snapshot in ("aa", "cc"):
        audit_log.activated(_at(3.0), "start --last-good", "uid 0", snapshot, compiled, None)
    first, _, third, fourth = _entries(state)
    assert (third.config, fourth.config) == (first.config, "")
    assert third.diff == fourth.diff == ""


def test_a_stop_is_no_activation(
    state: Path, audit_log: AuditLog, compiled: CompiledConfig
) -> None:
    _write(audit_log, compiled, 1.0, "one")
    audit_log.stopped(_at(2.0), "signal")
    assert [entry.event for entry in _entries(state)] == ["reload", "stop"]
    last = audit_log.last_activation()
    assert last is not None
    assert last.event == "reload"


def test_the_server_reads_the_log_once(
    audit_log: AuditLog, compiled: CompiledConfig, state: Path
) -> None:
    _write(audit_log, compiled, 1.0, "one")
    successor = AuditLog(state)
    _write(successor, compiled, 2.0, "two")
    (state / "journal.jsonl").write_text("", encoding="utf-8")
    _write(successor, compiled, 3.0, "three")
    [entry] = _entries(state)
    assert "-two" in entry.diff


def test_the_same_text_is_logged_once(
    state: Path, audit_log: AuditLog, compiled: CompiledConfig
) -> None:
    for text in ("one", "one", "two"):
        sources = SourceTexts({"config.toml": text})
        audit_log.activated(_at(1.0), "reload", "uid 7", "aa", compiled, sources, once=True)
    assert len(_entries(state)) == 2


def test_a_line_is_bounded(audit_log: AuditLog, compiled: CompiledConfig, state: Path) -> None:
    _write(audit_log, compiled, 1.0, "one\n")
    _write(audit_log, compiled, 2.0, "".join(f"line {i}\n" for i in range(100_000)))
    lines = (state / "journal.jsonl").read_bytes().splitlines()
    assert len(lines[1]) < 100_000
    assert json.loads(lines[1])["diff"].endswith("(the difference is longer)\n")
    [_, entry] = _entries(state)
    assert audit_log.text(entry.config)["config.toml"].endswith("line 99999\n")


def test_of_a_very_long_text_only_the_hash_is_kept(
    state: Path, audit_log: AuditLog, compiled: CompiledConfig
) -> None:
    _write(audit_log, compiled, 1.0, "#" * (5 << 20))
    _write(audit_log, compiled, 2.0, "one")
    first, second = _entries(state)
    assert audit_log.text(first.config) == {}
    assert second.diff == "(the text before was not kept)\n"


def test_a_difference_is_file_by_file() -> None:
    before = {"config.toml": "a", "vlans.d/1.toml": "b\n"}
    after = {"config.toml": "a", "vlans.d/2.toml": "b\n"}
    assert difference(before, after) == (
        "--- vlans.d/1.toml\n+++ vlans.d/1.toml\n@@ -1 +0,0 @@\n-b\n"
        "--- vlans.d/2.toml\n+++ vlans.d/2.toml\n@@ -0,0 +1 @@\n+b\n"
    )


def test_an_entry_keeps_its_fields() -> None:
    entry = AuditEntry(1.0, "reload", "uid 7", "aa")
    assert replace(entry, snapshot="").exempted_at(0) == []


def test_exemptions_that_have_ended_cost_a_line_nothing(
    audit_log: AuditLog, compiled: CompiledConfig, state: Path
) -> None:
    exemption = compiled.exemptions[0]
    ended = tuple(replace(exemption, id=f"t-{number}", until=1.0) for number in range(1000))
    many = replace(compiled, exemptions=(exemption, *ended))
    _write(audit_log, many, 2.0, "one")
    [entry] = _entries(state)
    assert [details.id for details in entry.exemptions] == [exemption.id]
    assert (state / "journal.jsonl").stat().st_size < 1000


def test_a_line_has_the_fields_of_the_schema(
    audit_log: AuditLog, compiled: CompiledConfig, state: Path
) -> None:
    _write(audit_log, compiled, 1.0, "one")
    line = json.loads((state / "journal.jsonl").read_bytes())
    first = ["version", "number", "time", "offset", "boot", "synchronised", "release", "event"]
    activation = ["who", "snapshot", "config", "diff", "exemptions", "lists", "summary"]
    activation += ["waited_since", "belongs_to", "sha256"]
    assert list(line) == [*first, *activation, "before"]


def test_a_line_of_a_later_release_is_read_without_the_fields_that_it_adds(
    audit_log: AuditLog, compiled: CompiledConfig, state: Path
) -> None:
    _write(audit_log, compiled, 1.0, "text")
    (before,) = _entries(state)
    path = state / "journal.jsonl"
    later = json.loads(path.read_bytes())
    later["sealed"] = {"by": "noc"}
    later["exemptions"][0]["four_eyes"] = ["Director", "Deputy"]
    path.write_text(json.dumps(later) + "\n", encoding="utf-8")
    assert _entries(state) == [before]
    assert AuditLog(state).last_activation() == before


def test_the_end_that_an_earlier_version_has_noted_is_left_out(
    audit_log: AuditLog, compiled: CompiledConfig, state: Path
) -> None:
    _write(audit_log, compiled, 1.0, "one")
    file = state / "journal.jsonl"
    line = json.loads(file.read_bytes()) | {"event": "ended", "snapshot": ""}
    line["ended"] = line["exemptions"][0]
    with file.open("a", encoding="utf-8") as log:
        log.write(f"{json.dumps(line)}\n")
    assert [entry.event for entry in _entries(state)] == ["reload"]


def test_the_newest_changes_are_those_of_the_config(
    audit_log: AuditLog, compiled: CompiledConfig
) -> None:
    for number in range(4):
        _write(audit_log, compiled, float(2 * number), f"{number}\n")
        _write(audit_log, compiled, float(2 * number + 1), f"{number}\n", "lists")
    audit_log.refused(_at(9.0), "commit 1: no signature")
    newest = list(audit_log.newest_changes(2))
    assert [(audit.time, audit.diff.splitlines()[-1]) for audit in newest] == [
        (6.0, "+3"),
        (4.0, "+2"),
    ]
    assert len(list(audit_log.newest_changes(9))) == 3
