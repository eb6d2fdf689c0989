"""The files of the block log: append lines, rotate the file, remove old files."""

import contextlib
import datetime as dt
import os
import stat
from pathlib import Path

from resolver.supervisor.block_log_retention import Retention, next_name, read_name

_MODE = 0o640
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


class BlockLogFile:
    """The files of one block log. Every method may raise OSError, and can be called again then."""

    def __init__(self, path: Path, retention: Retention) -> None:
        self.path = path
        self._retention = retention
        self._file = -1

    def append(self, lines: bytes, wall: float) -> None:
        """Write whole lines, or none of them; ``wall`` is now, in seconds since 1970."""
        if self._rotate(wall):
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
        """Rotate the file where its lines are of another day, and remove old files."""
        self._rotate(wall)
        self._remove_old(wall)

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

    def _rotate(self, wall: float) -> bool:
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
        names = (path.name for path in self.path.parent.iterdir())
        self.path.rename(self.path.with_name(next_name(names, self.path.name, day)))
        return True

    def _remove_old(self, wall: float) -> None:
        size = self.path.stat().st_size if self.path.is_file() else 0
        rotated = []
        for path in self.path.parent.iterdir():
            file = read_name(path.name, self.path.name)
            if file is not None:
                rotated.append((file, path.stat().st_size))
        for name in self._retention.outdated(rotated, _day(wall), size):
            self.path.with_name(name).unlink()


def _day(wall: float) -> dt.date:
    return dt.datetime.fromtimestamp(wall, dt.UTC).date()
