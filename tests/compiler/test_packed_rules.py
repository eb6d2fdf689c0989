"""Packed rules are the rules of their list, and tell the same of them."""

from hypothesis import given
from hypothesis import strategies as st

from resolver.compiler.packed_rules import PackedRules, RuleFacts, packed
from resolver.dns import names
from resolver.lists.adblock import AdblockReader
from resolver.lists.rpz import RpzReader
from resolver.lists.rules import BlockList, Rule, count_blocking
from resolver.policy.policy_hash import rules_digest

LABEL = st.sampled_from([b"a", b"b", b"ab", b"\n", b"\x00", b"a" * 63])
NAME = st.lists(LABEL, max_size=3).map(
    lambda labels: b"".join(bytes([len(label)]) + label for label in labels) + b"\x00"
)
RULES = st.lists(st.builds(Rule, NAME, st.booleans(), st.booleans(), st.integers(1, 2**32 - 1)))


@given(RULES)
def test_packed_rules_are_the_rules(rules: list[Rule]) -> None:
    found = PackedRules.of(rules, 0)
    assert len(found) == len(rules)
    in_order = sorted(rules, key=lambda rule: (rule.line, names.index_key(rule.name)))
    assert list(found) == in_order
    assert all(rule in found for rule in rules)
    assert Rule(b"\x01x\x00", True, False, 1) not in found
    again = PackedRules(found.octets, found.facts)
    assert list(again) == in_order


@given(RULES)
def test_the_keys_are_in_order_as_a_whole_and_in_part(rules: list[Rule]) -> None:
    found = PackedRules.of(rules, 0)
    keys = found.keys()
    assert keys == sorted(names.index_key(rule.name) for rule in rules)
    assert [found.key(index) for index in range(len(keys))] == keys
    half = len(keys) // 2
    assert found.keys(slice(half)) + found.keys(slice(half, None)) == keys


@given(RULES)
def test_equal_rules_have_equal_octets(rules: list[Rule]) -> None:
    assert PackedRules.of(rules, 0).octets == PackedRules.of(list(rules), 0).octets
    more = [*rules, Rule(b"\x01x\x00", True, False, 1)]
    assert PackedRules.of(rules, 0).octets != PackedRules.of(more, 0).octets


ADBLOCK = "||a.example^\n@@||b.a.example^\n||c.a.example^\n@@||c.a.example^\n|d.example^"
RPZ = "@ SOA a b 1 2 3 4 5\n*.a.example CNAME .\nb.a.example CNAME rpz-passthru."


def _told(read: BlockList) -> RuleFacts:
    exceptions = {rule.name for rule in read.rules if rule.exception}
    return RuleFacts(count_blocking(read), rules_digest(read.rules), tuple(sorted(exceptions)))


def test_what_is_known_of_packed_rules_is_what_the_rules_say() -> None:
    for read in (AdblockReader.read(ADBLOCK, "a", "a.txt"), RpzReader.read(RPZ, "a", "a.zone")):
        assert packed(read).facts == _told(read)
        assert _told(read).exceptions
