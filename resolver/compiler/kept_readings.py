"""What reading the lists gave, kept: to read a list of a million names takes seven seconds.

Each reading is a file, named by a hash of all that it depends on: the content of the list, how it
was read, and the program (``ReadingKey``). The first line is a checksum, the second has what was
read in JSON, but for the rules; the packed rules follow. A file that is missing, damaged or of
another release is made again, by reading the list. What else takes seconds to find out from lists
is kept beside the readings, in the same way.

What must stay true:
- A list has the same value, whether it was kept or is read anew.
- What cannot be written does not prevent anything.
"""

import contextlib
import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from resolver.compiler.packed_rules import PackedRules, RuleFacts, packed
from resolver.compiler.program_hash import program_hash
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.lists.rules import BlockList, Rule, SkippedLine
from resolver.snapshot.archive import remove_oldest
from resolver.system.files import make_directory, write_atomically
from resolver.system.regular_files import read_regular

Read = TypeVar("Read", BlockList, BlockList | str)
"""A list, or also the reason to refuse it."""
_FOLDER: Final = "list-readings"
_LONGEST: Final = 4 * MAX_LIST_BYTES
"""Octets of a reading. Rules take less than this; a list of skipped lines can take more."""
_MOST: Final = 64 << 20
"""Octets on disk of readings that the last compilation did not use."""


@dataclass(frozen=True, slots=True)
class ReadingKey:
    """All that a reading depends on, beside the program."""

    sha256: str
    """Of the content of the list."""
    format: str
    service: str
    file: str
    protected: str = ""
    """A hash of the names that it must not block; empty for a list of the agency's own."""

    def hash(self) -> str:
        """The name of the reading's file."""
        return hashlib.sha256(json.dumps([program_hash(), asdict(self)]).encode()).hexdigest()


class Readings(Protocol):
    """Reads lists, with or without what is kept of earlier readings."""

    def reading(self, key: ReadingKey, read: Callable[[], Read]) -> Read:
        """A list with its rules packed; ``read`` reads it, where that is needed."""


class ReadAnew:
    """Reads every list, and keeps nothing."""

    def reading(self, _: ReadingKey, read: Callable[[], Read]) -> Read:
        """As ``Readings`` says."""
        reading = read()
        return reading if isinstance(reading, str) else replace(reading, rules=packed(reading))


class KeptReadings:
    """The readings in a state directory."""

    def __init__(self, state: Path, *, writes: bool) -> None:
        """``writes`` is whether new ones are kept."""
        self._folder = state / _FOLDER
        self._writes = writes
        self._used: set[str] = set()

    def reading(self, key: ReadingKey, read: Callable[[], Read]) -> Read:
        """As ``Readings`` says."""
        name = key.hash()
        content = self.content(name)
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if content is not None:
                return _from_octets(content)
        reading = ReadAnew().reading(key, read)
        if isinstance(reading, BlockList):
            self.keep(name, _to_octets(reading))
        return reading

    def content(self, name: str) -> bytes | None:
        """What is kept under a name, as it was written; else None. ``prune`` leaves it."""
        self._used.add(name)
        try:
            octets = read_regular(self._folder / name, _LONGEST)
        except OSError:
            return None
        checksum, content = octets[:_CHECKSUM], octets[_CHECKSUM + 1 :]
        return content if _checksum(name, content) == checksum else None

    def keep(self, name: str, content: bytes) -> None:
        """Keep something under a name, which is a hash of all that it depends on."""
        if self._writes and len(content) < _LONGEST - _CHECKSUM:
            with contextlib.suppress(OSError):
                make_directory(self._folder)
                octets = _checksum(name, content) + b"\n" + content
                write_atomically(self._folder / name, octets)

    def prune(self) -> None:
        """Mark the readings that were used, and remove the oldest of the others beyond a bound.

        Only once all lists of a config were read.
        """
        with contextlib.suppress(OSError):
            for name in self._used:
                with contextlib.suppress(FileNotFoundError):
                    os.utime(self._folder / name)
            remove_oldest(self._folder, _MOST, besides=self._used)


_CHECKSUM: Final = 64
"""Hexadecimal digits of a SHA-256."""


def _checksum(name: str, content: bytes) -> bytes:
    digest = hashlib.sha256(name.encode())
    digest.update(content)
    return digest.hexdigest().encode()


def _to_octets(read: BlockList) -> bytes:
    rules = packed(read)
    blocking, digest, exceptions = rules.facts
    plain = {field.name: getattr(read, field.name) for field in fields(read)} | {
        "rules": [blocking, digest, [name.hex() for name in exceptions]],
        "reviewed": None if read.reviewed is None else read.reviewed.isoformat(),
        "refused": [[rule.name.hex(), *rule[1:], reason] for rule, reason in read.refused],
    }
    return json.dumps(plain).encode() + b"\n" + rules.octets


def _from_octets(content: bytes) -> BlockList:
    """The list; ValueError, KeyError or TypeError where an earlier release has written it."""
    head, _, rules = content.partition(b"\n")
    plain: dict[str, Any] = json.loads(head)
    blocking, digest, exceptions = plain["rules"]
    facts = RuleFacts(blocking, digest, tuple(map(bytes.fromhex, exceptions)))
    reviewed = plain["reviewed"]
    instead = {
        "rules": PackedRules(rules, facts),
        "ranges": tuple(plain["ranges"]),
        "reviewed": None if reviewed is None else dt.date.fromisoformat(reviewed),
        "skipped": tuple(SkippedLine(*line) for line in plain["skipped"]),
        "refused": tuple(
            (Rule(bytes.fromhex(name), subtree, exception, line), reason)
            for name, subtree, exception, line, reason in plain["refused"]
        ),
    }
    return BlockList(**{**plain, **instead})
