"""The compiled index: every rule of every list, found by the name that it stands at.

A trie holds the rules' names as index keys (octets from the right), so one walk along the
question's key meets every rule at it or above it, longest last; a key that ends inside a
label of the question is then passed over. An array beside the trie holds the rules, and a
table tells of what kind the one rule at a key is, which is all that most blocks need and
costs a quarter of finding the rule itself. All are flat bytes, mapped once from the
snapshot's files and shared by all workers.

What must stay true:
- ``match`` gives every rule that covers the name and no other.
- Building it twice from the same lists gives the same bytes (a snapshot is named by them).
- The bytes are read on the machine that wrote them: words are in its own byte order.
"""

import array
import mmap
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from marisa_trie import BinaryTrie

from resolver.dns import names


class Hit(NamedTuple):
    """A rule that covers a name."""

    source: int
    """The list it stands in, by its place among the lists."""
    line: int
    key: bytes
    """The index key of the name that it stands at."""
    subtree: bool
    exception: bool

    @property
    def name(self) -> bytes:
        """The name that it stands at."""
        return names.from_index_key(self.key)


SUBTREE: Final = 1
EXCEPTION: Final = 2
RULE: Final = struct.Struct("=II")
"""A rule's two words: its line, and its list with the flags."""
WORD: Final = 4
UNKNOWN: Final = 0
MIXED: Final = 0xFFFF
"""What the table of kinds says of no key at all, and of several that differ."""


class Index:
    """Rules by name, over flat bytes.

    Of ``rules``, the first words are, for each key of the trie by its id, where the key's
    rules begin (one more word closes the last); then come the rules, two words each: the
    line, and the list's number with two flags; then the table of kinds, half words by the hash
    of a key: one more than the second word of the rule there.
    """

    def __init__(self, trie: bytes | mmap.mmap, rules: bytes | mmap.mmap) -> None:
        # BinaryTrie.map keeps no reference to what it maps: letting go of it is a crash.
        self._mapped = trie
        self._trie = BinaryTrie().map(trie)
        octets = memoryview(rules)
        self._words = words = octets.cast("I")
        table = octets[words[len(self._trie)] * WORD :].cast("H")
        if len(table) not in (0, table_size(len(self._trie))):
            raise ValueError("the index is not whole")
        # The last good snapshot may be one of a version that had no table.
        self._kinds = table if len(table) else memoryview(array.array("H", [MIXED]))
        self._mask = len(self._kinds) - 1
        self.keys: Callable[[bytes], list[bytes]] = self._trie.prefixes
        """The rules' keys that the index key of a name begins with, the longest last.

        The last decides of the others, so that whoever has judged it once, for its own name or
        for names below it, need not look again; unless it ends inside a label.
        """

    def kind(self, key: bytes) -> int:
        """The kind of the one rule at a key: its list, and how it covers (see ``hit``).

        -1 where several rules stand at the key; there must be one at least.
        """
        told = self._kinds[zlib.crc32(key) & self._mask]
        if told != MIXED:
            return told - 1
        words = self._words
        place = self._trie.key_id(key)
        at = words[place]
        return words[at + 1] if words[place + 1] == at + 2 else -1

    def line(self, key: bytes, source: int, subtree: bool) -> int:
        """The first line at which a list blocks the name of a key, or all names below it, too."""
        words = self._words
        place = self._trie.key_id(key)
        kind = source << 2 | (SUBTREE if subtree else 0)
        rules = range(words[place], words[place + 1], 2)
        return min([words[at] for at in rules if words[at + 1] == kind])

    def match(self, name: bytes) -> list[Hit]:
        """The rules that cover this name, the most specific last."""
        keys = self.keys(names.index_key(name))
        return self._found([key for key in keys if ends_at_label(key, name)], name)

    def everything(self) -> Iterator[Hit]:
        """Every rule there is, in no particular order."""
        words = self._words
        for key in self._trie.iterkeys():
            place = self._trie.key_id(key)
            for at in range(words[place], words[place + 1], 2):
                yield hit(key, words[at], words[at + 1])

    def _found(self, keys: list[bytes], name: bytes) -> list[Hit]:
        """The rules that cover a name, of which ``keys`` are all that end at a label of it."""
        words, whole = self._words, len(name) - 1
        hits = []
        for key in keys:
            place = self._trie.key_id(key)
            for at in range(words[place], words[place + 1], 2):
                flags = words[at + 1]
                if flags & SUBTREE or len(key) == whole:
                    hits.append(hit(key, words[at], flags))
        return hits


def hit(key: bytes, line: int, kind: int) -> Hit:
    """A rule, of the words that stand for it."""
    return Hit(kind >> 2, line, key, kind & SUBTREE != 0, kind & EXCEPTION != 0)


def ends_at_label(key: bytes, name: bytes) -> bool:
    """Whether a key that the name's begins with is that of a name, not of half a label."""
    start = len(name) - 1 - len(key)
    at = 0
    while at < start:
        at += 1 + name[at]
    return at == start


def table_size(keys: int) -> int:
    """How many places a table of kinds has: two to four for each key."""
    return 2 << keys.bit_length()
