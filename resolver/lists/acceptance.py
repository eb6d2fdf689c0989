"""Whether a list that others maintain may be used at all.

A download may be cut short, a login page, another file, or nothing. Then the last good list
stays, since an empty list permits what is banned. A file is accepted or refused as a whole, and
refused where too little of it can be read. A file that can be read, but has many more or many fewer
names than the copy in use, is held until a person accepts it. What counts is what a list blocks
after its own exceptions, since an exception opens a name as well as the removal of its rule.
"""

import heapq
import re
from dataclasses import replace

from resolver.dns import names
from resolver.lists.formats import FORMATS, guess_format
from resolver.lists.guard import too_wide
from resolver.lists.list_reader import shortened
from resolver.lists.rules import BlockList, HeldChange, SkippedLine, blocking_rules, count_blocking
from resolver.system.english import count_text

MAX_LIST_BYTES = 64 << 20
"""Octets of a list, decompressed; a million names need a third of this."""
_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml|script|!--)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_AGAIN = "again"
WIDE_EXCEPTION = "an exception that a list of others may not have"
"""The beginning of the reason for which an exception is not used."""
_MAX_GROWTH = 200
"""Names by which a list of any size may grow."""
_FIRST = 10


def read_untrusted(content: bytes, kind: str, service: str, file: str) -> BlockList | str:
    """Read a list, or give the reason to refuse it.

    Args:
        content: The whole file.
        kind: The format that it must have.
        service: The service that it is for.
        file: What to call it.
    """
    if len(content) > MAX_LIST_BYTES:
        return f"more than {MAX_LIST_BYTES >> 20} MiB"
    text = _text(content)
    if text is None:
        return "binary data, not a text in UTF-8"
    if _PAGE.match(text):
        return "a web page (HTML), not a list"
    read = _without_wide_exceptions(FORMATS[kind](text, service, file))
    blocking = count_blocking(read)
    if not blocking:
        return f"no rule that blocks{_advice(text, kind)}"
    unread = sum(
        not line.reason.endswith(_AGAIN) and not line.reason.startswith(WIDE_EXCEPTION)
        for line in read.skipped
    )
    if unread > len(read.rules):
        lines = count_text(unread, "line")
        return f"{lines} cannot be read, {len(read.rules)} can{_advice(text, kind)}"
    return read


def loses_much(before: int, after: int) -> bool:
    """Whether a list that had ``before`` entries, and has ``after`` now, has lost over a fifth."""
    return 5 * (before - after) > before


def is_large_change(before: int, after: int, opened: int = 0) -> bool:
    """Whether a list that blocked ``before`` names, and blocks ``after`` now, is to be held.

    So it is if it has grown by more than half and by more than 200 names, or has lost more than
    a fifth. ``opened`` names that lie below its rules pass now by its exceptions, and count as
    lost.
    """
    grown = after - before
    return (grown > _MAX_GROWTH and 2 * grown > before) or loses_much(before, after - opened)


def opened_names(read: BlockList) -> set[bytes]:
    """The names below the rules of a list that pass by an exception of the list."""
    exceptions = {rule.name for rule in read.rules if rule.exception}
    if not exceptions:
        return set()
    above = {rule.name for rule in blocking_rules(read) if rule.subtree}
    return {name for name in exceptions if not above.isdisjoint(names.zones(name))}


def change_to_hold(before: BlockList, after: BlockList) -> HeldChange | None:
    """The change from one list to another, if it is to be held: the names that come and go."""
    old, new = (
        {rule.name for rule in blocking_rules(block_list)} for block_list in (before, after)
    )
    opened = opened_names(after) - opened_names(before)
    counts = count_blocking(before), count_blocking(after)
    if not is_large_change(*counts, len(opened)):
        return None
    coming, going = (
        [*map(names.text, wire_names)] for wire_names in (new - old, old - new | opened)
    )
    first = (heapq.nsmallest(_FIRST, texts) for texts in (coming, going))
    return HeldChange(*counts, len(coming), len(going), *first)


def _without_wide_exceptions(read: BlockList) -> BlockList:
    """A list of others without its exceptions for names of many owners.

    A network's own list may except ``ir``. A list of others that excepts ``com`` blocks next to
    nothing, though it has all its lines.
    """
    wide = {
        rule: f"{WIDE_EXCEPTION}: {reason}"
        for rule in read.rules
        if rule.exception and (reason := too_wide(rule._replace(exception=False)))
    }
    if not wide:
        return read
    rules = tuple(rule for rule in read.rules if rule not in wide)
    lines = (SkippedLine(line.line, shortened(line.text), why) for line, why in wide.items())
    return replace(read, rules=rules, skipped=tuple(sorted([*read.skipped, *lines])))


def _text(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _advice(text: str, kind: str) -> str:
    other = guess_format(text)
    return f'; it looks like format = "{other}"' if other and other != kind else ""
