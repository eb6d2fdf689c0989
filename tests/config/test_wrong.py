"""Wrong configs, each with all messages about it at its end, after ``#!``.

Of an unknown key the other keys of its table are left out, as ``...``: a new key breaks no file.
"""

import re
from pathlib import Path

import pytest

from resolver.config.model import ServerConfig
from tests.config.files_in_memory import load_text, messages
from tests.config.wrong_configs import MARK, WRONG

_KEYS = re.compile(r"(?<=an unknown key; expected one of )[\w, -]+(?:\.{3} \(\d+ in all\))?")


def test_there_are_enough_of_them() -> None:
    assert len(WRONG) >= 20


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_everything_wrong_is_told_and_nothing_else(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    expected = [line.removeprefix(MARK) for line in text.splitlines() if line.startswith(MARK)]
    assert len(expected) > 1
    assert [_KEYS.sub("...", message) for message in messages(load_text(text))] == expected


def test_the_keys_of_a_table_are_listed_for_one_that_it_has_not() -> None:
    [told] = messages(load_text("[server]\nnothing_alike = 1\n[policies.p]\n[vlans.v]\n"))[:1]
    assert _KEYS.findall(told) == [", ".join(ServerConfig.model_fields)]
