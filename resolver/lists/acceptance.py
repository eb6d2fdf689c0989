"""Whether a list that others maintain may be used at all.

A download may be cut short, a login page, another file, or nothing. Then the last good list
stays, since an empty list permits what is banned. A file is accepted or refused as a whole, and
refused where too little of it can be read. A file that can be read, but has many more or many fewer
names than the copy in use, is held until a person accepts it.
"""

import heapq
import re

from resolver.dns import names
from resolver.language.count_text import count_text
from resolver.lists.formats import FORMATS, guess_format
from resolver.lists.rules import BlockList, HeldChange, count_blocking

MAX_LIST_BYTES = 64 << 20
"""Octets of a list, decompressed; a million names need a third of this."""
_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml|script|!--)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_AGAIN = "again"
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
    read = FORMATS[kind](text, service, file)
    blocking = count_blocking(read)
    if not blocking:
        return f"no rule that blocks{_advice(text, kind)}"
    unread = sum(not each.reason.endswith(_AGAIN) for each in read.skipped)
    if unread > len(read.rules):
        lines = count_text(unread, "line")
        return f"{lines} cannot be read, {len(read.rules)} can{_advice(text, kind)}"
    return read


def is_large_change(before: int, after: int) -> bool:
    """Whether a list that blocked ``before`` names, and blocks ``after`` now, is to be held.

    So it is if it has grown by more than half and by more than 200 names, or has lost more than
    a fifth.
    """
    grown = after - before
    return (grown > _MAX_GROWTH and 2 * grown > before) or -5 * grown > before


def change_of(before: BlockList, after: BlockList) -> HeldChange:
    """The names that come and go from one list to another."""
    old, new = (
        {names.text(rule.name) for rule in each.rules if not rule.exception}
        for each in (before, after)
    )
    coming, going = new - old, old - new
    return HeldChange(
        count_blocking(before),
        count_blocking(after),
        len(coming),
        len(going),
        heapq.nsmallest(_FIRST, coming),
        heapq.nsmallest(_FIRST, going),
    )


def _text(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _advice(text: str, kind: str) -> str:
    other = guess_format(text)
    return f'; it looks like format = "{other}"' if other and other != kind else ""
