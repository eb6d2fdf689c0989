"""What the reader of every format does alike: keep rules, and say of each line why it gave none.

A format's reader goes through the lines and hands over the names that it finds. A rule that
is silently dropped lets through what is banned, and a rule that is guessed at blocks what is
exempt. So nothing is guessed: what a reader does not understand, or what says what cannot be,
is kept as a skipped line with the reason.

What must stay true, for every format:
- ``read`` never raises, whatever the text, and takes time linear in its length.
- Every line that is not empty, not a comment and not a part of the file's frame gives rules
  or is a skipped line; each rule has the number of its line.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter

from resolver.dns import names
from resolver.lists.guard import too_wide_name
from resolver.lists.rules import BlockList, Rule, SkippedLine, read_name

_SHOWN = 120
_NOWHERE = frozenset(("0.0.0.0", "127.0.0.1", "::", "::1"))
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9]+")


class RuleCollector:
    """The rules and the skipped lines so far."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.skipped: list[SkippedLine] = []
        # by exception and extent; the same rule again says nothing new
        self._lines: dict[tuple[bool, bool], dict[bytes, int]] = {
            (exception, subtree): {} for exception in (False, True) for subtree in (False, True)
        }

    def read(self, text: str, line: int, *, subtree: bool, exception: bool = False) -> str | None:
        """Keep a rule for the name in a text; the reason where it gives none."""
        name = read_name(text)
        if isinstance(name, str):
            return name
        as_written = len(name) == len(text) + 2 and text.isascii()
        printed = text if as_written else names.text(name)
        return self.keep(Rule(name, subtree, exception, line), printed)

    def keep(self, rule: Rule, printed: str) -> str | None:
        """Keep a rule, of which the printed name is known; the reason where it is not kept."""
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

    def block_list(self, service: str, file: str) -> BlockList:
        """The list as read; its format has no headers."""
        rules = sorted(self.rules, key=attrgetter("line"))  # some are kept for the end
        skipped = sorted(self.skipped, key=attrgetter("line"))
        return BlockList(service, file, rules=tuple(rules), skipped=tuple(skipped))


def text_lines(text: str, comment: str = "#") -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers; comments also end lines."""
    for line, content in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        said = content.partition(comment)[0].strip()
        if said:
            yield line, said


def leads_nowhere(text: str) -> bool | None:
    """Whether an address leads nowhere, so that who is given it reaches nobody.

    None where the text is no address.
    """
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

    Of reasons that differ in what they quote from their line only, there is one.
    """
    counts = Counter(_QUOTED.sub("…", each.reason) for each in skipped)
    return dict(counts.most_common())
