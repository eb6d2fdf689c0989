"""``python -m resolver.publish.writer``: write the zones of a snapshot, where they have changed.

It is a program of its own, since 100,000 rules would stop the supervisor's loop for seconds. It
prints one JSON object, a ``WriteResult``. There is one writer: only the server that holds the
lock of the state directory starts it, one at a time.

What must stay true:
- A zone's file is replaced as a whole. Its serial rises with every change, whatever the clock says
  and whichever snapshot came before.
- The file ``serials`` is replaced last, so all zones are complete when it changes.
"""

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from resolver.files import atomic_file, make_directory, remove_abandoned, write_atomically
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import describe
from resolver.policy.effect import Effects
from resolver.policy.index import Index
from resolver.policy.settings import Publication
from resolver.policy.verdict import BLOCKED, Verdict
from resolver.publish.policy_zones import policy_zones, zone_action
from resolver.publish.zone_text import ZoneContent, contents, next_serial, serial_of
from resolver.snapshot import store

SERIALS = "serials"
"""The file that changes after the zones: a line for each, with its name and its serial."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What was written."""

    serials: dict[str, int] = field(default_factory=dict)
    """The serial of each zone, by its name without a final dot."""
    stamps: dict[str, list[int]] = field(default_factory=dict)
    """The ``stamp`` of each zone's file, by its name, when it was read or written."""
    left_out: list[str] = field(default_factory=list)
    """What the zones cannot express."""
    problem: str = ""
    """Why they could not be written; empty where they were."""


def write(terms: CompiledConfig, index: Index, directory: Path, wall: float) -> WriteResult:
    """Write the zones of a snapshot at a moment, in seconds since 1970; OSError where that fails.

    The snapshot must have a ``Publication``.
    """
    publication = terms.settings.publish
    assert publication is not None
    zones = policy_zones(terms, index, wall)
    make_directory(directory)
    remove_abandoned(directory)
    before = _read_serials(directory)
    result = WriteResult(left_out=[*map(str, zones.gaps), *_refusing(terms)])
    for content in contents(zones, publication):
        serial, written = _write_zone(directory, content, before, wall)
        result.serials[content.zone] = serial
        result.stamps[zone_file(content.zone)] = written
        result.left_out.extend(content.changes)
    if result.serials != before:
        lines = (f"{zone} {serial}\n" for zone, serial in result.serials.items())
        write_atomically(directory / SERIALS, "".join(lines).encode())
    return result


def zone_directory(publication: Publication, base: Path, state: Path) -> Path:
    """Where the zones are written; ``base`` is the directory of the config."""
    return base / publication.directory if publication.directory else state / "zones"


def zone_file(zone: str) -> str:
    """The name of the file of a zone; Knot DNS finds it by the same rule."""
    return f"{zone}.zone"


def stamp(path: Path) -> list[int]:
    """The inode and the time of a file, which tell it from others; empty where it is missing."""
    try:
        return _stamp(path.stat())
    except FileNotFoundError:
        return []


def _stamp(status: os.stat_result) -> list[int]:
    return [status.st_ino, status.st_mtime_ns]


def _write_zone(
    directory: Path, content: ZoneContent, before: dict[str, int], wall: float
) -> tuple[int, list[int]]:
    """Write a zone if its file would differ; its serial, and the stamp of its file."""
    path = directory / zone_file(content.zone)
    found = stamp(path)
    file = path.read_bytes() if found else b""
    serial = serial_of(file)
    last = before.get(content.zone, 0)
    if (
        file == content.file(serial) and serial >= last
    ):  # a restored file can have an earlier serial
        return serial, found
    serial = next_serial(max(serial, last), wall)
    with atomic_file(path) as aside:
        aside.write(content.file(serial))
        aside.flush()
        return serial, _stamp(os.fstat(aside.fileno()))


def _read_serials(directory: Path) -> dict[str, int]:
    """The serials as they were written last; as far as the file can be read."""
    try:
        lines = (directory / SERIALS).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return {}
    pairs = (line.split(" ") for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _refusing(terms: CompiledConfig) -> Iterable[str]:
    """The policies whose answer no response policy zone has."""
    for policy, effect in zip(describe(terms), Effects(terms).of_policies, strict=True):
        is_blocking = effect.caught is BLOCKED
        if is_blocking and zone_action(effect.answers, Verdict(BLOCKED)) is None:
            yield (
                f'policy {policy.name}: the zones answer blocked names with "nodata", since a '
                f'response policy zone cannot answer "{policy.answer}"'
            )


def main() -> None:
    """Write the zones of the snapshot in the first directory into the second."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it means the supervisor
    gc.disable()
    snapshot, directory = (Path(argument) for argument in sys.argv[1:])
    try:
        result = write(*store.load(snapshot), directory, time.time())
    except OSError as error:
        result = WriteResult(problem=f"{error.filename or directory}: {error.strerror or error}")
    except store.StateError as error:
        result = WriteResult(problem=str(error))
    json.dump(asdict(result), sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # nothing is left to do, and freeing a large heap takes long


if __name__ == "__main__":
    main()
