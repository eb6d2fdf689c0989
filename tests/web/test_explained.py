"""An explanation in Persian: every heading and every step has its text, with the same values."""

import string
from pathlib import Path

import pytest

from resolver.analysis import step
from resolver.analysis.explanation import Explanation
from resolver.dns import codes, names
from resolver.web.explained import facts
from resolver.web.rendering import messages
from resolver.web.titles import Titles
from tests.web.judged import ALLOWING, HOURLY, engine

PERSIAN = messages("fa")["explanation"]


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_step_has_a_persian_text_with_the_same_values() -> None:
    assert {kind: _fields(text) for kind, text in PERSIAN["steps"].items()} == {
        kind: _fields(text) for kind, text in step.STEPS.items()
    }


def test_every_heading_has_a_persian_text() -> None:
    headings = [field.replace("_", " ") for field in Explanation.__dataclass_fields__]
    assert set(PERSIAN["headings"]) == {*headings, "blocked", "counted"} - {
        "name",
        "type",
        "outcome",
    }


@pytest.mark.parametrize(
    ("change", "who", "name", "cause"),
    [
        (("", ""), "administration", "one.example", "فهرست lists/one.txt، سطر ۴"),
        (
            ("", ""),
            "administration",
            "games.example",
            "(deny) در خط‌مشی administrative",
        ),
        (("", ""), "publicity", "one.example", "هیچ قاعده‌ای از خط‌مشی publicity این نام را در بر"),
        (HOURLY, "administration", "desk.example", "را خارج از ساعات office مسدود می‌کند"),
        (ALLOWING, "publicity", "other.example", "پیش‌فرض خط‌مشی publicity"),
    ],
)
def test_the_cause_in_persian(
    tmp_path: Path, change: tuple[str, str], who: str, name: str, cause: str
) -> None:
    explainer = engine(tmp_path, change=change)
    view = explainer.vlan(who)
    assert view is not None
    found = explainer.for_view(view, names.parse(name), codes.A)
    shown = facts(found, Titles(explainer.compiled, "fa"), "fa", None)
    assert cause in shown["علت"]
    assert facts(found, Titles(explainer.compiled, "en"), "en", None) == found.facts()
