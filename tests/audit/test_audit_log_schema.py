"""Every kind of line that the audit log has is as its JSON Schema says, and has no other field."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from resolver.audit import journal
from resolver.audit.audit_log import AuditLog
from resolver.audit.record import ClockReading, Event
from resolver.snapshot.config_files import SourceTexts
from tests.audit.node import HOUR, Node, at
from tests.policy.networks import snapshot_of

ROOT = Path(__file__).parent.parent.parent
SCHEMA = json.loads((ROOT / "deploy/schemas/audit-log.json").read_text(encoding="utf-8"))


def _every_kind(state: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    node, log = Node(state), AuditLog(state)
    state.mkdir()
    node.log.write_bytes(b'{"time": 1.5, "event": "start"}\n{"torn')
    sources = SourceTexts({"config.toml": "text"})
    clock = ClockReading(9.0, 1.0, "", synchronised=True)
    log.activated(clock, "start", "uid 0", "aa", snapshot_of().compiled, sources)
    log.refused(clock, "commit 1")
    log.stopped(clock, "signal")
    node.server.append(at(4 * HOUR), Event.CLOCK, offset_before=1.0)
    node.seal(0.0, HOUR, at(5 * HOUR), "e" * 64)
    written = node.lines[1:]
    node.log.unlink()
    node.restart()
    monkeypatch.setattr(journal, "_LONGEST", 10)
    log.stopped(clock, "signal")
    return written + node.lines


def test_every_kind_of_line_is_as_the_schema_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [json.loads(octets) for octets in _every_kind(tmp_path / "state", monkeypatch)]
    assert {item["event"] for item in told} >= {*Event, "start", "refused", "stop"}
    for line in told:
        line["snapshot"] = line.get("snapshot", "").replace("aa", "a" * 16)
        Draft202012Validator(SCHEMA).validate(line)
        assert set(line) <= set(SCHEMA["properties"])


@pytest.mark.parametrize("field", SCHEMA["required"])
def test_a_line_without_a_field_is_not(field: str, tmp_path: Path) -> None:
    node = Node(tmp_path / "state")
    node.server.append(at(1.0), Event.CLOCK, offset_before=1.0)
    line = json.loads(node.lines[0])
    Draft202012Validator(SCHEMA).validate(line)
    del line[field]
    assert not Draft202012Validator(SCHEMA).is_valid(line)
