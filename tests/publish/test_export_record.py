"""An export is made again unless it would write the files that are there."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.cli import export
from resolver.policy.moment import NOTHING
from resolver.publish.export_record import ExportRecord
from resolver.snapshot.compiler import CompileResult
from tests.publish.test_zone_record import CONFIG, LISTS

IN_FORCE = NOTHING._replace(since=1.8e9, until=1.9e9)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "one.cdb").write_bytes(b"one")
    ExportRecord.of("sources", IN_FORCE, tmp_path).write(tmp_path)
    return tmp_path


def holds(directory: Path, sources: str = "sources", wall: float = 1.85e9) -> bool:
    return ExportRecord.read(directory).holds(sources, wall, directory)


def test_it_holds_while_the_same_exemptions_are_in_force(directory: Path) -> None:
    moments = (1.8e9 - 1, 1.8e9, 1.9e9 - 1, 1.9e9)
    assert [holds(directory, wall=each) for each in moments] == [False, True, True, False]


def _rewrite(directory: Path) -> None:
    path = directory / "one.cdb"
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))


def _replace(directory: Path) -> None:
    (directory / "other").write_bytes(b"one")
    (directory / "other").replace(directory / "one.cdb")


def _remove(directory: Path) -> None:
    (directory / "one.cdb").unlink()


def _add(directory: Path) -> None:
    (directory / "two.cdb").write_bytes(b"")


def _damage(directory: Path) -> None:
    (directory / "export.json").write_text('{"sources": 1, "unknown": 2}')


@pytest.mark.parametrize("change", [_rewrite, _replace, _remove, _add, _damage])
def test_it_does_not_hold_for_other_files(directory: Path, change: Callable[[Path], None]) -> None:
    assert holds(directory)
    change(directory)
    assert not holds(directory)


def test_it_does_not_hold_for_another_config(directory: Path) -> None:
    assert not holds(directory, "other sources")


@pytest.mark.processes
def test_dnsdist_is_exported_again_only_where_something_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the config is not even compiled."""
    config, to, lists = tmp_path / "config.toml", tmp_path / "dnsdist", tmp_path / "lists"
    lists.mkdir()
    for name, text in LISTS.items():
        (lists / (name if "." in name else f"{name}.txt")).write_text(text)
    config.write_text(f'{CONFIG}\n[lists]\ndirectories = ["lists"]\n')
    compiled: list[Path] = []
    compile_valid = export.compile_valid

    def counting(path: Path) -> CompileResult:
        compiled.append(path)
        return compile_valid(path)

    monkeypatch.setattr(export, "compile_valid", counting)

    def written() -> set[str]:
        assert export.export("dnsdist", config=config, to=to) == 0
        said = capsys.readouterr().out.splitlines()
        return {Path(each[6:]).name for each in said if each.startswith("wrote ")}

    assert len(written()) == 12
    assert written() == set()
    assert len(compiled) == 1
    with (lists / "one.txt").open("a") as one:
        one.write("||new.example^\n")
    assert written() == {"first.exact.cdb", "first.below.cdb", "inputs.json"}
    assert written() == set()
    assert len(compiled) == 2
    (to / "first.exact.cdb").write_bytes(b"")
    assert written() == {"first.exact.cdb"}
    assert len(compiled) == 3
