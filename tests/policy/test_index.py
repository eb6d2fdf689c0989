"""The compiled index against the slowest matcher that is obviously right."""

from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import names
from resolver.lists.index import Hit, Index, build
from resolver.lists.rules import Rule

LABELS = st.sampled_from([b"a", b"b", b"ab", b"a.b", b"\x01a", b"\x00"])
"""Few, so that names often match; some look like two labels, or like a length and a label."""


def wire(labels: list[bytes]) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\x00"


NAMES = st.lists(LABELS, max_size=4).map(wire)
RULES = st.builds(Rule, NAMES, st.booleans(), st.booleans(), st.integers(1, 2**31))
LISTS = st.lists(st.lists(RULES, max_size=12), max_size=3)


def covers(rule: Rule, name: bytes) -> bool:
    above, below = names.labels(rule.name), names.labels(name)
    if not rule.subtree:
        return above == below
    return len(above) <= len(below) and below[len(below) - len(above) :] == above


@given(LISTS, NAMES)
def test_every_rule_that_covers_a_name_is_found_and_no_other(
    lists: list[list[Rule]], name: bytes
) -> None:
    expected = [
        Hit(source, rule.line, names.index_key(rule.name), rule.subtree, rule.exception)
        for source, rules in enumerate(lists)
        for rule in rules
        if covers(rule, name)
    ]
    found = Index(*build(lists)).match(name)
    assert sorted(found) == sorted(expected)
    depths = [len(names.labels(hit.name)) for hit in found]
    assert depths == sorted(depths)


@given(LISTS)
def test_the_same_lists_give_the_same_octets(lists: list[list[Rule]]) -> None:
    assert build(lists) == build([list(rules) for rules in lists])
