"""A list of a service without the address ranges that the release has for it."""

import shutil
from pathlib import Path

import pytest

from resolver.analysis.missing_ranges import OF_FILTER, SHIPPED
from resolver.cli.check import checked
from resolver.config.problems import Problem
from resolver.lists.ranges import ENDINGS

LISTS = Path(__file__).parents[2] / "blocklists"
CONFIG = """
[lists]
directories = ["own"]
[policies.p]
block = BLOCKED
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    (tmp_path / "own").mkdir()
    for name in ("line.txt", "telegram.txt", "viber.txt", "tango.txt", OF_FILTER):
        shutil.copy(LISTS / name, tmp_path / "own")
    return tmp_path


def _missing(place: Path, blocked: str, more: str = "") -> list[Problem]:
    (place / "config.toml").write_text(CONFIG.replace("BLOCKED", blocked) + more)
    problems = checked(place / "config.toml", 1.8e9).problems
    return [problem for problem in problems if problem.kind == "missing-ranges"]


def test_the_release_has_these_files_of_ranges() -> None:
    assert sorted(SHIPPED) == sorted(p.name for end in ENDINGS for p in LISTS.glob(f"*{end}"))


def test_a_blocked_service_without_its_ranges_draws_a_warning(place: Path) -> None:
    shutil.copy(LISTS / "line.firewall", place / "own")
    [warning] = _missing(place, '["line", "tango", "telegram"]')
    assert str(warning) == (
        "own/telegram.txt: warning [missing-ranges:telegram.ip]: found no address ranges; expected "
        "a file of them beside it, as in the release. Firewalls lack what telegram.ip has: copy it "
        "from the release's blocklists."
    )


@pytest.mark.parametrize(
    ("blocked", "more", "named"),
    [
        ('["tango"]', "", []),
        ('["@messenger"]', "", ["line.firewall", "telegram.ip", "viber.firewall"]),
        ("[]\ndefault = 'block'", "", ["line.firewall", "telegram.ip", "viber.firewall"]),
        ("['line']\nmode = 'audit'", "", []),
        ('["line"]', '[warnings]\nacknowledged = ["missing-ranges:line.firewall"]', []),
    ],
)
def test_it_is_said_of_what_a_policy_blocks(
    place: Path, blocked: str, more: str, named: list[str]
) -> None:
    found = [problem.code.partition(":")[2] for problem in _missing(place, blocked, more)]
    assert found == named


def test_lists_of_the_release_without_the_national_filter_draw_a_warning(place: Path) -> None:
    (place / "own" / OF_FILTER).unlink()
    [warning] = _missing(place, '["tango"]')
    assert str(warning) == (
        "own: warning [missing-ranges:national.filter]: found no addresses of the national filter; "
        "expected national.filter, as in the release. Its answers count as passed: copy the file "
        "from the release's blocklists."
    )
    (place / "own/agency.filter").write_text("10.9.9.9/32  # a page of the filter\n")
    assert _missing(place, '["tango"]') == []


def test_lists_of_an_agency_alone_need_no_national_filter(place: Path) -> None:
    for path in (place / "own").iterdir():
        path.unlink()
    (place / "own/tango.txt").write_text("||tango.me^\n")
    assert _missing(place, '["tango"]') == []
