"""Warnings of a compiled config: those that need a clock, and those that are acknowledged."""

import datetime as dt
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
CONFIG = """
[lists]
directories = []
[policies.p]
deny = ["a.example"]
[vlans.v]
prefixes = ["0.0.0.0/0"]
policy = "p"
[vlans.w]
prefixes = ["10.0.0.0/8"]
policy = "p"
[[local]]
name = "b.example"
records = ["A 10.0.0.1"]
"""
EXEMPTION = """
[[exemptions]]
id = "{id}"
vlan = "w"
services = ["s"]
until = {until}
approver = "a"
ticket = "t"
"""
LIST = "! Title: S\n! Category: messenger\n||s.example^\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "s.txt").write_text(LIST)
    return tmp_path


def _codes(place: Path, more: str) -> list[str]:
    """The codes of the warnings; of one without a code its path, and of an error its text."""
    text = CONFIG.replace("directories = []", 'directories = ["lists"]')
    (place / "config.toml").write_text(text + more)
    problems = compile_file(place / "config.toml", NOW.timestamp()).problems
    return [str(p) if p.severity == "error" else p.code or p.path for p in problems]


def test_an_exemption_for_more_than_90_days_draws_a_warning(place: Path) -> None:
    for days, shown in ((89, False), (91, True)):
        until = (NOW + dt.timedelta(days)).isoformat()
        codes = _codes(place, EXEMPTION.format(id="pr", until=until))
        assert ("long-exemption:pr" in codes) == shown
    ended = _codes(place, EXEMPTION.format(id="pr", until=(NOW - dt.timedelta(1)).isoformat()))
    assert "exemptions[0].until" in ended


@pytest.mark.parametrize(
    ("acknowledged", "left"),
    [
        ([], ["open-vlan:v", "no-encrypted-dns:p"]),
        (["open-vlan:v"], ["no-encrypted-dns:p"]),
        (["open-vlan"], ["no-encrypted-dns:p"]),
        (["open-vlan:w"], ["open-vlan:v", "no-encrypted-dns:p"]),
        (["open-vlans"], ["open-vlan:v", "no-encrypted-dns:p"]),
        (["open-vlan", "no-encrypted-dns:"], ["no-encrypted-dns:p"]),
        (["open-vlan", "no-encrypted-dns:p"], []),
    ],
)
def test_a_warning_that_is_acknowledged_is_not_shown(
    place: Path, acknowledged: list[str], left: list[str]
) -> None:
    assert sorted(_codes(place, f"[warnings]\nacknowledged = {acknowledged}")) == sorted(left)


def test_an_error_cannot_be_acknowledged(place: Path) -> None:
    problems = _codes(place, '[warnings]\nacknowledged = [""]\n[nonsense]\n')
    assert any("nonsense: found an unknown key" in problem for problem in problems)
