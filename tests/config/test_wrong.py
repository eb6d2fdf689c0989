"""Wrong configs, each with all messages about it at its end, after ``#!``."""

from pathlib import Path

import pytest

from tests.config.files_in_memory import load_text, messages

WRONG = sorted(Path(__file__).with_name("wrong").glob("*.toml"))
MARK = "#! "


def test_there_are_enough_of_them() -> None:
    assert len(WRONG) >= 20


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_everything_wrong_is_told_and_nothing_else(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    expected = [line.removeprefix(MARK) for line in text.splitlines() if line.startswith(MARK)]
    assert len(expected) > 1
    assert messages(load_text(text)) == expected
