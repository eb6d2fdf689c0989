"""Programs that run beside a test, and are ended with it."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(
    command: Sequence[str | Path], log: Path | str = os.devnull
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program while it runs, without an input; what it prints is added to a file."""
    with Path(log).open("ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)
