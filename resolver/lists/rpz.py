"""Response policy zones (RPZ), in the form of a zone file.

``name CNAME .`` answers that there is no such name, ``CNAME *.`` that it has no data: both
block, and the policy says how a block is answered. ``*.name`` covers what lies below a name
and not the name; with both in the zone, as lists have it, the rule is for the name and all
below. ``CNAME rpz-passthru.`` is an exception. Other actions (data of its own, dropping, TCP
only) and other triggers (addresses, name servers) are not for this resolver: skipped.

Owners are relative to the zone, whose own name only an absolute SOA owner or ``$ORIGIN`` tells.
"""

import re
from typing import NamedTuple

from resolver.lists.reading import RuleCollector
from resolver.lists.rules import BlockList

_CLASSES = ("in", "ch", "hs", "any")
_FRAME = ("soa", "ns")
_BLOCKING = (".", "*.")
_PASSTHRU = "rpz-passthru."
_OTHER_TRIGGERS = (".rpz-ip", ".rpz-client-ip", ".rpz-nsdname", ".rpz-nsip")
_TTL = re.compile(r"[0-9][0-9smhdwSMHDW]*")


def read(text: str, service: str, file: str) -> BlockList:
    """Read a whole zone."""
    zone = _Zone()
    for line, content in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        said = content.partition(";")[0].rstrip()
        if said and (reason := zone.take(said, line)):
            zone.skip(line, content.strip(), reason)
    zone.end()
    return zone.block_list(service, file)


class _Action(NamedTuple):
    line: int
    exception: bool


class _Zone(RuleCollector):
    """What the lines so far have said."""

    def __init__(self) -> None:
        super().__init__()
        self._apex: str | None = None
        """The zone's own name, lower-case, without the final dot."""
        self._origin: str | None = ""
        """What owners are relative to, itself relative to the zone; None outside of it."""
        self._begun = False
        """Whether there was a record; until then an origin is the zone's own name."""
        self._owner = "@"
        self._in_parentheses = False
        self._alone: dict[str, _Action] = {}
        """What becomes of names."""
        self._below: dict[str, _Action] = {}
        """What becomes of all below names: of ``*.name``."""

    def take(self, said: str, line: int) -> str | None:
        """Take a line; the reason where it gives no rule and should."""
        if self._in_parentheses:  # of the SOA, where the numbers are
            self._in_parentheses = ")" not in said
            return None
        words = said.lower().split()
        if said.startswith("$"):
            return self._directive(words)
        self._begun = True
        if not said[0].isspace():
            self._owner = words.pop(0)
        while words and (words[0] in _CLASSES or _TTL.fullmatch(words[0])):
            words.pop(0)
        if not words:
            return "no record on the line"
        if words[0] in _FRAME:
            self._in_parentheses = "(" in said and ")" not in said
            if words[0] == "soa" and self._owner.endswith("."):
                self._apex = self._owner[:-1]
            return None
        return self._action(words, line)

    def _directive(self, words: list[str]) -> str | None:
        if words[0] == "$ttl":
            return None
        if words[0] != "$origin" or len(words) != 2:
            return f"'{words[0]}' is not read"
        if not self._begun and words[1].endswith("."):
            self._apex = words[1][:-1]
        self._origin = self._relative(words[1])
        return "an origin outside the zone" if self._origin is None else None

    def _relative(self, name: str) -> str | None:
        """A name relative to the zone, or None where it lies outside."""
        if name == "@":
            return self._origin
        if not name.endswith("."):
            if self._origin is None:
                return None
            return f"{name}.{self._origin}" if self._origin else name
        if name[:-1] == self._apex:
            return ""
        suffix = f".{self._apex}."
        return name.removesuffix(suffix) if name.endswith(suffix) else None

    def _action(self, words: list[str], line: int) -> str | None:
        """Keep the action of a name for the end, where it may have met that of ``*.name``."""
        name = self._relative(self._owner)
        if not name:
            return "no name of the zone before the record"
        if name.endswith(_OTHER_TRIGGERS):
            return "the trigger is no name that is asked for"
        if words[0] != "cname" or len(words) != 2:
            return f"data of its own ('{words[0]}'): not a block"
        target = words[1]
        if target not in (*_BLOCKING, _PASSTHRU):
            return f"the action '{target}' is neither a block nor an exception"
        below = name.startswith("*.")
        action = _Action(line, target == _PASSTHRU)
        kept = self._below if below else self._alone
        first = kept.setdefault(name[2 * below :], action)
        return None if first is action else f"line {first.line} has an action for the name already"

    def end(self) -> None:
        """Make rules of what becomes of names and of those below them."""
        for name in self._alone.keys() | self._below.keys():
            alone, below = self._alone.get(name), self._below.get(name)
            self._rules(name, alone, below)

    def _rules(self, name: str, alone: _Action | None, below: _Action | None) -> None:
        if below is not None and not below.exception:
            line = below.line if alone is None or alone.exception else min(alone.line, below.line)
            self._rule(name, line, subtree=True)
            if alone is None or alone.exception:
                self._rule(name, (alone or below).line, subtree=False, exception=True)
            return
        if below is not None and alone is not None and alone.exception:
            line = min(alone.line, below.line)
            self._rule(name, line, subtree=True, exception=True)
            return
        if below is not None:
            reason = "an exception for what lies below a name and not for the name"
            self.skip(below.line, name, reason)
        if alone is not None:
            self._rule(name, alone.line, subtree=False, exception=alone.exception)

    def _rule(self, name: str, line: int, *, subtree: bool, exception: bool = False) -> None:
        if reason := self.read(name, line, subtree=subtree, exception=exception):
            self.skip(line, name, reason)
