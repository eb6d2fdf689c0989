"""The supervisor's side of the block log: a thread of its own reads the pipe and writes.

A disk that is full, slow or gone makes this thread fail or wait, and nothing else: the
workers' records then find no room in the pipe, are lost, and counted.
"""

import fcntl
import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from resolver.metrics.facts import BlockLogState
from resolver.metrics.log import log
from resolver.policy.compiled import BlockLog
from resolver.supervisor.block_log_file import BlockLogFile
from resolver.supervisor.block_log_retention import Retention

NAME = "blocks.jsonl"
_PIPE = 1 << 20
"""Octets that the pipe is to hold: some 5,000 records."""
_READ = 1 << 16
_TIDY = 60.0
"""Seconds between looks at what is too old."""
_LAST_WORDS = 2.0
"""Seconds that the end waits for what is in the pipe."""


class BlockLogWriter:
    """The pipe and the thread; a snapshot says whether and where is written."""

    def __init__(self, base: Path, state: Path, clock: Callable[[], float] = time.time) -> None:
        """``base`` is where files are seen from, ``state`` where the usual one is."""
        self.written = BlockLogState()
        self._base = base
        self._state = state
        self._clock = clock
        self._reading, self.pipe = os.pipe()
        """``pipe`` is the end that the workers write to, and inherit."""
        os.set_blocking(self.pipe, False)
        with suppress(OSError):  # less has to do, where this is not allowed
            fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, _PIPE)
        self._settings: BlockLog | None = None
        self._thread: threading.Thread | None = None

    def follow(self, settings: BlockLog | None) -> None:
        """Write as these settings say, from now on."""
        self.written.path = None if settings is None else self._place(settings)
        self._settings = settings
        if settings is not None and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="block log", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Write what is left, once no worker writes to the pipe any more."""
        os.close(self.pipe)
        if self._thread is not None:
            self._thread.join(_LAST_WORDS)

    def _place(self, settings: BlockLog) -> Path:
        return self._base / settings.file if settings.file else self._state / NAME

    def _run(self) -> None:
        """Read lines and write them, until the pipe is closed."""
        settings: BlockLog | None = None
        file: BlockLogFile | None = None
        rest = b""
        tidy_at = 0.0
        while True:
            pause = max(0.0, tidy_at - time.monotonic())
            ready, _, _ = select.select([self._reading], [], [], pause)
            got = os.read(self._reading, _READ) if ready else b""
            if self._settings is not settings:
                settings = self._settings
                file = self._file(file, settings)
            lines, end, rest = (rest + got).rpartition(b"\n")
            if file is not None and end:
                self._write(file, lines + end)
            if time.monotonic() >= tidy_at:
                tidy_at = time.monotonic() + _TIDY
                if file is not None:
                    self._tidy(file)
            if ready and not got:
                return

    def _file(self, before: BlockLogFile | None, settings: BlockLog | None) -> BlockLogFile | None:
        if before is not None:
            before.close()
        if settings is None:
            return None
        retention = Retention(settings.retention_days, settings.max_bytes)
        return BlockLogFile(self._place(settings), retention)

    def _write(self, file: BlockLogFile, lines: bytes) -> None:
        records = lines.count(b"\n")
        try:
            file.append(lines, self._clock())
        except OSError as error:
            self._fails(file, error)
            self.written.lost += records
            return
        self.written.records += records
        if self.written.problem:
            lost = self.written.lost
            log.warning("%s: the block log is written again; %d records lost", file.path, lost)
            self.written.problem = ""

    def _tidy(self, file: BlockLogFile) -> None:
        try:
            file.tidy(self._clock())
        except OSError as error:
            self._fails(file, error)

    def _fails(self, file: BlockLogFile, error: OSError) -> None:
        """Tell of a failure once, until a line was written again."""
        if not self.written.problem:
            log.error(
                "%s: the block log cannot be written (%s); queries are answered all the same",
                file.path,
                error.strerror,
            )
        self.written.problem = str(error.strerror)
