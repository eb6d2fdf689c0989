"""How busy this machine was while something was measured on it."""

import time
from pathlib import Path

TRIES = 3
"""Of what has taken too long on a busy machine."""
_PRESSURE = Path("/proc/pressure/cpu")
_BUSY = 0.4
"""On two CPUs that have nothing else to do, the share is about 0.1."""


class CpuPressure:
    """Watches, from when it is made, in which share of the time something waits for a CPU."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._waited = _waited_for_cpu()

    @property
    def share(self) -> float:
        """The share until now, of all processes of this machine."""
        return (_waited_for_cpu() - self._waited) / (time.monotonic() - self._began)


def is_busy(share: float) -> bool:
    """Whether with this share of waiting a time that is too long says nothing of the server."""
    return share > _BUSY


def _waited_for_cpu() -> float:
    """The seconds until now in which something had to wait for a CPU, on this machine."""
    if not _PRESSURE.exists():
        return 0.0
    return int(_PRESSURE.read_text(encoding="ascii").split()[4].removeprefix("total=")) / 1e6
