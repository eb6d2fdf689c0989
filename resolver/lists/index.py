"""The compiled index: every rule of every list, found by the name that it stands at.

A trie holds the rules' names as index keys (labels from the right, each with its length),
so one walk along the question's key meets every rule at it or above it, longest last. An
array beside the trie holds the rules; both are flat bytes, mapped once from the snapshot's
files and shared by all workers.

What must stay true:
- ``match`` gives every rule that covers the name and no other.
- Building it twice from the same lists gives the same bytes (a snapshot is named by them).
- The bytes are read on the machine that wrote them: words are in its own byte order.
"""

import array
import mmap
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from marisa_trie import BinaryTrie

from resolver.dns import names
from resolver.lists.rules import Rule


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


_SUBTREE = 1
_EXCEPTION = 2


class Index:
    """Rules by name, over flat bytes.

    Of ``rules``, the first words are, for each key of the trie by its id, where the key's
    rules begin (one more word closes the last); then come the rules, two words each: the
    line, and the list's number with two flags.
    """

    def __init__(self, trie: bytes | mmap.mmap, rules: bytes | mmap.mmap) -> None:
        # BinaryTrie.map keeps no reference to what it maps: letting go of it is a crash.
        self._mapped = trie
        self._trie = BinaryTrie().map(trie)
        self._words = memoryview(rules).cast("I")

    def match(self, name: bytes) -> list[Hit]:
        """The rules that cover this name, the most specific last."""
        key = names.index_key(name)
        found = self._trie.prefixes(key)
        return self._hits(found, key) if found else _NONE

    def _hits(self, found: list[bytes], whole: bytes) -> list[Hit]:
        words = self._words
        hits = []
        for key in found:
            place = self._trie.key_id(key)
            for at in range(words[place], words[place + 1], 2):
                line, flags = words[at], words[at + 1]
                if flags & _SUBTREE or key == whole:
                    subtree, exception = flags & _SUBTREE != 0, flags & _EXCEPTION != 0
                    hits.append(Hit(flags >> 2, line, key, subtree, exception))
        return hits


_NONE: list[Hit] = []


def build(lists: Sequence[Iterable[Rule]]) -> tuple[bytes, bytes]:
    """Compile lists into the two buffers that an ``Index`` reads."""
    by_key: dict[bytes, list[tuple[int, int]]] = {}
    for source, rules in enumerate(lists):
        for rule in rules:
            flags = source << 2 | _EXCEPTION * rule.exception | _SUBTREE * rule.subtree
            by_key.setdefault(names.index_key(rule.name), []).append((rule.line, flags))
    trie = BinaryTrie(sorted(by_key))
    keys = sorted(by_key, key=trie.key_id)
    words = array.array("I", [0] * (len(keys) + 1))
    for place, key in enumerate(keys):
        words[place] = len(words)
        for line, flags in by_key[key]:
            words.append(line)
            words.append(flags)
    words[len(keys)] = len(words)
    return trie.tobytes(), words.tobytes()
