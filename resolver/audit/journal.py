"""The audit log as a file of records, of which each has the hash of the line before.

The state directory has it as ``journal.jsonl``. At ``_LONGEST`` octets the file gets the name
``journal.1.jsonl``, which the file before loses: its last record says which records went. So both
together have no more than twice as many octets, and a record. Beside it, ``journal-head.json`` has
the number and the hash of the last record, the head.

What must stay true:
- A record is on the disk before its head is. So the head may be behind the log, and never ahead:
  where it is, the end of the log is gone.
- No line is changed. An unterminated last line, which a power failure leaves, is not read: the next
  record has its length and its hash.
- To add a record, or to read the last ones, costs the same however long the log is.
- Lines of releases before 1.2 stay, and the record after them has their hash.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from resolver.audit.record import (
    AuditRecord,
    ClockReading,
    Event,
    Head,
    line_hash,
    read_head,
    read_record,
    written,
)
from resolver.system.files import make_directory, rename_synced, write_atomically
from resolver.system.regular_files import open_regular, read_regular

JOURNAL, EARLIER, HEAD = "journal.jsonl", "journal.1.jsonl", "journal-head.json"
BESIDE: Final = (EARLIER, "journal-chain.jsonl", "journal-chain.1.jsonl")
"""What releases before 1.2 have beside the log; it stays as it is."""
_VERIFIED: Final = "journal-verified"
"""What 'history --verify' of the release before has printed; an upgrade writes it."""
_LONGEST_VERIFIED: Final = 64 << 10
_LONGEST: Final = 64 << 20
"""Octets at which a file is closed: it must not rise, since a smaller closed file is a finding."""
_MOST_READ: Final = 2 * _LONGEST
"""Octets of a file that is read: a last line may exceed ``_LONGEST``."""
_LOOK_BACK: Final = 8 << 20
"""Octets from the end that ``latest`` reads at most."""
_BLOCK: Final = 64 << 10


class HeadNotWritten(OSError):
    """The record was added, and the head after it could not be written."""


class Line(NamedTuple):
    """A terminated line, and where it is."""

    text: bytes
    """Without its end."""
    file: str
    number: int
    """In its file, from 1."""
    offset: int
    """Octets of its file before it."""


class Journal:
    """The audit log in a state directory; one process writes it."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._path = state / JOURNAL
        self._known: Head | None = None
        """The last record that this object has written."""
        self._number, self._before = 0, ""
        """The number of the last record on disk, and the hash of the last line."""

    def latest(self) -> Iterator[AuditRecord]:
        """The last records, the newest first, up to ``_LOOK_BACK``, or a place that is broken.

        Lines of releases before 1.2 come after the record that has their hash. OSError where a file
        cannot be read.
        """
        for after, record in self._steps_back():
            if after is not None and not _may_follow(after, record):
                return
            if record is not None:
                yield record

    def broken_at(self) -> int:
        """The number of the newest record that ``latest`` finds not joined to the line before it.

        0 where there is none. OSError where a file cannot be read.
        """
        steps = self._steps_back()
        return next((a.number for a, record in steps if a and not _may_follow(a, record)), 0)

    def _steps_back(self) -> Iterator[tuple[AuditRecord | None, AuditRecord | None]]:
        """The last lines, the newest first: the record after the line, and that of the line."""
        after: AuditRecord | None = None
        for file, line in self._backwards():
            record = read_record(line, file)
            yield after, record
            after = record or after

    def head(self) -> Head | None:
        """What the file beside the log says; None where it is missing or damaged. OSError."""
        with suppress(FileNotFoundError, ValueError, RecursionError):
            return read_head(json.loads(read_regular(self._state / HEAD, _BLOCK)))
        return None

    def append(self, now: ClockReading, event: str, **content: object) -> Head:
        """Add a record, and before it what the log must say of itself; the head after it.

        Raises:
            HeadNotWritten: the record was added.
            OSError: it was not.
        """
        make_directory(self._state)
        torn = self._remove_torn()
        last_file, last_line = next(self._backwards(), ("", b""))
        last = read_record(last_line)
        is_lost, expected = self._lost()
        newest = next((record for record in self.latest() if record.number), None)
        self._number = 0 if newest is None else newest.number
        self._before = line_hash(last_line) if last_file else ""
        if last is not None and last.event == Event.ROTATED and last_file == JOURNAL:
            rename_synced(self._path, self._state / EARLIER)
        elif last_file and not (last and last.number):
            self._add(now, Event.ADOPTED, **self._found_lines())
            (self._state / _VERIFIED).unlink(missing_ok=True)
        if is_lost:  # first: what was in force after the record before is not known
            self._add(now, Event.LOST, expected=expected and expected._asdict())
        if torn:
            self._add(now, Event.TORN, octets=len(torn), hash=line_hash(torn))
        head = self._add(now, event, **content)
        try:
            if is_full(self._path.stat().st_size):
                head = self._add(now, Event.ROTATED, removed=self._oldest_part())
            write_atomically(self._state / HEAD, json.dumps(head._asdict()).encode())
        except OSError as error:
            raise HeadNotWritten(error.errno, error.strerror, error.filename) from error
        return head

    def _add(self, now: ClockReading, event: str, **content: object) -> Head:
        line = written(self._number + 1, self._before, now, event, **content)
        with self._path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                written_octets = file.write(line + b"\n")
                os.fsync(file.fileno())
                if written_octets != len(line) + 1:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                os.truncate(file.fileno(), size)
                raise
        self._number, self._before = self._number + 1, line_hash(line)
        self._known = head = Head(self._number, self._before)
        return head

    def _lost(self) -> tuple[bool, Head | None]:
        """Whether the log has lost the record that was written last, and which one that is."""
        records = (record for record in self.latest() if record.number)
        last = next(records, None)
        expected = self._known or self.head()
        if expected is None:
            return last is not None and last.number > 1, None
        while last is not None and last.number > expected.number and self._known is None:
            last = next(records, None)  # the server was killed before it had written the head
        return last is None or last.head != expected, expected

    def _remove_torn(self) -> bytes:
        """Remove an unterminated last line, and return it."""
        with suppress(FileNotFoundError), self._path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            torn = next(_backwards(file, size))
            if torn:
                file.truncate(size - len(torn))
            return torn
        return b""

    def _found_lines(self) -> dict[str, object]:
        """The hashes of what other programs have written, and what was said of it."""
        hashes = {name: hash_of(self._state / name) for name in BESIDE}
        verified = None
        with suppress(OSError):
            text = read_regular(self._state / _VERIFIED, _LONGEST_VERIFIED, follow_link=False)
            verified = text.decode(errors="replace")
        files = {name: digest for name, digest in hashes.items() if digest}
        before = hash_of(self._path) or hashlib.sha256().hexdigest()
        return {"lines": before, "files": files, "verified": verified}

    def _oldest_part(self) -> dict[str, object] | None:
        """The last record of the file that goes when another one gets its name."""
        with suppress(FileNotFoundError), _opened(self._state / EARLIER) as file:
            last = next(islice(_backwards(file, file.seek(0, os.SEEK_END)), 1, None), b"")
            return record.head._asdict() if (record := read_record(last)) else None
        return None

    def _backwards(self) -> Iterator[tuple[str, bytes]]:
        """The last terminated lines, each with its file; the newest first, up to ``_LOOK_BACK``."""
        left = _LOOK_BACK
        for name in (JOURNAL, EARLIER):
            with suppress(FileNotFoundError), _opened(self._state / name) as file:
                size = file.seek(0, os.SEEK_END)
                pieces = _backwards(file, size, max(0, size - left))
                yield from ((name, piece) for piece in islice(pieces, 1, None))
                left = max(0, left - size)


