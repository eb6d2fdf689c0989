"""A directory that every user may enter, whatever the directories around it permit."""

import ctypes
import os
import stat
import subprocess
from pathlib import Path
from tempfile import mkdtemp

_CLONE_NEWNS = 0x20000


def open_to_all(place: Path) -> None:
    """Let every user enter a directory of root; only this process and its children see that.

    The directories around it that are closed to others get another mode, by an overlay.
    """
    closed = [parent for parent in place.parents if not parent.stat().st_mode & stat.S_IXOTH]
    if not closed or os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(_CLONE_NEWNS) == 0, os.strerror(ctypes.get_errno())
    outermost, memory = closed[-1], Path(mkdtemp())
    _run("mount", "--make-rprivate", "/")
    _run("mount", "-t", "tmpfs", "tmpfs", memory)
    before = os.umask(0o022)
    (memory / "work").mkdir()
    (memory / "above" / place.relative_to(outermost)).mkdir(parents=True)
    os.umask(before)
    options = f"lowerdir={outermost},upperdir={memory / 'above'},workdir={memory / 'work'}"
    _run("mount", "-t", "overlay", "-o", options, "overlay", outermost)
    _run("umount", "--lazy", memory)  # the overlay keeps it
    memory.rmdir()


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)
