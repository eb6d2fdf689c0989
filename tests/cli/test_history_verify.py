"""What ``darban history --verify`` prints of a damaged file, and its exit status."""

from pathlib import Path

import pytest

from resolver.audit import journal
from resolver.audit.figures.store import NAME
from resolver.audit.witness import WitnessedHead
from resolver.cli import history_verify
from tests.audit.figures import synthetic
from tests.audit.node import Node


def test_a_damaged_file_of_figures_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    synthetic.write_month(tmp_path / NAME, days=1)
    assert history_verify.main([str(tmp_path)]) == 0
    file = tmp_path / NAME / "2026-10.sqlite"
    content = file.read_bytes()
    file.write_bytes(content[:5000] + bytes(4000) + content[9000:])
    assert history_verify.main([str(tmp_path)]) == 1
    assert "they cannot be read: 2026-10.sqlite: damaged: " in capsys.readouterr().out


def test_a_head_that_rotation_has_removed_is_neither_whole_nor_an_accusation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_LONGEST", 1000)
    node = Node(tmp_path)
    head = node.write(1)
    node.write(40)
    witnessed = WitnessedHead(head.hash, head.number, 0.0)
    check = history_verify.verified(tmp_path, witnessed)
    assert history_verify.exit_code(check) == history_verify.NOT_CHECKABLE
    said = history_verify.check_text(check, witnessed)
    assert f"the head {head.number}:{head.hash} is not checkable: records up to " in said
    assert "the history is whole" not in said
    by_hash = history_verify.verified(tmp_path, witnessed._replace(number=0))
    assert history_verify.exit_code(by_hash) == history_verify.NOT_CHECKABLE
    shown = history_verify.as_json(by_hash)
    assert shown["whole"] is False
    assert "cut off, or removed by rotation" in str(shown["unchecked"])