def _may_follow(after: AuditRecord, record: AuditRecord | None) -> bool:
    """Whether a record is joined to the line before it, or vouches for nothing before it."""
    if not after.number or after.event == Event.ADOPTED:
        return True
    return record is not None and record.head == Head(after.number - 1, after.before)


def lines(directory: Path) -> Iterator[Line]:
    """All terminated lines, the oldest first; OSError where a file exists and cannot be read."""
    with ExitStack() as opened:
        files: dict[str, BinaryIO] = {}
        for name in (JOURNAL, EARLIER):  # in this order: a file may get the other name meanwhile
            with suppress(FileNotFoundError):
                files[name] = opened.enter_context(_opened(directory / name))
        if len(files) == 2 and os.path.sameopenfile(*(file.fileno() for file in files.values())):
            del files[JOURNAL]
        for name, file in reversed(files.items()):
            offset = 0
            for number, text in enumerate(file, 1):
                if text.endswith(b"\n"):
                    yield Line(text[:-1], name, number, offset)
                offset += len(text)


def is_full(octets: int) -> bool:
    """Whether a file of so many octets is closed by a rotation."""
    return octets >= _LONGEST


def hash_of(path: Path) -> str:
    """The SHA-256 of a file; empty where there is none."""
    with suppress(FileNotFoundError), _opened(path) as file:
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
        return digest.hexdigest()
    return ""


def _opened(path: Path) -> BinaryIO:
    """Open a file to read it: who may write in its directory may put anything in its place."""
    file = open_regular(path)
    if os.fstat(file.fileno()).st_size > _MOST_READ:
        file.close()
        raise OSError(errno.EFBIG, f"more than {_MOST_READ >> 20} MiB", str(path))
    return file


def _backwards(file: BinaryIO, end: int, oldest: int = 0) -> Iterator[bytes]:
    """What follows the last end of a line, then the lines before it that begin after ``oldest``."""
    rest = b""
    while end > oldest:
        start = max(oldest, end - _BLOCK)
        file.seek(start)
        rest, *pieces = (file.read(end - start) + rest).split(b"\n")
        yield from reversed(pieces)
        end = start
    if not oldest:
        yield rest
