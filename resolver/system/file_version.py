"""Which version of a file there is, so that a watch sees that it has changed."""

import os
from pathlib import Path


def file_version(path: Path) -> tuple[int, ...]:
    """What changes when a file is written or replaced, or can be looked at no more, or again."""
    try:
        status = os.stat(path)  # noqa: PTH116 - of some hundred paths
    except OSError as error:
        return (error.errno or 0,)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
