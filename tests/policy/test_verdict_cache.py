"""The memory of verdicts: what it keeps apart, and its bound."""

from resolver.policy import verdict_cache
from resolver.policy.verdict import PASS, Outcome, Verdict
from resolver.policy.verdict_cache import VerdictCache

BLOCKS = Verdict(Outcome.BLOCKED)


def test_the_name_of_a_key_and_the_names_below_it_are_kept_apart() -> None:
    cache = VerdictCache()
    cache.keep_of_key(b"key", True, BLOCKS)
    assert (cache.of_key(b"key", True), cache.of_key(b"key", False)) == (BLOCKS, None)
    cache.keep_of_key(b"key", False, PASS)
    assert (cache.of_key(b"key", True), cache.of_key(b"key", False)) == (BLOCKS, PASS)


def test_lists_and_flags_are_kept_apart() -> None:
    cache = VerdictCache()
    cache.keep_of_rule(6, True, BLOCKS)
    found = [cache.of_rule(rule, whole) for rule in (5, 6, 7) for whole in (False, True)]
    assert found == [None, None, None, BLOCKS, None, None]


def test_a_full_table_begins_anew() -> None:
    cache, most = VerdictCache(), verdict_cache.MOST
    for number in range(most):
        cache.keep_of_key(b"%d" % number, True, BLOCKS)
    assert cache.of_key(b"0", True) is BLOCKS
    cache.keep_of_key(b"next", True, BLOCKS)
    assert (cache.of_key(b"0", True), cache.of_key(b"next", True)) == (None, BLOCKS)
