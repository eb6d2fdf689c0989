"""The one idea of a package is the same in ARCHITECTURE.md and in the package."""

import ast
import re

import pytest

from tests.laws.source_tree import PACKAGE
from tests.live.configs import ROOT

_ROW = re.compile(r"^\| `(\w+)/` \| (.*?) \| ", re.MULTILINE)
IDEAS = dict(_ROW.findall((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")))


def test_the_table_has_each_package() -> None:
    assert set(IDEAS) == {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


@pytest.mark.parametrize("package", IDEAS)
def test_a_package_says_its_idea_as_the_table_begins(package: str) -> None:
    source = (PACKAGE / package / "__init__.py").read_text(encoding="utf-8")
    first, _, _ = (ast.get_docstring(ast.parse(source)) or "").partition("\n")
    said = first.replace("``", "`").rstrip(".")
    assert said
    assert IDEAS[package].startswith(said)
