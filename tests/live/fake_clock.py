"""A wall clock to step, in a process and all of its children: libfaketime.

``python -m tests.live.fake_clock DAYS COMMAND`` runs a command with the clock so many days ahead.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
"""Debian's package libfaketime."""


def fake_clock(place: Path) -> dict[str, str]:
    """The environment in which a file in a directory, ``clock``, steps the wall clock.

    The file has the seconds to add, as ``+60``. It is read once a second.
    """
    # Forced, libfaketime's fix of monotonic waits has every thread that waits for the GIL spin.
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(place / "clock"),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        "NO_FAKE_STAT": "1",
    }


def real_clock() -> dict[str, str]:
    """The environment of what libfaketime does not get into, or stops (BIND): systemd, a chroot."""
    return {key: value for key, value in os.environ.items() if key not in fake_clock(Path())}


def main() -> int:
    """Run a command with the clock ahead; its exit code."""
    days, *command = sys.argv[1:]
    if not FAKETIME.exists():
        sys.exit("No libfaketime: apt install faketime")
    with TemporaryDirectory(prefix="darban-clock-") as directory:
        Path(directory, "clock").write_text(f"+{days}d", encoding="ascii")
        environment = {**os.environ, **fake_clock(Path(directory))}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
