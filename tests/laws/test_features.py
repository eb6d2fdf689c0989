"""The table of features names files that exist, each once, with a test; and misses no module."""

import re

import pytest

from tests.laws.source_tree import PACKAGE, ROOT, modules

_PAGE = (ROOT / "docs" / "explanation" / "features.md").read_text(encoding="utf-8")
FEATURES = {
    title: (re.findall(r"`([^`]+)`", files), re.findall(r"`([^`]+)`", tests))
    for title, files, tests in re.findall(r"^\| \[(.+?)\].*? \| (.+) \| (.+) \|$", _PAGE, re.M)
}
"""The files of the program and the tests, by feature."""

IN_NAMES = {
    "lists": r"list_|lists",
    "hours": r"hours",
    "exemptions": r"exempt",
    "pair": r"pair$|pair_",
    "fallback servers": r"fallback",
    "national filter": r"filter_",
    "block page": r"block_page|block_notice",
    "figures": r"figure",
    "feeds": r"feed",
    "zones": r"zone_|_zones$",
    "policy from git": r"^git$|pull",
}
"""What the names of a feature's modules have. Redirected queries have no module."""
NO_ZONES_OF_DNS = {"system/time_zones.py"}


def test_the_table_has_the_features() -> None:
    assert FEATURES.keys() == {*IN_NAMES, "redirected queries"}


@pytest.mark.parametrize("feature", FEATURES)
def test_its_files_exist_once_and_one_is_a_test(feature: str) -> None:
    files, tests = FEATURES[feature]
    assert [path for path in files if not (PACKAGE / path).exists()] == []
    assert [path for path in tests if not (ROOT / path).exists()] == []
    assert files
    assert any(path.startswith("tests/") for path in tests)
    assert len({*files, *tests}) == len([*files, *tests])


@pytest.mark.parametrize("feature", IN_NAMES)
def test_a_module_with_its_name_is_there(feature: str) -> None:
    files, _ = FEATURES[feature]
    paths = [module.path for module in modules().values() if module.path.name != "__init__.py"]
    named = {
        str(path.relative_to(PACKAGE)) for path in paths if re.search(IN_NAMES[feature], path.stem)
    }
    assert named
    folders = tuple(path for path in files if path.endswith("/"))
    missing = {path for path in named - NO_ZONES_OF_DNS if not path.startswith(folders)}
    assert missing - {*files} == set()
