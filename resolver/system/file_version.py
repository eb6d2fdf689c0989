"""Which version of a file there is, so that a watch sees that it has changed."""

import os
from pathlib import Path


def file_version(path: Path) -> tuple[int, ...]:
    """What changes when a file is written or replaced, or can be looked at no more, or again."""
    try:
        found = os.stat(path)  # noqa: PTH116 - of some hundred paths
    except OSError as error:
        return (error.errno or 0,)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
