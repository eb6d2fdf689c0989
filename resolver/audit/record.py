"""A record of the audit log: a line, with its number and the hash of the line before. Pure."""

import hashlib
import json
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from resolver import __version__
from resolver.system.stored import is_moment

VERSION: Final = 2
"""Of the form of a line (deploy/schemas/audit-log.json). Releases before 1.2 wrote others."""
SAME_OFFSET: Final = 2.0
"""Seconds by which two offsets may differ though the clock was not set: its two readings take time,
and a leap second is one."""
_ROUNDED: Final = 0.001
_LONGEST_WAIT: Final = 10.0
"""Of a seal of 1.2 for other records, on a slow disk."""


class ClockReading(NamedTuple):
    """What the clock said, in seconds since 1970."""

    time: float
    offset: float
    """Seconds that it was ahead of CLOCK_BOOTTIME, which nobody can set: within a boot another
    offset means that the clock was set."""
    boot: str
    """The boot ID of the kernel; empty where it is not known."""
    synchronised: bool | None
    """Whether a time server kept it right; None where the kernel does not tell."""


class Head(NamedTuple):
    """A record, by which a witness knows all before it."""

    number: int
    hash: str

    @property
    def text(self) -> str:
        """As it is shown, and given to ``--head``."""
        return f"{self.number}:{self.hash}"


class Event(StrEnum):
    """What a record says of the log itself; activations have the names of their commands."""

    ADOPTED = "adopted"
    """There were lines that this log has not written: of an earlier release, or added."""
    SEALED = "sealed"
    """The figures of a time have this hash."""
    CLOCK = "clock"
    """The clock was set."""
    ROTATED = "rotated"
    """The last record of its file, which gets another name; the file that has it is removed."""
    TORN = "torn"
    """An unterminated last line was removed."""
    LOST = "lost"
    """The log did not have the last record that the server had written."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A line as it is in the file."""

    number: int
    """From 1; 0 where a release before 1.2 has written the line."""
    time: float
    offset: float
    """As in ``ClockReading``, as is ``boot``."""
    boot: str
    before: str
    """The SHA-256 of the line before; empty for none."""
    event: str
    plain: dict[str, Any]
    """All fields."""
    hash: str
    """The SHA-256 of the line without its end."""
    place: str = ""
    """File and line."""

    @property
    def head(self) -> Head:
        """What a witness notes of it."""
        return Head(self.number, self.hash)

    @property
    def clock(self) -> ClockReading:
        """What the clock said when it was written."""
        return ClockReading(self.time, self.offset, self.boot, self.plain.get("synchronised"))

    @property
    def up(self) -> float:
        """CLOCK_BOOTTIME when it was written, in seconds."""
        return self.time - self.offset

    @property
    def latest(self) -> float:
        """What CLOCK_BOOTTIME may have been at the latest when it was written, in seconds.

        It is computed of two rounded numbers; and 1.2 read the clock for a seal before it waited
        for the records that were written meanwhile.
        """
        is_late = self.event == Event.SEALED and self.release.startswith("1.2.")
        return self.up + (_LONGEST_WAIT if is_late else _ROUNDED)

    @property
    def release(self) -> str:
        """The release that wrote it; empty where that is not known."""
        return str(self.plain.get("release", ""))


def line_hash(line: bytes) -> str:
    """The SHA-256 of a line without its end."""
    return hashlib.sha256(line).hexdigest()


def read_record(line: bytes, place: str = "") -> AuditRecord | None:
    """The record of a line; None where it has none."""
    try:
        plain = json.loads(line)
        number, time = plain.get("number", 0), plain["time"]
        offset, boot = plain.get("offset", 0.0), plain.get("boot", "")
        before, event = plain.get("before", ""), plain["event"]
        is_good = is_moment(time) and math.isfinite(offset) and number >= 0
        if not is_good or not all(isinstance(text, str) for text in (boot, before, event)):
            return None
        return AuditRecord(
            int(number), time, offset, boot, before, event, plain, line_hash(line), place
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def read_head(value: object) -> Head | None:
    """The head that an object has; None where it has none."""
    if not isinstance(value, dict):
        return None
    number, digest = value.get("number"), value.get("hash")
    return Head(number, digest) if isinstance(number, int) and isinstance(digest, str) else None


def written(number: int, before: str, clock: ClockReading, event: str, **content: object) -> bytes:
    """The line of a record."""
    head = {"version": VERSION, "number": number, **clock._asdict(), "release": __version__}
    line = {**head, "event": event, **content, "before": before}
    return json.dumps(line, ensure_ascii=False).encode()
