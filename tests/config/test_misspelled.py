"""A key that is misspelled is one problem, whatever the config refers to it for."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from tests.config.files_in_memory import load_text, messages
from tests.config.shipped_files import REFERENCE, ROOT, SHIPPED

_KEY = re.compile(r"^\[{1,2}([\w-]{3,})[].]|^([\w-]{3,}) *=")


def _misspelled(text: str) -> Iterator[tuple[str, str]]:
    """Each key and section of a config, and the config with its last two letters exchanged."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if found := _KEY.match(line):
            key = found[found.lastindex or 0]
            wrong = line.replace(key, key[:-2] + key[:-3:-1], 1)
            if wrong != line:
                yield (
                    f"{number + 1}: {key}",
                    "\n".join([*lines[:number], wrong, *lines[number + 1 :]]),
                )


@pytest.mark.parametrize(
    "text", [pytest.param(SHIPPED, id="shipped"), pytest.param(REFERENCE, id="reference")]
)
def test_a_misspelled_key_is_one_problem(text: str) -> None:
    told = {key: messages(load_text(wrong)) for key, wrong in _misspelled(text)}
    assert len(told) > 60
    assert {key: found for key, found in told.items() if len(found) != 1} == {}
    assert [key for key, [found] in told.items() if "an unknown key" not in found] == []


@pytest.mark.parametrize("wrong", ["[list]", "[lists]\ndirectory = 1\n#"])
def test_a_misspelled_key_of_the_lists_makes_no_service_unknown(tmp_path: Path, wrong: str) -> None:
    lists = f'{wrong}\ndirectories = ["{ROOT}/blocklists"]\n'
    (tmp_path / "config.toml").write_text(SHIPPED + lists, encoding="utf-8")
    [problem] = compile_file(tmp_path / "config.toml", 1.8e9).problems
    assert "an unknown key" in str(problem)


def test_a_directory_that_is_missing_makes_no_service_unknown(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SHIPPED, encoding="utf-8")
    [problem] = compile_file(tmp_path / "config.toml", 1.8e9).problems
    assert problem.path == "lists.directories[0]"
