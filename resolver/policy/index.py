"""The compiled index: finds the rules of all lists that cover a name.

A trie holds the names of the rules as index keys (octets in reverse order). One walk along the
key of the question finds all rules at this name and above it, the longest last; a key that ends
inside a label of the question is skipped. An array holds the rules. A table holds the list and the
flags of the rule at a key that has one rule. Most blocks need only these, and to read them costs a
quarter of the time to find the rule. All are flat bytes: each worker maps them from the files of
the snapshot, so all workers share the memory.

What must stay true:
- ``match`` finds every rule that covers the name and no other.
- The same lists give the same bytes: the name of a snapshot is a hash of them.
- The machine that wrote the bytes reads them: words are in its byte order.
"""

import array
import mmap
from bisect import bisect_right
from collections.abc import Callable, Container, Iterator
from itertools import islice, pairwise
from typing import Final, NamedTuple
from zlib import crc32

from marisa_trie import BinaryTrie

from resolver.dns import names


class RuleMatch(NamedTuple):
    """A rule that covers a name."""

    source: int
    """The index of its list."""
    line: int
    key: bytes
    """The index key of the rule's name."""
    subtree: bool
    exception: bool

    @property
    def name(self) -> bytes:
        """The name of the rule."""
        return names.from_index_key(self.key)


SUBTREE: Final = 1
EXCEPTION: Final = 2
WORD: Final = 4
"""Octets. A rule has two words: its line; its list and its flags."""
UNKNOWN: Final = 0
MIXED: Final = 0xFFFF
"""Entries of the table: for no key; for keys with several rules, or with rules that differ."""


class Index:
    """Rules by name, over flat bytes.

    ``rules`` has three parts. The first has a word for each key of the trie, by the id of the
    key: the word at which the rules of this key begin. One more word marks the end of the last.
    The second part has the rules, two words each: the line; the number of the list with two
    flags. The third is this table. It has half words by the hash of a key: the second
    word of the key's rule, plus one.
    """

    def __init__(self, trie: bytes | mmap.mmap, rules: bytes | mmap.mmap) -> None:
        # BinaryTrie.map keeps no reference to its buffer: without this one it would crash.
        self.buffers = trie, rules
        self._trie = BinaryTrie().map(trie)
        octets = memoryview(rules)
        self._words = words = octets.cast("I")
        table = octets[words[len(self._trie)] * WORD :].cast("H")
        if len(table) not in (0, table_size(len(self._trie))):
            raise ValueError("the index is not whole")
        # The last good snapshot may be of a version without a table.
        self._table = table if len(table) else memoryview(array.array("H", [MIXED]))
        self._mask = len(self._table) - 1
        self.keys: Callable[[bytes], list[bytes]] = self._trie.prefixes
        """The keys of rules that are prefixes of the index key of a name; the longest is last.

        The longest key determines the others. So one verdict serves for the name of the longest
        key, and one for all names below it; unless the key ends inside a label.
        """

    def list_and_flags(self, key: bytes) -> int:
        """The list and the flags of the one rule at a key, in one number (see ``rule_match``).

        -1 if the key has several rules. The key must have at least one.
        """
        stored = self._table[crc32(key) & self._mask]
        if stored != MIXED:
            return stored - 1
        words = self._words
        key_id = self._trie.key_id(key)
        at = words[key_id]
        return words[at + 1] if words[key_id + 1] == at + 2 else -1

    def line(self, key: bytes, source: int, subtree: bool) -> int:
        """The first line of a list that blocks the name of a key, or its whole subtree."""
        words = self._words
        key_id = self._trie.key_id(key)
        wanted = source << 2 | (SUBTREE if subtree else 0)
        rules = range(words[key_id], words[key_id + 1], 2)
        return min([words[at] for at in rules if words[at + 1] == wanted])

    def match(self, name: bytes) -> list[RuleMatch]:
        """The rules that cover this name; the most specific is last."""
        keys = self.keys(names.index_key(name))
        return self._found([key for key in keys if ends_at_label(key, name)], name)

    def rules_of(self, lists: Container[int]) -> Iterator[RuleMatch]:
        """The rules of some lists, in no particular order."""
        words, keys = self._words, len(self._trie)
        first = keys + 1
        for number, list_and_flags in enumerate(words[first : words[keys]][1::2]):
            if list_and_flags >> 2 in lists:
                at = first + 2 * number
                key = self.key(bisect_right(words, at, 0, first) - 1)
                yield rule_match(key, words[at], list_and_flags)

    def has_rules_at(self, name: bytes) -> bool:
        """Whether a rule has this name."""
        return names.index_key(name) in self._trie

    def all_names(self) -> Iterator[bytes]:
        """The name of each rule, each once, in no particular order."""
        return map(names.from_index_key, self._trie.iterkeys())

    def keys_by_list(self, lists: int) -> list["array.array[int]"]:
        """The ids of the keys of each list, ascending; there are ``lists`` of them."""
        words, keys = self._words, len(self._trie)
        ids = [array.array("I") for _ in range(lists)]
        rules = iter(words[keys + 1 : words[keys]][1::2])
        for key_id, (begin, end) in enumerate(pairwise(words[: keys + 1])):
            for list_and_flags in islice(rules, (end - begin) // 2):
                ids[list_and_flags >> 2].append(key_id)
        return ids

    def key(self, key_id: int) -> bytes:
        """The key with an id."""
        key: bytes = self._trie.restore_key(key_id)
        return key

    def keys_with_prefix(self, prefix: bytes) -> Iterator[bytes]:
        """The keys that begin with some octets, in no particular order."""
        return iter(self._trie.iterkeys(prefix))

    def lists_at(self, key: bytes) -> list[int]:
        """The lists of the rules at a key, which must have at least one."""
        words, key_id = self._words, self._trie.key_id(key)
        return [words[at + 1] >> 2 for at in range(words[key_id], words[key_id + 1], 2)]

    def rules_within(self, zone: bytes) -> Iterator[RuleMatch]:
        """The rules for a zone and for names below it, in no particular order."""
        words = self._words
        for key in self._trie.iterkeys(names.index_key(zone)):
            if names.is_within(names.from_index_key(key), zone):
                key_id = self._trie.key_id(key)
                for at in range(words[key_id], words[key_id + 1], 2):
                    yield rule_match(key, words[at], words[at + 1])

    def _found(self, keys: list[bytes], name: bytes) -> list[RuleMatch]:
        """The rules that cover a name; ``keys`` are the keys that end at a label of it."""
        words, whole = self._words, len(name) - 1
        matches = []
        for key in keys:
            key_id = self._trie.key_id(key)
            for at in range(words[key_id], words[key_id + 1], 2):
                flags = words[at + 1]
                if flags & SUBTREE or len(key) == whole:
                    matches.append(rule_match(key, words[at], flags))
        return matches


def rule_match(key: bytes, line: int, list_and_flags: int) -> RuleMatch:
    """Make a match from the key of a rule and its two words."""
    subtree, exception = list_and_flags & SUBTREE != 0, list_and_flags & EXCEPTION != 0
    return RuleMatch(list_and_flags >> 2, line, key, subtree, exception)


def ends_at_label(key: bytes, name: bytes) -> bool:
    """Whether a prefix of the index key of a name ends between two labels, not inside one."""
    start = len(name) - 1 - len(key)
    at = 0
    while at < start:
        at += 1 + name[at]
    return at == start


def table_size(keys: int) -> int:
    """The number of entries in the table: two to four for each key."""
    return 2 << keys.bit_length()
