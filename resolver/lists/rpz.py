"""Response policy zones (RPZ), in the form of a zone file.

``name CNAME .`` answers that there is no such name, ``CNAME *.`` that it has no data: both
block, and the policy says how a block is answered. ``*.name`` covers the names below a name
and not the name itself; with both in the zone, which is usual, the rule is for the name and all
below. ``CNAME rpz-passthru.`` is an exception. The longest match decides. Other actions
(data of its own, dropping, TCP only) and other triggers (addresses, name servers) are skipped.

In BIND and Unbound a wildcard covers nothing below a name that the zone has (RFC 4592). So an
exception covers the names below it too, unless ``*.name`` has an action. Names below a blocked
name are blocked by the wildcard all the same: authors do not mean them to pass.

Owners are relative to the zone. Its own name is known only from ``$ORIGIN``, or from the owner of
the SOA if that is absolute or below ``$ORIGIN .``.
"""

import re
from typing import NamedTuple

from resolver.dns import names
from resolver.lists.list_reader import ListReader

_CLASSES = ("in", "ch", "hs", "any")
_FRAME = ("soa", "ns")
_BLOCKING = (".", "*.")
_PASSTHRU = "rpz-passthru."
_OTHER_ACTIONS = ("rpz-drop.", "rpz-tcp-only.")
_OTHER_TRIGGERS = (".rpz-ip", ".rpz-client-ip", ".rpz-nsdname", ".rpz-nsip")
_TTL = re.compile(r"[0-9][0-9smhdwSMHDW]*")


class _Action(NamedTuple):
    line: int
    exception: bool


class RpzReader(ListReader):
    """Reads a zone."""

    longest_match = True

    def __init__(self) -> None:
        super().__init__()
        self._apex: str | None = None
        """The zone's own name, lower-case, without the final dot."""
        self._origin: str | None = ""
        """What owners are relative to, itself relative to the zone; None outside of it."""
        self._has_records = False
        """Whether there was a record; until then an origin is the zone's own name."""
        self._owner = "@"
        self._in_parentheses = False
        self._exact: dict[str, _Action] = {}
        """Actions for names themselves."""
        self._below: dict[str, _Action] = {}
        """Actions for all names below: of ``*.name``."""

    def content(self, line: str) -> str:
        """The line with the space before it, which means "the same owner"."""
        return line.partition(";")[0].rstrip()

    def take(self, text: str, line: int) -> str | None:
        """Take a record or a directive; the reason where the line is skipped."""
        if self._in_parentheses:  # the numbers of the SOA
            self._in_parentheses = ")" not in text
            return None
        words = text.lower().split()
        if text.startswith("$"):
            return self._directive(words)
        self._has_records = True
        if not text[0].isspace():
            self._owner = words.pop(0)
        while words and (words[0] in _CLASSES or _TTL.fullmatch(words[0])):
            words.pop(0)
        if not words:
            return "no record on the line"
        if words[0] in _FRAME:
            self._in_parentheses = "(" in text and ")" not in text
            if words[0] == "soa":
                self._read_apex()
            return None
        return self._action(words, line)

    def _read_apex(self) -> None:
        """Take the zone's own name from the SOA's owner, if it is absolute or below the root."""
        if self._owner.endswith("."):
            self._apex = self._owner[:-1]
        elif self._apex == "" and self._owner != "@":  # ``$ORIGIN .`` was before
            self._apex, self._origin = self._owner, None

    def _directive(self, words: list[str]) -> str | None:
        if words[0] == "$ttl":
            return None
        if words[0] != "$origin" or len(words) != 2:
            return f"'{words[0]}' is not read"
        if not self._has_records and words[1].endswith("."):
            self._apex = words[1][:-1]
        self._origin = self._relative(words[1])
        return "an origin outside the zone" if self._origin is None else None

    def _relative(self, name: str) -> str | None:
        """A name relative to the zone; None where it is outside."""
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
        """Keep the action for the end, since that of ``*.name`` may follow."""
        name = self._relative(self._owner)
        if not name:
            return "no name of the zone before the record"
        if name.endswith(_OTHER_TRIGGERS):
            trigger = name.rpartition(".")[2]
            return f"the trigger {trigger}: only names of queries are read"
        if words[0] != "cname" or len(words) != 2:
            return f"data of its own ('{words[0]}'): not a block"
        target = words[1]
        if target in _OTHER_ACTIONS:
            return f"the action {target[:-1]} is neither a block nor an exception"
        if target not in (*_BLOCKING, _PASSTHRU):
            return f"a redirect to '{target}' is neither a block nor an exception"
        below = name.startswith("*.")
        action = _Action(line, target == _PASSTHRU)
        kept = self._below if below else self._exact
        first = kept.setdefault(name[2 * below :], action)
        return None if first is action else f"line {first.line} has an action for the name already"

    def end(self) -> None:
        """Make rules of the actions."""
        exceptions = {name: action for name, action in self._exact.items() if action.exception}
        self._below = exceptions | self._below
        # Shorter names first: a wildcard that is refused decides nothing below it.
        for name in sorted(self._exact.keys() | self._below.keys(), key=len):
            exact, below = self._exact.get(name), self._below.get(name)
            self._add_name(name, exact, below)

    def _add_name(self, name: str, exact: _Action | None, below: _Action | None) -> None:
        """Add the rules of a name; without an action of its own, ``*.`` of a zone above decides."""
        if below is not None:
            line = below.line
            if exact is not None and exact.exception == below.exception:
                line = min(exact.line, line)
            if not self._add(name, line, subtree=True, exception=below.exception):
                del self._below[name]
            exact = exact or self._above(name)
            if exact is None and not below.exception:
                self._add(name, below.line, subtree=False, exception=True)
            if exact is None or exact.exception == below.exception:
                return
        if exact is not None:
            self._add(name, exact.line, subtree=False, exception=exact.exception)

    def _above(self, name: str) -> _Action | None:
        """The action of the nearest zone above that has one for the names below it."""
        _, dot, zone = name[-names.MAX_NAME :].partition(".")
        while dot:
            if action := self._below.get(zone):
                return action
            _, dot, zone = zone.partition(".")
        return None

    def _add(self, name: str, line: int, *, subtree: bool, exception: bool = False) -> bool:
        """Add a rule, or skip its line; whether the rule was added."""
        reason = self.add(name, line, subtree=subtree, exception=exception)
        if reason:
            self.skip(line, name, reason)
        return not reason
