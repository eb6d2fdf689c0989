"""Block lists compiled into the two buffers that a ``policy.index.Index`` reads."""

import array
import itertools
import zlib
from collections.abc import Iterable, Mapping, Sequence

from marisa_trie import BinaryTrie

from resolver.dns import names
from resolver.lists.rules import Rule
from resolver.policy.index import EXCEPTION, MIXED, RULE, SUBTREE, UNKNOWN, WORD, table_size


def build(lists: Sequence[Iterable[Rule]]) -> tuple[bytes, bytes]:
    """Compile lists into the two buffers that an ``Index`` reads."""
    packed = RULE.pack
    by_key: dict[bytes, bytes] = {}
    for source, rules in enumerate(lists):
        for name, subtree, exception, line in rules:
            key = names.index_key(name)
            rule = packed(line, source << 2 | EXCEPTION * exception | SUBTREE * subtree)
            others = by_key.get(key)
            by_key[key] = rule if others is None else others + rule
    # One trie inside another would take a third less, and a look-up two thirds more time.
    trie = BinaryTrie(by_key, num_tries=1)
    in_order = [b""] * len(by_key)
    for key, packed_rules in by_key.items():
        in_order[trie.key_id(key)] = packed_rules
    first = len(in_order) + 1
    sizes = (len(each) // WORD for each in in_order)
    words = array.array("I", itertools.accumulate(sizes, initial=first))
    kinds = _table_of_kinds(by_key)
    return trie.tobytes(), b"".join([words.tobytes(), *in_order, kinds.tobytes()])


def _table_of_kinds(by_key: Mapping[bytes, bytes]) -> "array.array[int]":
    """By the hash of a key, of what kind its rule is; keys that share a place must agree."""
    kinds = array.array("H", [UNKNOWN]) * table_size(len(by_key))
    mask = len(kinds) - 1
    for key, rules in by_key.items():
        place = zlib.crc32(key) & mask
        told = RULE.unpack(rules)[1] + 1 if len(rules) == RULE.size else MIXED
        kinds[place] = told if told < MIXED and kinds[place] in (UNKNOWN, told) else MIXED
    return kinds
