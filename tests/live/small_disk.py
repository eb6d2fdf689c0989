"""A small file system, which a test fills."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.programs import lacking


@contextmanager
def small_disk(place: Path, size: str = "16m") -> Iterator[Path]:
    """Mount a file system of a size, as ``64k``, on a new directory; only root can do so."""
    if os.geteuid() != 0:
        lacking("needs to be root, to mount a file system")
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path, room: int = 0) -> Path:
    """Leave no room on a small disk, or so many octets; returns the file that takes the rest."""
    assert place.is_mount(), "this is not the small disk"
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    os.truncate(ballast, ballast.stat().st_size - room)
    return ballast
