"""What the server stands on and a fault may break: a small disk, and a wall clock to step."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
"""Debian's package libfaketime."""
DISK = 16 << 20
"""Octets of the small disk."""


def fake_clock(place: Path) -> dict[str, str]:
    """The environment in which a file steps the wall clock."""
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(place / "clock"),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


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
