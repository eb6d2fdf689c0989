"""Files that a command of root must neither wait for nor read without a bound."""

import os
from pathlib import Path

import pytest


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


irregular_files = pytest.mark.parametrize(
    ("put", "why"),
    [
        (os.mkfifo, "a named pipe"),
        (lambda path: path.symlink_to("/dev/zero"), "no regular file"),
        (_sparse, "more than {} MiB"),
    ],
    ids=["pipe", "device", "sparse"],
)
"""``put`` makes the file; ``why`` is what is said of it, with the bound."""
