"""Read the clock by which the audit log is written."""

import os
import time
from functools import cache
from pathlib import Path
from typing import Final

from resolver.audit.record import ClockReading
from resolver.metrics import kernel

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def read_clock() -> ClockReading:
    """What the clock says now."""
    now = time.time()
    offset = now - time.clock_gettime(time.CLOCK_BOOTTIME)
    return ClockReading(now, round(offset, 6), _boot(), kernel.clock_synchronised())


@cache
def _boot() -> str:
    """The unit gives it as BOOT_ID, since its ProcSubset=pid hides the kernel's file."""
    if known := os.environ.get("BOOT_ID"):
        return known
    try:
        return _BOOT_ID.read_bytes().decode().strip().replace("-", "")
    except OSError:
        return ""
