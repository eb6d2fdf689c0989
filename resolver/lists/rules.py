"""What a list says, as values: a rule, a line that was no rule, a whole list.

A rule is read from one text, in the adblock domain syntax or as a bare name (an
``allow`` or ``deny`` entry of the config), and is a name with three facts beside it.
A text that is no rule is data, not a failure: reading it gives the reason, in words
for the network's operator, who will fix the line or leave it.

What must stay true:
- Reading never raises, whatever the text, and takes time linear in its length.
- A rule's name holds letters, digits, hyphens and underscores only, and no label
  that a user could not ask for by typing it.
- ``read_rule(rule.text, rule.line)`` is the rule again.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import NamedTuple

from resolver.dns import names

_HOST = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}")
"""A name that needs no closer look, which is nearly every name of a list."""
_LONGEST_HOST = names.MAX_NAME - 2
_STRANGE = re.compile(r"[^\w.\-\u0080-\U0010ffff]", re.ASCII)
_NUMBER_AT_END = re.compile(r"(?:^|\.)[0-9]+\.?$")
_REASONS = {
    " ": "a space stands inside the name",
    "\t": "a tab stands inside the name",
    "*": "a wildcard; '||example.com^' covers a name and all below it",
    "/": "a path or an address of a page; a rule holds a name alone",
    ":": "a port or an IPv6 address; a rule holds a name alone",
}


class Rule(NamedTuple):
    """One name that a list blocks, or lets pass.

    Attributes:
        name: Lower-case wire name, as in ``resolver.dns.names``.
        subtree: True for the name and all below it, False for the name alone.
        exception: True where the rule lifts blocks of its own list.
        line: Where it stands, from 1.
    """

    name: bytes
    subtree: bool
    exception: bool
    line: int

    @property
    def text(self) -> str:
        """The rule in adblock syntax, for example ``||telegram.org^``."""
        mark = "@@" if self.exception else ""
        return f"{mark}{'||' if self.subtree else '|'}{names.text(self.name)}^"


class SkippedLine(NamedTuple):
    """A line that was not used: where it stands, what it says (shortened) and why not."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class BlockList:
    """A list as read: what its headers say, its rules, and the lines that gave none.

    Attributes:
        service: The file's stem, for example ``telegram``.
        file: Where it was read from.
        title: What people call the service.
        persian: What they call it in Persian; may be empty.
        category: The group it belongs to, for example ``messenger``.
        source: What the list rests on; several sources are separated by ``; ``.
        reviewed: When a person last went through it.
        answer: Empty for the policy's own answer, or ``nxdomain``: canary names keep
            their meaning only with NXDOMAIN, whatever a policy answers elsewhere.
        name: What the config calls it; empty for a file of a directory of lists.
        sha256: Of its text; empty for a list that is fetched.
        rules: In the file's order, none twice.
        skipped: In the file's order.
    """

    service: str
    file: str
    title: str = ""
    persian: str = ""
    category: str = ""
    source: str = ""
    reviewed: dt.date | None = None
    answer: str = ""
    name: str = ""
    sha256: str = ""
    rules: tuple[Rule, ...] = ()
    skipped: tuple[SkippedLine, ...] = ()


def count_blocking(read: BlockList) -> int:
    """How many rules of a list block."""
    return sum(not rule.exception for rule in read.rules)


def read_rule(text: str, line: int) -> Rule | str:
    """Read one rule.

    Args:
        text: ``||name^`` (the name and all below it), ``|name^`` (the name alone), either
            with ``@@`` before it (an exception), or a bare name, read like ``||name^``.
        line: The line to put into the rule.

    Returns:
        The rule, or the reason why the text is none.
    """
    exception = text.startswith("@@")
    pattern = text.removeprefix("@@")
    if not pattern.startswith("|"):
        return "'@@' needs '||' or '|' after it" if exception else _bare(text, line)
    subtree = pattern.startswith("||")
    name = _enclosed(pattern[2:] if subtree else pattern[1:])
    return name if isinstance(name, str) else Rule(name, subtree, exception, line)


def _bare(text: str, line: int) -> Rule | str:
    name = read_name(text)
    return name if isinstance(name, str) else Rule(name, True, False, line)


def _enclosed(pattern: str) -> bytes | str:
    """What stands between the bars and the caret, with nothing after it."""
    text, caret, rest = pattern.partition("^")
    if "$" in pattern:
        return "modifiers ('$...') are not read; a rule holds a name alone"
    if "|" in text:
        return "too many '|' before the name"
    if not caret:
        return _unfit(text) or "'^' is missing after the name"
    # the end of an address of a page ('|') is the end of its host name as well
    return read_name(text) if rest in ("", "|") else "text stands after '^'"


def read_name(text: str) -> bytes | str:
    """The name that a text holds and nothing else, or the reason why it holds none."""
    if _HOST.fullmatch(text) and len(text) <= _LONGEST_HOST:
        return names.parse_host(text)
    if reason := _unfit(text):
        return reason
    try:
        name = names.parse(text)
    except names.InvalidName as error:
        return str(error)
    # the mapping of IDNA (RFC 5895) can turn one letter into several, or into digits
    return name if text.isascii() else _unfit(names.text(name)) or name


def _unfit(text: str) -> str | None:
    """Why no name can look like this, for what the parser of names would let pass."""
    if not text:
        return "the name is empty"
    if len(text) > names.MAX_NAME:
        return f"the name is longer than {names.MAX_NAME} octets"
    if strange := _STRANGE.search(text):
        char = strange.group()
        return _REASONS.get(char, f"{char!r} cannot stand in a host name")
    if _NUMBER_AT_END.search(text):
        return "an IP address; a rule holds a name"
    return None
