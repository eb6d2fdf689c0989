"""Each field of a compiled config says what it decides, or why it decides nothing."""

from typing import Any

from resolver.lists.rules import Rule
from resolver.policy.compiled import CompiledConfig
from resolver.policy.facets import FIELDS, Facet, classes_in, fields_of
from resolver.policy.settings import Settings


def every_field(*begin: Any) -> set[str]:  # noqa: ANN401 - classes
    """All fields of these classes, and of what is in the fields that are compared."""
    found: set[str] = set()
    left, seen = [*begin], set[Any]()
    while left:
        kind = left.pop()
        seen.add(kind)
        for name, hint in fields_of(kind).items():
            field = f"{kind.__name__}.{name}"
            found.add(field)
            if field in FIELDS and not FIELDS[field].not_compared:
                left += [item for item in classes_in(hint) if item not in seen]
    return found


def test_each_field_has_a_row() -> None:
    assert every_field(CompiledConfig, Settings, Rule) == FIELDS.keys()


def test_a_field_that_decides_nothing_has_a_reason() -> None:
    without = [text for text, row in FIELDS.items() if not row.facets and not row.not_compared]
    assert without == []


def test_each_facet_is_used() -> None:
    used = Facet(0)
    for row in FIELDS.values():
        used |= row.facets
    assert used == ~Facet(0)
