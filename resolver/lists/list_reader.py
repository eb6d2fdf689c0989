"""What the readers of all formats have in common: one class a format, below ``ListReader``.

A reader goes through the lines and adds a rule for each name that it finds. A rule that is
silently dropped lets through what is banned, and a rule that is guessed blocks what is exempt.
So nothing is guessed: a line that a reader does not understand is kept as a skipped line, with
the reason.

What must stay true, for every format:
- ``read`` never raises, whatever the text, and takes time linear in its length.
- Every line that is not empty, not a comment and not part of the file's frame gives rules or is
  a skipped line; each rule has the number of its line.
"""

import ipaddress
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from typing import ClassVar

from resolver.dns import names
from resolver.lists.guard import too_wide_name
from resolver.lists.rules import BlockList, Rule, SkippedLine, read_name

_SHOWN = 120
_NOWHERE = frozenset(("0.0.0.0", "127.0.0.1", "::", "::1"))
_CARRIAGE_RETURN = "a carriage return inside the line; only a line feed ends a line"
_ASIDE = re.compile(r" \('[^']*'\)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9]+")


class ListReader(ABC):
    """Reads one list of a format, line by line."""

    longest_match: ClassVar[bool] = False
    """Whether an exception of the format cancels only rules that are no more specific."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.skipped: list[SkippedLine] = []
        # By exception and extent, since the same rule again adds nothing.
        self._lines: dict[tuple[bool, bool], dict[bytes, int]] = {
            (exception, subtree): {} for exception in (False, True) for subtree in (False, True)
        }

    @classmethod
    def read(cls, text: str, service: str, file: str) -> BlockList:
        """Read a whole list.

        Args:
            text: The file's text; it may begin with a byte order mark and end lines with CR LF.
            service: The service that the list is for.
            file: What to call the file.

        Returns:
            The list; every line that could not be used is among its skipped lines.
        """
        reader = cls()
        for line, whole in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
            if "\r" in whole and "\r" in whole.rstrip("\r"):
                reader.skip(line, whole, _CARRIAGE_RETURN)
                continue
            content = reader.content(whole)
            if content and (reason := reader.take(content, line)):
                reader.skip(line, content.strip(), reason)
        reader.end()
        return reader.block_list(service, file)

    def content(self, line: str) -> str:
        """A line without comment; empty where nothing is left."""
        return line.partition("#")[0].strip()

    @abstractmethod
    def take(self, text: str, line: int) -> str | None:
        """Add the rules of a line; the reason where the line is skipped."""

    def end(self) -> None:  # noqa: B027 - most formats need nothing here
        """Add the rules that only the whole text gives."""

    def block_list(self, service: str, file: str) -> BlockList:
        """The list as read so far; a format may add headers."""
        rules = sorted(self.rules, key=attrgetter("line"))  # some are added at the end
        skipped = sorted(self.skipped, key=attrgetter("line"))
        return BlockList(
            service,
            file,
            rules=tuple(rules),
            skipped=tuple(skipped),
            longest_match=self.longest_match,
        )

    def add(self, text: str, line: int, *, subtree: bool, exception: bool = False) -> str | None:
        """Add a rule for the name in a text; the reason where there is none."""
        name = read_name(text)
        if isinstance(name, str):
            return name
        as_written = len(name) == len(text) + 2 and text.isascii()
        printed = text if as_written else names.text(name)
        return self.add_rule(Rule(name, subtree, exception, line), printed)

    def add_rule(self, rule: Rule, printed: str) -> str | None:
        """Add a rule whose name is printed as given; the reason where it is not added."""
        name, subtree, exception, line = rule
        if reason := too_wide_name(printed, exception=exception):
            return reason
        first = self._lines[exception, subtree].setdefault(name, line)
        if first != line:
            return f"the rule of line {first} again"
        self.rules.append(rule)
        return None

    def skip(self, line: int, text: str, reason: str) -> None:
        """Note a line that was not used."""
        self.skipped.append(SkippedLine(line, shortened(text), reason))


def is_null_or_loopback(text: str) -> bool | None:
    """Whether no host can be reached at an address; None where the text is no address."""
    if text in _NOWHERE:
        return True
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.is_unspecified or address.is_loopback


def shortened(text: str) -> str:
    """A line as it is shown."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def by_reason(skipped: Iterable[SkippedLine]) -> dict[str, int]:
    """How many lines were skipped for each reason, the most frequent first.

    Reasons that differ only in what they quote from their line count as one.
    """
    counts = Counter(_QUOTED.sub("…", _ASIDE.sub("", line.reason)) for line in skipped)
    return dict(counts.most_common())
