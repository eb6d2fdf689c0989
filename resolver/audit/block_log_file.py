"""The files of the block log: append lines, rotate the file, remove old files.

The server's state may be on the same disk. The log leaves room there: without it no config could be
put in force, not even one that bounds the log.
"""

import contextlib
import datetime as dt
import errno
import os
import stat
from pathlib import Path

from resolver.audit.block_log_retention import (
    BlockLogDays,
    Retention,
    days_of,
    next_name,
    read_name,
)
from resolver.audit.retention_clock import day_of

NAME = "blocks.jsonl"
"""In the state directory."""
_MODE = 0o640
_RESERVE = 256 << 20
"""Octets of its disk that the log leaves to the state; of a disk below 1 GiB, a quarter."""
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


def block_log_days(state: Path) -> BlockLogDays | None:
    """The days (UTC) that the block log of a state directory holds; None where it has no line.

    OSError where the directory cannot be read.
    """
    path, written = state / NAME, None
    with contextlib.suppress(FileNotFoundError):
        status = path.stat()
        written = day_of(status.st_mtime) if status.st_size else None
    names = [entry.name for entry in state.iterdir()] if state.exists() else []
    return days_of(names, NAME, written)


class BlockLogFile:
    """The files of one block log. Every method may raise OSError, and can be called again then."""

    def __init__(self, path: Path, retention: Retention, state: Path) -> None:
        self.path = path
        self._retention = retention
        self._state = state
        self._file = -1

    def append(self, lines: bytes, today: dt.date | None) -> None:
        """Write whole lines, or none of them; ``today`` is None while the day is not certain."""
        if self._rotate(today):
            self._remove_old(today)
        if self._file < 0 or not os.fstat(self._file).st_nlink:  # somebody has removed it
            self._open()
        self._leave_room(len(lines))
        before = os.fstat(self._file).st_size
        try:
            while lines:
                lines = lines[os.write(self._file, lines) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, before)
            raise

    def tidy(self, today: dt.date | None) -> None:
        """Rotate the file where its lines are of another day, and remove old files."""
        self._rotate(today)
        self._remove_old(today)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        self.close()
        self._file = os.open(self.path, _FLAGS, _MODE)
        if stat.S_ISREG(os.fstat(self._file).st_mode):
            os.fchmod(self._file, _MODE)

    def _leave_room(self, octets: int) -> None:
        """Raise OSError where so many octets would take room that is left to the state."""
        if os.fstat(self._file).st_dev != self._state.stat().st_dev:
            return
        disk = os.fstatvfs(self._file)
        reserve = min(_RESERVE, disk.f_blocks * disk.f_frsize // 4)
        if disk.f_bavail * disk.f_frsize - octets < reserve:
            left = f"the last {reserve >> 20} MiB of this disk are left to {self._state}"
            raise OSError(errno.ENOSPC, left)

    def _rotate(self, today: dt.date | None) -> bool:
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(now.st_mode) or not now.st_size:
            return False
        day = day_of(now.st_mtime)
        if today in (None, day) and not self._retention.is_full(now.st_size):
            return False
        day = min(day, today or day)  # the clock may have been ahead
        self.close()
        names = (path.name for path in self.path.parent.iterdir())
        self.path.rename(self.path.with_name(next_name(names, self.path.name, day)))
        return True

    def _remove_old(self, today: dt.date | None) -> None:
        size = self.path.stat().st_size if self.path.is_file() else 0
        rotated = []
        for path in self.path.parent.iterdir():
            file = read_name(path.name, self.path.name)
            if file is not None:
                rotated.append((file, path.stat().st_size))
        for name in self._retention.outdated(rotated, today, size):
            self.path.with_name(name).unlink()
