"""The rules of a list as octets, sorted by index key.

An index of many lists is made from them without a value for each rule, and they can be kept on
disk. What else the compiler asks of all rules of a list is counted once, when they are packed.

The octets have four parts: the number of rules and their lines, in words; their flags and the
lengths of their keys, in octets; their keys. Words are in the byte order of this machine.
"""

import array
import functools
import hashlib
from collections.abc import Collection, Iterator
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from resolver.dns import names
from resolver.lists.rules import BlockList, CountedRules, Rule, blocking_rules
from resolver.policy.index import EXCEPTION, SUBTREE, WORD
from resolver.policy.policy_hash import rules_digest

_FLAGS: Final = {
    (subtree, exception): (SUBTREE if subtree else 0) | (EXCEPTION if exception else 0)
    for subtree in (False, True)
    for exception in (False, True)
}


_ALL: Final = slice(None)


class RuleFacts(NamedTuple):
    """What is known of rules without a look at each."""

    blocking: int
    """How many block, after the exceptions among them."""
    digest: str
    """What the policy hash has of them (``policy_hash.rules_digest``)."""
    exceptions: tuple[bytes, ...]
    """The names of the exceptions, sorted."""


class PackedRules(CountedRules):
    """The rules of a list; equal rules have equal octets."""

    def __init__(self, octets: bytes, facts: RuleFacts) -> None:
        self.octets = octets
        self.facts = facts
        self.sha256 = hashlib.sha256(octets).hexdigest()
        [self._count] = array.array("I", octets[:WORD])

    @classmethod
    def of(cls, rules: Collection[Rule], blocking: int) -> "PackedRules":
        """Pack rules, of which some block; those with one name stay in their order."""
        in_order = sorted(rules, key=_key)
        keys = [names.index_key(name) for name, _, _, _ in in_order]
        words = array.array("I", [len(keys), *[line for _, _, _, line in in_order]])
        flags = bytes([_FLAGS[subtree, exception] for _, subtree, exception, _ in in_order])
        octets = b"".join([words.tobytes(), flags, bytes(map(len, keys)), *keys])
        exceptions = {name for name, _, exception, _ in in_order if exception}
        facts = RuleFacts(blocking, rules_digest(rules), tuple(sorted(exceptions)))
        return cls(octets, facts)

    @property
    def blocking(self) -> int:
        """As ``CountedRules`` says."""
        return self.facts.blocking

    def lines(self) -> "array.array[int]":
        """The line of each rule, in the order of keys."""
        return array.array("I", self.octets[WORD : self._flags_at])

    def flags(self) -> bytes:
        """The flags of each rule (``policy.index``), in the order of keys."""
        return self.octets[self._flags_at : self._flags_at + self._count]

    def keys(self, of: slice = _ALL) -> list[bytes]:
        """The index key of each rule, or of some, in order."""
        octets, (begin, end, _) = self.octets, of.indices(self._count)
        return [octets[at:to] for at, to in pairwise(self._key_ends[begin : end + 1])]

    def key(self, index: int) -> bytes:
        """The index key of one rule."""
        return self.octets[self._key_ends[index] : self._key_ends[index + 1]]

    @functools.cached_property
    def _key_ends(self) -> "array.array[int]":
        """Where the keys begin, and where the last one ends."""
        lengths = self._flags_at + self._count
        keys = lengths + self._count
        return array.array("I", accumulate(self.octets[lengths:keys], initial=keys))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Rule]:
        """The rules in the order of the file; those of one line in the order of keys."""
        rows = zip(self.lines(), self.keys(), self.flags(), strict=True)
        for line, key, flags in sorted(rows, key=_line):
            yield Rule(
                names.from_index_key(key), flags & SUBTREE != 0, flags & EXCEPTION != 0, line
            )

    def __contains__(self, rule: object) -> bool:
        return any(rule == other for other in self)

    @property
    def _flags_at(self) -> int:
        return WORD * (1 + self._count)


def _key(rule: Rule) -> bytes:
    return names.index_key(rule.name)


def _line(row: tuple[int, bytes, int]) -> int:
    return row[0]


def packed(read: BlockList) -> PackedRules:
    """The rules of a list, packed, whichever form they have."""
    rules = read.rules
    if isinstance(rules, PackedRules):
        return rules
    return PackedRules.of(rules, blocking=sum(1 for _ in blocking_rules(read)))
