"""What ``darban history --verify`` prints of a damaged file, and its exit status."""

import json
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
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_LONGEST", 1000)
    node = Node(tmp_path)
    head = node.write(1)
    node.write(40)
    witnessed = WitnessedHead(head.hash, head.number, 0.0)
    assert history_verify.run(tmp_path, witnessed, as_json=False) == 4
    said = capsys.readouterr().out
    assert f"the head {head.number}:{head.hash} is not checkable: records up to " in said
    assert "the history is whole" not in said
    hash_alone = witnessed._replace(number=0)
    assert history_verify.run(tmp_path, hash_alone, as_json=True) == 4
    told = json.loads(capsys.readouterr().out)
    assert told["whole"] is False
    assert "cut off, or removed by rotation" in told["unchecked"][0]["text"]
