"""What the server stands on and a fault may break: a small disk."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

DISK = 16 << 20
"""Octets of the small disk."""


@contextmanager
def small_disk(place: Path) -> Iterator[Sequence[str]]:
    """A small file system there; the command that leads to where it is seen."""
    if os.geteuid() != 0:
        yield []
        return
    mount = f"mount -t tmpfs -o size={DISK} tmpfs {place} && echo mounted && exec sleep infinity"
    holder = subprocess.Popen(
        ["unshare", "--mount", "--propagation=private", "sh", "-c", mount], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        with holder.stdout as said:
            assert said.readline() == b"mounted\n", "the small disk cannot be mounted"
        yield ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", f"--wdns={place.parent}"]
    finally:
        holder.kill()
        holder.wait()
