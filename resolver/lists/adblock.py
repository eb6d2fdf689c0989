"""The adblock domain syntax, as AdGuard Home and Pi-hole read it.

Each line is empty, a comment (``!`` or ``#``), a header (``! Title: Telegram``), a rule
(``||name^``, ``|name^``, ``@@||name^``, ``@@|name^``), or something else, which is skipped with
a reason. Nothing is guessed: a modifier, a wildcard or a missing caret could each mean more
than the name beside it. The one modifier that is read is ``$badfilter``: it cancels
the rule that is the same without it, anywhere in the list.
"""

import datetime as dt
import re
from dataclasses import replace

from resolver.dns import names
from resolver.lists.list_reader import ListReader, is_null_or_loopback
from resolver.lists.rules import BlockList, Rule, read_rule
from resolver.system import solar_hijri

_HEADER = re.compile(
    r"!\s*(title|title-fa|category|source|reviewed|answer)\s*:(.*)",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_COMMENT = ("!", "#", "[adblock")
_TRAILING_COMMENT = re.compile(r"\s#.*", re.DOTALL)
_COSMETIC = re.compile(r"#[@?$%]?#|#@[?$%]#")
_BADFILTER = "$badfilter"
_CATEGORY = re.compile(r"[a-z0-9-]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN = re.compile(r"\|\|([a-z0-9._-]+)\^")
"""A rule that needs no closer look, which is nearly every line of most lists."""


class AdblockReader(ListReader):
    """Reads a list in adblock syntax."""

    def __init__(self) -> None:
        super().__init__()
        self._headers: dict[str, list[str]] = {}
        self._cancelled: list[Rule] = []
        """Rules that the list has with ``$badfilter``."""

    def content(self, line: str) -> str:
        """The whole line, since a comment may be a header."""
        return line.strip()

    def take(self, text: str, line: int) -> str | None:
        """Add a rule or a header."""
        if plain := _PLAIN.fullmatch(text):
            return self.add(plain[1], line, subtree=True)
        if header := _HEADER.fullmatch(text):
            return self._add_header(header[1].lower(), header[2].strip())
        if text.lower().startswith(_COMMENT):
            return None
        text = _TRAILING_COMMENT.sub("", text, count=1).rstrip()
        if not text.startswith(("|", "@@|")):
            return _foreign(text)
        rule = read_rule(text.removesuffix(_BADFILTER), line)
        if isinstance(rule, str):
            return rule
        if text.endswith(_BADFILTER):
            self._cancelled.append(rule)
            return None
        return self.add_rule(rule, names.text(rule.name))

    def end(self) -> None:
        """Remove the rules that the list cancels, wherever they are."""
        if not self._cancelled:
            return
        present = {rule[:3] for rule in self.rules}
        cancelled = {rule[:3] for rule in self._cancelled}
        self.rules = [rule for rule in self.rules if rule[:3] not in cancelled]
        for rule in self._cancelled:
            if rule[:3] not in present:
                self.skip(rule.line, rule.text + _BADFILTER, "the list has no such rule")

    def block_list(self, service: str, file: str) -> BlockList:
        """The list as read so far, with its headers."""
        return replace(
            super().block_list(service, file),
            title=self._header("title"),
            persian=self._header("title-fa"),
            category=self._header("category"),
            source=self._header("source"),
            reviewed=_date(self._header("reviewed")),
            answer=self._header("answer").lower(),
        )

    def _header(self, name: str) -> str:
        return "; ".join(self._headers.get(name, ()))

    def _add_header(self, name: str, value: str) -> str | None:
        """Add a header; the reason where it is not added."""
        if name in self._headers and name != "source":
            return f"a second {name}; the first one counts"
        if reason := _invalid(name, value):
            return reason
        self._headers.setdefault(name, []).append(value)
        return None


def _invalid(header: str, value: str) -> str | None:
    """Why a header's value cannot be used; None where it can."""
    if not value:
        return f"the {header} is empty"
    if header == "category" and not _CATEGORY.fullmatch(value):
        return "a category is lower-case letters, digits and hyphens"
    if header == "reviewed":
        day = _date(value)
        if day is None:
            return "not a date such as 2026-11-24"
        if solar_hijri.is_meant(day):
            return f"a date of the solar Hijri calendar; {solar_hijri.corrected(day)}"
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
    """The reason for a line without the marks of a rule: what it is likely to be."""
    if text.startswith(("/", "@@/")):
        return "a regular expression or a path; a rule has only a name"
    if _COSMETIC.search(text):
        return "a cosmetic rule: it hides parts of pages, which DNS cannot"
    first, *others = text.split(None, 1)
    if is_null_or_loopback(first) is not None:
        return "a line of a hosts file; write '||name^'" if others else "an IP address, not a name"
    if "*" in text:
        return "a wildcard; '||example.com^' covers a name and all below it"
    return "no '||' or '|' before the name"
