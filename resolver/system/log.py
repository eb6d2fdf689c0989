"""The log: one line an event on standard error, for journald or a terminal.

It has events of the server. It never has a name that was asked for, or a client.
"""

import contextlib
import logging
import re
import sys
from typing import TextIO

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but for tab and line feed, controls of direction, what UTF-8 cannot have."""

log = logging.getLogger("darban")


def start(process: str) -> None:
    """Start to write the events of this process to standard error."""
    handler = _Handler()
    handler.setFormatter(logging.Formatter(f"%(levelname)s {process}: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def say(stream: TextIO | None, text: str) -> None:
    """Print a line on standard output or error, if that takes it: a server runs without, too."""
    if stream is not None:  # else it was closed
        # A file of its own keeps nothing of what could not be written.
        with (
            contextlib.suppress(OSError),
            open(stream.fileno(), "w", encoding="utf-8", closefd=False) as file,
        ):
            file.write(escaped(f"{text}\n"))


def escaped(text: str) -> str:
    r"""A text to print: what a terminal obeys is shown, an escape character as ``\u001b``.

    Lists, their servers, configs and answers of a control socket can hold such characters. In
    JSON, the escapes mean the same characters.
    """
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class _Handler(logging.Handler):
    """Prints events on standard error; those that it does not take are lost."""

    def emit(self, record: logging.LogRecord) -> None:
        say(sys.stderr, self.format(record))
