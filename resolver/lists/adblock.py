"""The adblock domain syntax, as AdGuard Home and Pi-hole read it.

A file is read line by line. Each line is empty, a comment (``!`` or ``#``), a header
(``! Title: Telegram``), a rule (``||name^``, ``|name^``, ``@@||name^``, ``@@|name^``), or
something else. What is something else, or says what cannot be, is kept as a skipped line
with a reason: a rule that is silently dropped lets through what is banned, and a rule
that is guessed at blocks what is exempt. So nothing is guessed; a modifier, a wildcard or
a missing caret could each mean more than the name beside it.

What must stay true is said in ``resolver.lists.reading``.
"""

import datetime as dt
import ipaddress
import re

from resolver.dns import names
from resolver.lists.reading import RuleCollector
from resolver.lists.rules import BlockList, read_rule

_HEADER = re.compile(
    r"!\s*(title|title-fa|category|source|reviewed|answer)\s*:(.*)",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_COMMENT = ("!", "#", "[adblock")
_TRAILING_COMMENT = re.compile(r"\s#.*", re.DOTALL)
_COSMETIC = re.compile(r"#[@?$%]?#|#@[?$%]#")
_CATEGORY = re.compile(r"[a-z0-9-]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN = re.compile(r"\|\|([a-z0-9._-]+)\^")
"""A rule that needs no closer look, which is nearly every line of most lists."""


def read(text: str, service: str, file: str) -> BlockList:
    """Read a whole list.

    Args:
        text: The file's text; it may begin with a byte order mark and end lines with CR LF.
        service: The service that the list is for.
        file: What to call the file.

    Returns:
        The list, with every line that could not be used among its skipped ones.
    """
    reading = _Reading()
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    for line, content in enumerate(text.split("\n"), start=1):
        if not (plain := _PLAIN.fullmatch(content)):
            reading.take(content.strip(), line)
        elif reason := reading.read(plain[1], line, subtree=True):
            reading.skip(line, content, reason)
    return BlockList(
        service,
        file,
        title=reading.header("title"),
        persian=reading.header("title-fa"),
        category=reading.header("category"),
        source=reading.header("source"),
        reviewed=_date(reading.header("reviewed")),
        answer=reading.header("answer").lower(),
        rules=tuple(reading.rules),
        skipped=tuple(reading.skipped),
    )


class _Reading(RuleCollector):
    """What the lines so far have said."""

    def __init__(self) -> None:
        super().__init__()
        self._headers: dict[str, list[str]] = {}

    def header(self, name: str) -> str:
        return "; ".join(self._headers.get(name, ()))

    def take(self, text: str, line: int) -> None:
        if header := _HEADER.fullmatch(text):
            reason = self._keep_header(header[1].lower(), header[2].strip())
        elif not text or text.lower().startswith(_COMMENT):
            reason = None
        else:
            reason = self._keep_rule(_TRAILING_COMMENT.sub("", text, count=1).rstrip(), line)
        if reason:
            self.skip(line, text, reason)

    def _keep_header(self, name: str, value: str) -> str | None:
        """Keep a header, or say why not."""
        if name in self._headers and name != "source":
            return f"a second {name}; the first one counts"
        if reason := _unreadable(name, value):
            return reason
        self._headers.setdefault(name, []).append(value)
        return None

    def _keep_rule(self, text: str, line: int) -> str | None:
        """Keep a rule, or say why not."""
        rule = read_rule(text, line) if text.startswith(("|", "@@|")) else _foreign(text)
        if isinstance(rule, str):
            return rule
        return self.keep(rule, names.text(rule.name))


def _unreadable(header: str, value: str) -> str | None:
    """Why a header's value says nothing, or None where it can be used."""
    if not value:
        return f"the {header} is empty"
    if header == "category" and not _CATEGORY.fullmatch(value):
        return "a category is lower-case letters, digits and hyphens"
    if header == "reviewed" and not _date(value):
        return "not a date such as 2026-11-24"
    if header == "answer" and value.lower() != "nxdomain":
        return "the only answer that a list can ask for is nxdomain"
    return None


def _date(text: str) -> dt.date | None:
    # fromisoformat alone also reads weeks and days without hyphens
    if not _DATE.fullmatch(text):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _foreign(text: str) -> str:
    """What a line without the marks of a rule is likely to be."""
    if text.startswith(("/", "@@/")):
        return "a regular expression or a path; a rule holds a name alone"
    if _COSMETIC.search(text):
        return "a cosmetic rule: it hides parts of pages, which DNS cannot"
    first, *others = text.split(None, 1)
    if _is_address(first):
        return "a line of a hosts file; write '||name^'" if others else "an IP address, not a name"
    if "*" in text:
        return "a wildcard; '||example.com^' covers a name and all below it"
    return "no '||' or '|' before the name"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
