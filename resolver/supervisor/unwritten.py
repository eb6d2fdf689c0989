"""A config that a command has put in force, and whose files it has not written yet.

A command that changes the config has it put in force first, and then writes its files. If it is
killed between, what is in force is on no disk. So a record in the state directory says which files
the command writes, and what they were before. A start and a SIGHUP then keep what is in force, and
the next command writes the files (``cli/activation.py``).

What must stay true:
- A file that somebody has edited meanwhile counts: nothing is kept or written in its place.
- The record ends when the files are as the command was to write them, or when another config is put
  in force.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from resolver.compiler.candidate import SourceTexts
from resolver.files import read_regular, write_atomically
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.log import log
from resolver.metrics.facts import ServerFacts

_LOOK: Final = 1.0
"""Seconds between two looks at the files."""
_WRITING: Final = 5.0
"""Seconds that a command may take to write its files before that is a fault."""


_KEPT: Final = (
    "a command was killed that had put a config in force and had not written it; what it has put "
    "in force stays so, and 'darban reload' writes it"
)


@dataclass(frozen=True, slots=True)
class _Record:
    activated: float
    began: dict[str, str | None]
    """The SHA-256 of each file that the command writes, before; None where there was none."""
    texts: dict[str, str] = field(default_factory=dict)
    """All files of the config."""


class UnwrittenConfig:
    """The record in a state directory, and the files that it is about."""

    def __init__(self, config: Path, state: Path) -> None:
        self._folder = config.parent
        self._file = state / "unwritten.json"
        self._record = self._read()

    def _read(self) -> _Record | None:
        try:
            return _Record(**json.loads(read_regular(self._file, MAX_LIST_BYTES)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            log.error("%s: not used, it cannot be read (%s)", self._file, error)
            return None

    @property
    def began(self) -> Mapping[str, str | None] | None:
        """What the files were that a command was to write; None where all are written."""
        return None if self._record is None else self._record.began

    def begin(self, began: Mapping[str, str | None], texts: Mapping[str, str]) -> None:
        """Note that a command writes these of its files now."""
        files = {file: sha256 for file, sha256 in began.items() if file in texts}
        self._record = _Record(time.time(), files, dict(texts)) if files else None
        try:
            if self._record is None:
                self._file.unlink(missing_ok=True)
            else:
                write_atomically(self._file, json.dumps(asdict(self._record)).encode())
        except OSError as error:
            log.error("%s: cannot be written (%s)", self._file, error.strerror)

    def end(self) -> None:
        """Note that what is in force is on disk."""
        if self._record is not None:
            self.begin({}, {})

    def missing(self) -> list[str]:
        """The files that are not as they are in force; where there is none, the record ends."""
        record = self._record
        if record is None:
            return []
        missing = [file for file in record.began if self._hash(file) != _hash(record.texts[file])]
        if not missing and self._record is record:
            self.end()
        return missing

    def kept(self) -> SourceTexts | None:
        """The config to put in force instead of the files; None where somebody has edited one."""
        record = self._record
        if record is None or not (missing := self.missing()):
            return None
        if any(self._hash(file) != record.began[file] for file in missing):
            return None
        log.warning("%s: %s", ", ".join(missing), _KEPT)
        return SourceTexts(record.texts)

    def _hash(self, file: str) -> str | None:
        try:
            content = read_regular(self._folder / file, MAX_LIST_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            return str(error)  # it is neither of the two
        return hashlib.sha256(content).hexdigest()

    async def watch(self, facts: ServerFacts) -> None:
        """Look whether the files are written, and say where they are not, until cancelled."""
        while True:
            record = self._record
            missing = await asyncio.to_thread(self.missing)
            is_late = record is not None and not 0 <= time.time() - record.activated < _WRITING
            facts.unwritten = tuple(missing) if is_late else ()
            await asyncio.sleep(_LOOK)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
