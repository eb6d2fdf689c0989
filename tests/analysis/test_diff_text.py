"""The text of what changes for all names: bounded, unless all is asked for."""

import pytest

from resolver.analysis.diff_text import hours_text, name_changes
from resolver.analysis.name_changes import How, NameChange

_SERVICES = [f"service-{number}" for number in range(6)]


def _change(how: How, service: str) -> NameChange:
    return NameChange(how, service, "passed", "blocked", ("staff",), ("office",), 2, ("a.example",))


def _lines(how: How, services: list[str], *, show_all: bool = False) -> list[str]:
    return list(
        name_changes([_change(how, service) for service in services], [], show_all=show_all)
    )


@pytest.mark.parametrize(("how", "sign"), [("stricter", "+"), ("looser", "-")])
def test_many_services_that_change_alike_have_one_line(how: How, sign: str) -> None:
    assert _lines(how, _SERVICES) == [
        f"all names: some become {how}",
        f"  {sign} {how} on staff within office: passed → blocked, 6 services, "
        "12 classes of names (--all: examples)",
        "      service-0 2, service-1 2, service-2 2, service-3 2, service-4 2, service-5 2",
    ]


def test_few_services_and_other_names_have_lines_and_examples_of_their_own() -> None:
    assert len(_lines("otherwise", _SERVICES[:5])) == 1 + 5 * 2
    assert len(_lines("otherwise", [*_SERVICES, ""])) == 1 + 2 + 2
    assert _lines("otherwise", [""])[1:] == [
        "  ~ otherwise on staff within office: passed → blocked, 2 classes of names",
        "      a.example and 1 more",
    ]


def test_each_service_has_a_line_of_its_own_where_all_is_asked_for() -> None:
    lines = _lines("looser", _SERVICES, show_all=True)
    assert [line.rpartition("(")[2].partition(")")[0] for line in lines[1::2]] == _SERVICES


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((), ""),
        (("no hours",), " outside all hours"),
        (
            ("office", "office and night", "no hours"),
            " within office or within office and night or outside all hours",
        ),
    ],
)
def test_the_hours_of_a_change_are_words(states: tuple[str, ...], expected: str) -> None:
    assert hours_text(states) == expected
