"""Few arrows between packages, and none that rests on one or two imports without a reason."""

import re
from collections import defaultdict

from tests.laws.source_tree import PACKAGE, modules, own_imports
from tests.live.configs import ROOT

MOST = 120
THIN = 2
"""Imports of a module by a module."""
_ROW = re.compile(r"^\| (`\w+` to `\w+`(?:, `\w+` to `\w+`)*) \| .", re.MULTILINE)
_ARROW = re.compile(r"`(\w+)` to `(\w+)`")


def arrows() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The imports between packages, by these."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    found: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for module in modules().values():
        for other in own_imports(module):
            if module.part != other.part and {module.part, other.part} <= packages:
                found[module.part, other.part].add((module.name, other.name))
    return found


def test_the_arrows_are_few() -> None:
    assert 60 < len(arrows()) <= MOST


def test_a_thin_arrow_has_its_reason() -> None:
    """Else it is a function in the wrong package."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    reasons = {arrow for row in _ROW.findall(text) for arrow in _ARROW.findall(row)}
    assert reasons == {arrow for arrow, imports in arrows().items() if len(imports) <= THIN}


def test_nothing_is_at_the_root() -> None:
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}
