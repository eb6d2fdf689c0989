"""A wall clock to step, in a process and all of its children: libfaketime."""

from pathlib import Path

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
"""Debian's package libfaketime."""


def fake_clock(place: Path) -> dict[str, str]:
    """The environment in which a file in a directory, ``clock``, steps the wall clock.

    The file has the seconds to add, as ``+60``. It is read once a second.
    """
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(place / "clock"),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
