"""Rules, skipped lines and whole lists, as values.

A rule is read from a text in the adblock domain syntax, or from a bare name (an ``allow`` or
``deny`` entry of the config). A text that is no rule does not raise: reading it gives the
reason, in words for the operator, who may correct the line.

What must stay true:
- Reading never raises, whatever the text, and takes time linear in its length.
- A rule's name has only letters, digits, hyphens and underscores, and no label that a user
  could not ask for by typing it.
- ``read_rule(rule.text, rule.line)`` is the rule again.
"""

import datetime as dt
import re
from abc import abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, NamedTuple

from resolver.dns import names
from resolver.system.english import count_text

_HOST = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}")
"""A name that needs no further checks, as nearly every name of a list."""
_MAX_HOST = names.MAX_NAME - 2
_NOT_IN_NAME = re.compile(r"[^\w.\-\u0080-\U0010ffff]", re.ASCII)
_NUMBER_AT_END = re.compile(r"(?:^|\.)[0-9]+\.?$")
_REASONS = {
    " ": "a space inside the name",
    "\t": "a tab inside the name",
    "*": "a wildcard; '||example.com^' covers a name and all below it",
    "/": "a path or an address of a page; a rule has only a name",
    ":": "a port or an IPv6 address; a rule has only a name",
}


class Rule(NamedTuple):
    """A name that a list blocks or permits.

    Attributes:
        name: Lower-case wire name, as in ``resolver.dns.names``.
        subtree: True for the name and all below it, False for the name alone.
        exception: True where the rule permits what its own list blocks.
        line: Its line in the file, from 1.
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


class CountedRules(Collection[Rule]):
    """Rules of which not all have to be read to know how many block."""

    @property
    @abstractmethod
    def blocking(self) -> int:
        """How many block, after the exceptions among them."""


class SkippedLine(NamedTuple):
    """A line that was not used: its number, its text (shortened) and the reason."""

    line: int
    text: str
    reason: str


class Range(NamedTuple):
    """Addresses of a service or of a filter, and the line that has them, from 1."""

    network: IPv4Network | IPv6Network
    line: int
    meaning: str = ""
    """The comment behind it: what an address of a filter stands for."""


@dataclass(frozen=True, slots=True)
class BlockList:
    """A list as read: its headers, its rules, and the lines that were skipped.

    Attributes:
        service: The file's stem, for example ``telegram``.
        file: Where it was read from.
        title: What people call the service.
        persian: What they call it in Persian; may be empty.
        category: The group it belongs to, for example ``messenger``.
        source: The evidence for its names; several sources are separated by ``; ``.
        reviewed: When a person last checked it.
        answer: Empty for the policy's own answer, or ``nxdomain``: canary names keep
            their meaning only with NXDOMAIN, whatever a policy answers elsewhere.
        name: Its name in the config; empty for a file of a directory of lists.
        sha256: Of its content; empty for a list that is fetched.
        copy: The SHA-256 of the copy, for a list that is fetched.
        rules: In the file's order, none twice.
        ranges: Of addresses, in the file's order, none twice; a list has rules or ranges.
        skipped: In the file's order.
        longest_match: Whether an exception cancels only rules that are no more specific.
        for_firewalls: Whether its ranges are for firewalls alone: no answer is judged by them.
        of_filter: Whether its ranges are the addresses of a filter on the path: it is no list of a
            service, and blocks nothing.
        refused: Rules that would block protected names (see ``guard``), each with the reason, and
            such names below the rules that are used.
        fallback: Whether it is an older copy, since the newest that was fetched is damaged.
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
    rules: Collection[Rule] = ()
    ranges: tuple[Range, ...] = ()
    skipped: tuple[SkippedLine, ...] = ()
    refused: tuple[tuple[Rule, str], ...] = ()
    fallback: bool = False
    copy: str = ""
    longest_match: bool = False
    for_firewalls: bool = False
    of_filter: bool = False


@dataclass(frozen=True, slots=True)
class HeldChange:
    """A change of a fetched list that is too large to be used before a person accepts it."""

    before: int
    """The names that the copy in use blocks."""
    after: int
    coming: int
    going: int
    first_coming: list[str]
    """The first names that the copy does not block."""
    first_going: list[str]

    @staticmethod
    def from_json(plain: Any) -> "HeldChange | None":  # noqa: ANN401 - JSON has any shape
        """What ``asdict`` made of a change, or None."""
        return HeldChange(**plain) if plain else None

    def __str__(self) -> str:
        coming = count_text(self.coming, "comes", "come")
        going = count_text(self.going, "goes", "go")
        after = count_text(self.after, "name")
        return f"{after} instead of {self.before:,}: {coming}, {going}"


def count_blocking(read: BlockList) -> int:
    """How many rules and ranges of a list block, after its own exceptions."""
    rules = read.rules
    if isinstance(rules, CountedRules):
        return rules.blocking + len(read.ranges)
    return sum(1 for _ in blocking_rules(read)) + len(read.ranges)


def blocking_rules(read: BlockList) -> Iterator[Rule]:
    """The rules of a list that block their own names, as ``policy.judge`` reads exceptions."""
    exact = {(rule.name, rule.subtree) for rule in read.rules if rule.exception}
    above = {name for name, subtree in exact if subtree and not read.longest_match}
    for rule in read.rules:
        if rule.exception or (rule.name, False) in exact or (rule.name, rule.subtree) in exact:
            continue
        if not above or above.isdisjoint(names.zones(rule.name)):
            yield rule


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
    alone = pattern.startswith("|") and not pattern.startswith("||")
    if pattern.startswith("|"):
        name = _enclosed(pattern[1 if alone else 2 :])
    else:
        name = "'@@' needs '||' or '|' after it" if exception else read_name(text)
    return name if isinstance(name, str) else Rule(name, not alone, exception, line)


def _enclosed(pattern: str) -> bytes | str:
    """The name between the bars and the caret, with nothing after the caret."""
    text, caret, rest = pattern.partition("^")
    if "$" in pattern:
        return "modifiers ('$...') are not supported; a rule has only a name"
    if "|" in text:
        return "too many '|' before the name"
    if not caret:
        return _invalid(text) or "'^' is missing after the name"
    # '|' means the end of a URL, and so of its host name
    return read_name(text) if rest in ("", "|") else "text after '^'"


def read_name(text: str) -> bytes | str:
    """The name that a text is, or the reason why it is none."""
    if _HOST.fullmatch(text) and len(text) <= _MAX_HOST:
        return names.parse_host(text)
    if reason := _invalid(text):
        return reason
    try:
        name = names.parse(text)
    except names.InvalidName as error:
        return str(error)
    # the mapping of IDNA (RFC 5895) can turn one letter into several, or into digits
    return name if text.isascii() else _invalid(names.text(name)) or name


def _invalid(text: str) -> str | None:
    """Why no name can look like this, where the parser of names would accept it."""
    if not text:
        return "the name is empty"
    if len(text) > names.MAX_NAME:
        return f"the name is longer than {names.MAX_NAME} octets"
    if "://" in text:
        return "a URL; a rule has only a name, the host of the URL"
    if other := _NOT_IN_NAME.search(text):
        char = other.group()
        return _REASONS.get(char, f"{char!r} cannot be in a host name")
    if _NUMBER_AT_END.search(text):
        return "an IP address; a rule has a name"
    return None
