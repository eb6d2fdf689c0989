"""The table of features names files to open first that exist, each once, with a test."""

import re

import pytest

from tests.laws.source_tree import PACKAGE, ROOT

_PAGE = (ROOT / "docs" / "explanation" / "features.md").read_text(encoding="utf-8")
FEATURES = {
    title: (re.findall(r"`([^`]+)`", files), re.findall(r"`([^`]+)`", tests))
    for title, files, tests in re.findall(r"^\| \[(.+?)\].*? \| (.+) \| (.+) \|$", _PAGE, re.M)
}
"""The files of the program and the tests, by feature."""


def test_the_table_has_features() -> None:
    assert len(FEATURES) >= 12


@pytest.mark.parametrize("feature", FEATURES)
def test_its_files_exist_once_and_one_is_a_test(feature: str) -> None:
    files, tests = FEATURES[feature]
    assert [path for path in files if not (PACKAGE / path).exists()] == []
    assert [path for path in tests if not (ROOT / path).exists()] == []
    assert files
    assert any(path.startswith("tests/") for path in tests)
    assert len({*files, *tests}) == len([*files, *tests])
