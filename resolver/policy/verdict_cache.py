"""The verdicts by lists that a view keeps: a verdict depends on the name and the view alone."""

from typing import Final

from resolver.policy.verdict import Verdict

MOST: Final = 4096
"""When a table has this many verdicts, the next one clears it."""


class VerdictCache:
    """Verdicts by the rules that cover a name.

    The longest index key that a name has rules at determines the others. So there are two verdicts
    by that key: for the name of the key, and for all names below it. Where a single rule covers
    the name, another rule of its list with its flags gives the same verdict but for the name of
    the rule: so the lists have few of them.
    """

    __slots__ = ("_at", "_below", "_by_rule")

    def __init__(self) -> None:
        self._at: dict[bytes, Verdict] = {}
        self._below: dict[bytes, Verdict] = {}
        self._by_rule: dict[int, Verdict] = {}

    def of_key(self, key: bytes, whole: bool) -> Verdict | None:
        """The verdict for the name of a key, or for all names below it."""
        return (self._at if whole else self._below).get(key)

    def keep_of_key(self, key: bytes, whole: bool, verdict: Verdict) -> None:
        """Keep that verdict."""
        verdicts = self._at if whole else self._below
        if len(verdicts) >= MOST:
            verdicts.clear()
        verdicts[key] = verdict

    def of_rule(self, list_and_flags: int, whole: bool) -> Verdict | None:
        """The verdict by a single rule with these flags (``Index.list_and_flags``)."""
        return self._by_rule.get(list_and_flags << 1 | whole)

    def keep_of_rule(self, list_and_flags: int, whole: bool, verdict: Verdict) -> None:
        """Keep that verdict."""
        self._by_rule[list_and_flags << 1 | whole] = verdict
