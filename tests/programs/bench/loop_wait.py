"""How long a loop stands still at most while a snapshot is made ready beside it, as in a worker.

``targets`` starts this file with the Python of the build that is measured. It makes the snapshot
ready in a thread, beside a loop that is never idle, and prints the longest wait in milliseconds.
"""

import asyncio
import gc
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from resolver.engine.loaded_snapshot import Regime
from resolver.snapshot import store

_TIDY = 0.1
_TURN = 0.0001
"""Both as ``worker.worker`` has them."""


def main() -> None:
    """Measure and print."""
    with suppress(PermissionError):  # only root may keep other programs away
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    sys.setswitchinterval(_TURN)
    gc.freeze()
    gc.disable()
    sys.stdout.write(f"{asyncio.run(_longest_wait(Path(sys.argv[1]))) * 1e3}\n")


async def _longest_wait(snapshot: Path) -> float:
    loop = asyncio.get_running_loop()
    longest, latest, done = 0.0, time.perf_counter(), False

    def turn() -> None:
        nonlocal longest, latest
        now = time.perf_counter()
        longest, latest = max(longest, now - latest), now
        if not done:
            loop.call_soon(turn)

    def tidy() -> None:
        gc.collect(0)
        loop.call_later(_TIDY, tidy)

    turn()
    tidy()
    await asyncio.to_thread(lambda: Regime(*store.load(snapshot), time.time()))
    done = True
    return longest


if __name__ == "__main__":
    main()
