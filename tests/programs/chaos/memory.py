"""The memory of processes over time, and its slope.

What is measured is anonymous memory, which is where a leak grows: the processes are started by
exec, so none of it is shared, and it does not change when another process ends. The slope is that
of the line of least squares through all samples after the warm-up.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_INTERVAL = 2.0
"""Seconds between two samples."""

Sample = tuple[float, float]
"""Monotonic seconds, and MiB."""


def anonymous(pid: int) -> float:
    """The MiB of anonymous memory that a process holds; OSError where it has ended."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("Anonymous:"))
    return int(line.split()[1]) / 1024


def slope(samples: Sequence[Sample], seconds: float) -> float:
    """What the memory grows by in so many seconds, by the line of least squares."""
    count = len(samples)
    mean = sum(moment for moment, _ in samples) / count
    spread = sum((moment - mean) ** 2 for moment, _ in samples)
    return seconds * sum((moment - mean) * value for moment, value in samples) / spread


class MemoryOverTime:
    """Samples of processes, taken in a thread until it is stopped."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self.samples: dict[str, list[Sample]] = {name: [] for name in pids}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "MemoryOverTime":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def together(self) -> dict[str, list[Sample]]:
        """All samples, and their sums as ``both``."""
        sums = [
            (each[0][0], sum(value for _, value in each))
            for each in zip(*self.samples.values(), strict=False)
        ]
        return self.samples | {"both": sums}

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL):
            values = {name: anonymous(pid) for name, pid in self._pids.items()}
            now = time.monotonic()
            for name, value in values.items():
                self.samples[name].append((now, value))
