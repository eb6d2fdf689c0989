"""The block log in the supervisor: a thread that reads the workers' records and writes the file.

The workers write their records to a pipe. If the disk is full, slow or gone, only this thread
fails or waits: records that find no room in the pipe are lost, and counted by the worker.
"""

import datetime as dt
import fcntl
import os
import select
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from resolver.audit.block_log_file import NAME, BlockLogFile
from resolver.audit.block_log_retention import Retention
from resolver.audit.retention_clock import RetentionClock
from resolver.metrics.part import Part
from resolver.metrics.part_states import BlockLogState
from resolver.policy.settings import BlockLog
from resolver.system.log import log

_PIPE = 1 << 20
"""Octets of the pipe: some 5,000 records."""
_READ = 1 << 16
_GATHER = 0.01
"""Seconds between two reads of a pipe that was read empty. A worker shares its core with others:
without this pause each of its writes would wake this thread, for some 20 records."""
_TIDY = 60.0
"""Seconds between two removals of old files."""
_LAST = 2.0
"""Seconds that ``stop`` waits for the records in the pipe."""


class BlockLogWriter(Part):
    """The pipe and the thread; each snapshot says whether there is a block log, and where."""

    def __init__(self, state: Path) -> None:
        """``state`` is the state directory."""
        self._directory = state
        self._path: Path | None = None
        self._records = self._lost = 0
        self._problem = ""
        self._reading, self.pipe = os.pipe()
        """``pipe`` is the end that the workers inherit and write to."""
        os.set_blocking(self.pipe, False)
        with suppress(OSError):  # where this is not allowed the pipe is smaller
            fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, _PIPE)
        self._file: BlockLogFile | None = None
        self._retention_clock = RetentionClock()
        self._thread: threading.Thread | None = None

    def follow(self, settings: BlockLog | None) -> None:
        """Write by these settings from now on; None turns the block log off."""
        if settings is None:
            self._file = self._path = None
            return
        state = self._directory
        self._path = path = state / NAME
        retention = Retention(settings.retention_days, settings.max_bytes)
        self._file = BlockLogFile(path, retention, state)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="block log", daemon=True)
            self._thread.start()

    def states(self) -> Iterable[object]:
        """A ``BlockLogState``."""
        yield BlockLogState(self._path, self._records, self._lost, self._problem)

    def stop(self) -> None:
        """Write what is left in the pipe. All workers must have ended."""
        os.close(self.pipe)
        if self._thread is not None:
            self._thread.join(_LAST)

    def _run(self) -> None:
        """Read records and write them, until the pipe is closed."""
        file: BlockLogFile | None = None
        rest = b""
        tidy_at = 0.0
        while True:
            pause = max(0.0, tidy_at - time.monotonic())
            ready, _, _ = select.select([self._reading], [], [], pause)
            got = os.read(self._reading, _READ) if ready else b""
            if (new := self._file) is not file:
                if file is not None:
                    file.close()
                file = new
            lines, end, rest = (rest + got).rpartition(b"\n")
            if file is not None and end:
                self._write(file, lines + end)
            if time.monotonic() >= tidy_at:
                tidy_at = time.monotonic() + _TIDY
                if file is not None:
                    self._tidy(file)
            if ready and not got:
                return
            if len(got) < _READ:
                time.sleep(_GATHER)

    def _write(self, file: BlockLogFile, lines: bytes) -> None:
        records = lines.count(b"\n")
        try:
            file.append(lines, self._today())
        except OSError as error:
            self._failed(file, error)
            self._lost += records
            return
        self._records += records
        if self._problem:
            lost = self._lost
            log.warning("%s: the block log is written again; %d records lost", file.path, lost)
            self._problem = ""

    def _tidy(self, file: BlockLogFile) -> None:
        try:
            file.tidy(self._today())
        except OSError as error:
            self._failed(file, error)

    def _today(self) -> dt.date | None:
        return self._retention_clock.read(time.time(), time.monotonic())

    def _failed(self, file: BlockLogFile, error: OSError) -> None:
        """Log the first failure since a line was written."""
        if not self._problem:
            log.error(
                "%s: the block log cannot be written (%s); queries are answered all the same",
                file.path,
                error.strerror,
            )
        self._problem = str(error.strerror)
