"""``python -m resolver.publish.writer``: write the zones of a snapshot, where they have changed.

It is a program of its own, since 100,000 rules would stop the supervisor's loop for seconds. It
prints one JSON object, a ``WriteResult``. There is one writer: only the server that holds the
lock of the state directory starts it, one at a time.

A zone is made only where a hash of all that decides it (``zone_inputs``) is another than the one
that its file was made from (``zone_record``), or where the file is not as it was written. One zone
is made at a time, a few hundred lines at a time, so memory does not grow with the zones.

What must stay true:
- A zone's file is replaced as a whole, with its checksum (``check_zones``). Its serial rises with
  every change, whatever the clock says and whichever snapshot came before.
- The file ``serials`` is replaced last, so all zones are complete when it changes.
"""

import contextlib
import hashlib
import os
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.settings import Publication
from resolver.publish.check_zones import LONGEST, ZoneChecksum
from resolver.publish.left_out import left_out
from resolver.publish.policy_zones import policy_zones
from resolver.publish.zone_inputs import ZoneInputs
from resolver.publish.zone_record import (
    RECORD,
    MadeZone,
    program,
    read_record,
    record_octets,
)
from resolver.publish.zone_text import ZoneContent, contents, next_serial, serial_of
from resolver.snapshot import store
from resolver.system.child_main import work_once
from resolver.system.files import atomic_file, make_directory, remove_abandoned, write_atomically

SERIALS = "serials"
"""The file that changes after the zones: a line for each, with its name and its serial."""
_LONGEST_HEAD = 1024
"""In octets; a name has 1,016 as text at most, in theory."""
_CHUNK = 1 << 20
"""Octets of a zone that are read at a time."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What was written."""

    serials: dict[str, int] = field(default_factory=dict)
    """The serial of each zone, by its name without a final dot."""
    made: list[str] = field(default_factory=list)
    """The zones that were made, since they might have changed."""
    left_out: list[str] = field(default_factory=list)
    """What the zones cannot express."""
    problem: str = ""
    """Why they could not be written; empty where they were."""


def write(compiled: CompiledConfig, index: Index, directory: Path, wall: float) -> WriteResult:
    """Write the zones of a snapshot at a moment, in seconds since 1970; OSError where that fails.

    The snapshot must have a ``Publication``.
    """
    publication = compiled.settings.publish
    assert publication is not None
    make_directory(directory)
    remove_abandoned(directory)
    serials, record = _read_serials(directory), read_record(directory)
    inputs = ZoneInputs(compiled, index, program())
    result, now = WriteResult(left_out=left_out(compiled, index, wall)), {}
    for content in contents(policy_zones(compiled, index, wall), publication):
        name = content.zone
        file = _ZoneFile.read(directory / zone_file(name), content, serials.get(name, 0))
        hashed = inputs.hash(name, content.of)
        if not file.is_latest or record.get(name) != MadeZone(hashed, file.body):
            result.made.append(name)
            file = _written(file, content, wall)
        now[name] = MadeZone(hashed, file.body)
        result.serials[name] = file.serial
    if now != record:
        write_atomically(directory / RECORD, record_octets(now))
    if result.serials != serials:
        lines = (f"{zone} {serial}\n" for zone, serial in result.serials.items())
        write_atomically(directory / SERIALS, "".join(lines).encode())
    return result


def zone_directory(publication: Publication, base: Path, state: Path) -> Path:
    """Where the zones are written; ``base`` is the directory of the config."""
    return base / publication.directory if publication.directory else state / "zones"


def zone_file(zone: str) -> str:
    """The name of the file of a zone; Knot DNS finds it by the same rule."""
    return f"{zone}.zone"


class _Unchanged(Exception):
    """The file of a zone has the content that was made."""


@dataclass(frozen=True, slots=True)
class _ZoneFile:
    """The file of a zone."""

    path: Path
    serial: int
    """At least 0: where there is no file, or it is damaged, the one that was written last."""
    body: str
    """The SHA-256 of the lines between head and checksum; empty where these are not as written."""
    is_latest: bool
    """Whether it is whole and has the serial that was written last, or a later one."""

    @classmethod
    def read(cls, path: Path, content: ZoneContent, last: int) -> Self:
        """Read the file of a zone, whose serial ``last`` was written last."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return cls(path, last, "", False)
        with file:
            serial = serial_of(file.read(_LONGEST_HEAD))
            body = _body(file, content.head(serial))
            # A file that was restored can have an earlier serial.
            return cls(path, max(serial, last), body, bool(body) and serial >= last)


def _body(file: BinaryIO, head: bytes) -> str:
    """The SHA-256 of the lines between head and checksum; empty where these are not as written."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - LONGEST))
    tail = file.read()
    end = size - len(tail) + tail.rfind(b"\n", 0, -1) + 1  # of the lines above the last
    file.seek(0)
    if file.read(len(head)) != head:
        return ""
    checksum, body = ZoneChecksum(), hashlib.sha256()
    checksum.add(head)
    while some := file.read(min(_CHUNK, max(0, end - file.tell()))):
        checksum.add(some)
        body.update(some)
    return body.hexdigest() if file.read() == checksum.line() else ""


def _written(file: _ZoneFile, content: ZoneContent, wall: float) -> _ZoneFile:
    """Make a zone, and write it if its file would differ; the file that it has then."""
    serial, digest, checksum = next_serial(file.serial, wall), hashlib.sha256(), ZoneChecksum()
    with contextlib.suppress(_Unchanged), atomic_file(file.path) as temporary:
        head = content.head(serial)
        temporary.write(head)
        checksum.add(head)
        for lines in content.body():
            temporary.write(lines)
            digest.update(lines)
            checksum.add(lines)
        body = digest.hexdigest()
        if file.is_latest and file.body == body:
            raise _Unchanged
        temporary.write(checksum.line())
        return _ZoneFile(file.path, serial, body, True)
    return file


def _read_serials(directory: Path) -> dict[str, int]:
    """The serials as they were written last; as far as the file can be read."""
    try:
        lines = (directory / SERIALS).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return {}
    pairs = (line.split(" ") for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _write() -> dict[str, object]:
    """Write the zones of the snapshot in the first directory into the second."""
    snapshot, directory = (Path(argument) for argument in sys.argv[1:])
    try:
        result = write(*store.load(snapshot), directory, time.time())
    except OSError as error:
        result = WriteResult(problem=f"{error.filename or directory}: {error.strerror or error}")
    except store.StateError as error:
        result = WriteResult(problem=str(error))
    return asdict(result)


if __name__ == "__main__":
    work_once(_write)
