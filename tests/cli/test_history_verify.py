"""What ``darban history --verify`` prints of a damaged file, and its exit status."""

from pathlib import Path

import pytest

from resolver.audit.figures.store import NAME
from resolver.cli import history_verify
from tests.audit.figures import synthetic


def test_a_damaged_file_of_figures_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    synthetic.write_month(tmp_path / NAME, days=1)
    assert history_verify.run(tmp_path, None, as_json=False) == 0
    file = tmp_path / NAME / "2026-10.sqlite"
    content = file.read_bytes()
    file.write_bytes(content[:5000] + bytes(4000) + content[9000:])
    assert history_verify.run(tmp_path, None, as_json=False) == 1
    assert "they cannot be read: 2026-10.sqlite: damaged: " in capsys.readouterr().out
