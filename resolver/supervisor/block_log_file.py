"""The files of the block log: lines are appended, files put aside, old ones removed."""

import contextlib
import datetime as dt
import os
import stat
from pathlib import Path

from resolver.supervisor.block_log_retention import Retention, next_name, read_name

_MODE = 0o640
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


class BlockLogFile:
    """One log; every method may raise OSError, and can be called again after that."""

    def __init__(self, path: Path, retention: Retention) -> None:
        self.path = path
        self._retention = retention
        self._file = -1

    def append(self, lines: bytes, wall: float) -> None:
        """Write whole lines, or none of them; ``wall`` is now, in seconds since 1970."""
        if self._put_aside(wall):
            self._remove_old(wall)
        if self._file < 0 or not os.fstat(self._file).st_nlink:  # somebody has removed it
            self._open()
        before = os.fstat(self._file).st_size
        try:
            while lines:
                lines = lines[os.write(self._file, lines) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, before)
            raise

    def tidy(self, wall: float) -> None:
        """Put aside what is of another day, and remove what is too old or too much."""
        self._put_aside(wall)
        self._remove_old(wall)

    def _remove_old(self, wall: float) -> None:
        size = self.path.stat().st_size if self.path.is_file() else 0
        found = []
        for place in self.path.parent.iterdir():
            aside = read_name(place.name, self.path.name)
            if aside is not None:
                found.append((aside, place.stat().st_size))
        for name in self._retention.outdated(found, _day(wall), size):
            self.path.with_name(name).unlink()

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        self.close()
        self._file = os.open(self.path, _FLAGS, _MODE)
        if stat.S_ISREG(os.fstat(self._file).st_mode):
            os.fchmod(self._file, _MODE)

    def _put_aside(self, wall: float) -> bool:
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(now.st_mode) or not now.st_size:
            return False
        day = _day(now.st_mtime)
        if day == _day(wall) and not self._retention.is_full(now.st_size):
            return False
        self.close()
        names = (place.name for place in self.path.parent.iterdir())
        self.path.rename(self.path.with_name(next_name(names, self.path.name, day)))
        return True


def _day(wall: float) -> dt.date:
    return dt.datetime.fromtimestamp(wall, dt.UTC).date()
