"""The heartbeats of a worker whose modules are still loaded, which takes long on a busy machine.

So a worker that stands still in its start is noticed as soon as one that stands still later.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PAUSE: Final = 0.5
_LONGEST: Final = 10.0
"""Seconds after which there are no more; then the loading itself hangs."""


@contextmanager
def first_beats() -> Iterator[None]:
    """Give heartbeats in a thread, while the main thread loads modules.

    The supervisor says where in the shared memory: the module that knows loads slowly, too.
    """
    given, ended = json.loads(sys.argv[1]), threading.Event()
    place = (given["memory"], given["heartbeat"])
    beating = threading.Thread(target=_beat, args=(*place, ended), daemon=True)
    beating.start()
    yield
    ended.set()
    beating.join()


def _beat(memory: int, offset: int, ended: threading.Event) -> None:
    end = time.monotonic() + _LONGEST
    while (now := time.monotonic()) < end:
        os.pwrite(memory, int(now * 1000).to_bytes(8, sys.byteorder), offset)
        if ended.wait(_PAUSE):
            return
