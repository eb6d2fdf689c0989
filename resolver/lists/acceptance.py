"""Whether a list that others maintain may be used at all.

A download may be cut short, a login page, another file, or nothing. Then the last good list
stays, since an empty list permits what is banned. A file is accepted or refused as a whole, and
refused where too little of it can be read.
"""

import re

from resolver.lists.formats import FORMATS, guess_format
from resolver.lists.rules import BlockList, count_blocking

MAX_LIST_BYTES = 64 << 20
"""Octets of a list, decompressed; a million names need a third of this."""
_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml|script|!--)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_AGAIN = "again"


def read_untrusted(
    content: bytes, kind: str, service: str, file: str, before: int = 0
) -> BlockList | str:
    """Read a list, or give the reason to refuse it.

    Args:
        content: The whole file.
        kind: The format that it must have.
        service: The service that it is for.
        file: What to call it.
        before: How many names the last good one blocked; 0 where there is none, or where any
            number is accepted.
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
        return f"{unread} lines cannot be read, {len(read.rules)} can{_advice(text, kind)}"
    if blocking * 2 < before:
        return f"{blocking} names, fewer than half of the {before} that the last good one has"
    return read


def _text(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _advice(text: str, kind: str) -> str:
    other = guess_format(text)
    return f'; it looks like format = "{other}"' if other and other != kind else ""
