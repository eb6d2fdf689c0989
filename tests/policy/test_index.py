"""The compiled index against the slowest matcher that is obviously right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.compiler import index as compiled_index
from resolver.compiler.packed_rules import PackedRules
from resolver.dns import names
from resolver.lists.rules import Rule
from resolver.policy.index import Index, RuleMatch

LABELS = st.sampled_from([b"a", b"b", b"ab", b"a.b", b"\x01a", b"\x00"])
"""Few, so that names often match; some look like two labels, or like a length and a label."""


def wire(labels: list[bytes]) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\x00"


NAMES = st.lists(LABELS, max_size=4).map(wire)
RULES = st.builds(Rule, NAMES, st.booleans(), st.booleans(), st.integers(1, 2**31))
LISTS = st.lists(st.lists(RULES, max_size=12), max_size=3)


def build(lists: list[list[Rule]]) -> tuple[bytes, bytes]:
    return compiled_index.build([PackedRules.of(rules, len(rules)) for rules in lists])


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
        RuleMatch(source, rule.line, names.index_key(rule.name), rule.subtree, rule.exception)
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


def by_key(lists: list[list[Rule]]) -> dict[bytes, list[tuple[Rule, int]]]:
    """The rules at each key, with their lists."""
    found: dict[bytes, list[tuple[Rule, int]]] = {}
    for source, rules in enumerate(lists):
        for rule in rules:
            found.setdefault(names.index_key(rule.name), []).append((rule, source))
    return found


def list_and_flags(rule: Rule, source: int) -> int:
    return source << 2 | rule.exception << 1 | rule.subtree


@given(LISTS, NAMES)
def test_keys_are_found_by_their_lists_and_by_what_they_begin_with(
    lists: list[list[Rule]], name: bytes
) -> None:
    index, found = Index(*build(lists)), by_key(lists)
    by_list = [sorted(map(index.key, ids)) for ids in index.keys_by_list(len(lists))]
    assert by_list == [sorted(names.index_key(rule.name) for rule in rules) for rules in lists]
    prefix = names.index_key(name)
    below = {key for key in found if key.startswith(prefix)}
    assert sorted(index.keys_with_prefix(prefix)) == sorted(below)
    for key, rules in found.items():
        assert sorted(index.lists_at(key)) == sorted(source for _, source in rules)


@given(LISTS)
def test_the_list_and_flags_at_a_key_are_those_of_its_one_rule(lists: list[list[Rule]]) -> None:
    index = Index(*build(lists))
    for key, rules in by_key(lists).items():
        one = list_and_flags(*rules[0]) if len(rules) == 1 else -1
        assert index.list_and_flags(key) == one


@given(LISTS)
def test_a_rule_s_line_is_the_first_of_those_alike(lists: list[list[Rule]]) -> None:
    index = Index(*build(lists))
    for key, rules in by_key(lists).items():
        for rule, source in rules:
            if not rule.exception:
                same = list_and_flags(rule, source)
                alike = [rule.line for rule, of in rules if list_and_flags(rule, of) == same]
                assert index.line(key, source, rule.subtree) == min(alike)


def test_rules_whose_keys_share_a_hash_are_not_mistaken() -> None:
    wires = [wire([b"%d" % number, b"example"]) for number in range(1000)]
    rules = [Rule(name, number % 2 == 0, False, 1) for number, name in enumerate(wires)]
    index = Index(*build([rules]))
    found = [index.list_and_flags(names.index_key(name)) for name in wires]
    assert found == [list_and_flags(rule, 0) for rule in rules]


def _without_table(rules: bytes, keys: int) -> bytes:
    places = 2 << keys.bit_length()
    return rules[: len(rules) - 2 * places]


@given(LISTS, NAMES)
def test_an_index_of_a_version_without_a_table_finds_the_same(
    lists: list[list[Rule]], name: bytes
) -> None:
    trie, rules = build(lists)
    keys = len({rule.name for group in lists for rule in group})
    older = Index(trie, _without_table(rules, keys))
    assert older.match(name) == Index(trie, rules).match(name)
    newer = Index(trie, rules)
    for found in older.rules_of(range(len(lists))):
        assert older.list_and_flags(found.key) == newer.list_and_flags(found.key)


@pytest.mark.parametrize("lost", [2, 4, 8])
def test_an_index_that_was_cut_off_is_not_taken(lost: int) -> None:
    rules = [Rule(wire([b"%d" % number]), True, False, 1) for number in range(3)]
    trie, octets = build([rules])
    with pytest.raises((ValueError, TypeError)):
        Index(trie, octets[:-lost])
