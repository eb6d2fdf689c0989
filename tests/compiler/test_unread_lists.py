"""Files of a list directory that look like lists, and that nothing reads."""

from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from resolver.config.problems import Problem

ROOT = Path(__file__).parents[2]
CONFIG = """
[lists]
directories = ["own"]
[policies.p]
block = ["telegram"]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""
SOURCE = """
[lists.sources.more]
file = "own/more.lst"
format = "suffix"
service = "telegram"
"""
LIST = "! Title: Telegram\n! Category: messenger\n||telegram.org^\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "telegram.txt").write_text(LIST)
    return tmp_path


def _problems(place: Path, config: str = CONFIG) -> list[Problem]:
    (place / "config.toml").write_text(config)
    return compile_file(place / "config.toml", 1.8e9).problems


def _unread(problems: list[Problem]) -> dict[str, str]:
    """What was found, by the file."""
    return {
        problem.file: problem.found
        for problem in problems
        if problem.code.startswith("unread-list:")
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("viber.text", "the ending .text"),
        ("viber.TXT", "the ending .TXT"),
        ("viber.Ip", "the ending .Ip"),
        ("Viber.lst", "the ending .lst"),
        ("viber", "no ending"),
    ],
)
def test_a_list_with_a_wrong_ending_draws_a_warning(place: Path, name: str, found: str) -> None:
    assert _unread(_problems(place)) == {}
    (place / "own" / name).write_text(LIST)
    assert _unread(_problems(place)) == {f"own/{name}": found}


def test_the_warning_says_what_to_do(place: Path) -> None:
    (place / "own" / "viber.text").write_text(LIST)
    [told] = [str(problem) for problem in _problems(place) if problem.file == "own/viber.text"]
    assert told == (
        "own/viber.text: warning [unread-list:viber.text]: found the ending .text; expected .txt "
        "for a list of names, .ip or .firewall for address ranges, or .filter for the addresses "
        "of a filter. It is not read, and blocks nothing. Rename it, or move it to another "
        "directory."
    )


@pytest.mark.parametrize(
    ("code", "shown"),
    [("unread-list:viber.lst", False), ("unread-list", False), ("unread-list:line.lst", True)],
)
def test_the_warning_is_acknowledged_by_the_name_of_the_file(
    place: Path, code: str, shown: bool
) -> None:
    (place / "own" / "viber.lst").write_text(LIST)
    problems = _problems(place, f'{CONFIG}[warnings]\nacknowledged = ["{code}"]\n')
    assert bool(_unread(problems)) == shown
    assert not [problem for problem in problems if "acknowledged" in problem.path]


def test_what_is_no_list_draws_no_warning(place: Path) -> None:
    copies = ["telegram.txt~", ".telegram.txt.swp", "telegram.txt.old", "telegram.bak", ".viber"]
    for name in (*copies, "decisions.toml", "README", "README.md", "LICENSE", "build.py"):
        (place / "own" / name).write_text(LIST)
    (place / "own" / "messengers").mkdir()
    assert _unread(_problems(place)) == {}


def test_the_file_of_a_list_of_others_draws_no_warning(place: Path) -> None:
    (place / "own" / "more.lst").write_text("telegram.example\n")
    assert list(_unread(_problems(place))) == ["own/more.lst"]
    assert _unread(_problems(place, CONFIG + SOURCE)) == {}
    misspelled = SOURCE.replace("file =", "flie =")
    assert _unread(_problems(place, CONFIG + misspelled)) == {}, "another error says enough"


def test_the_shipped_directory_has_none() -> None:
    assert _unread(compile_file(ROOT / "config.toml", 1.8e9).problems) == {}
