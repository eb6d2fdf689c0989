"""How a child process begins, works once and ends."""

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn


def begin() -> None:
    """Ignore SIGHUP, which means the supervisor, and look for no cycles: a child ends soon."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    gc.disable()


def end() -> NoReturn:
    """End at once: nothing is left to do, and freeing a large heap takes long."""
    sys.stdout.flush()
    os._exit(0)


def work_once(work: Callable[[], Mapping[str, object]]) -> NoReturn:
    """Print the result of some work as a JSON object, and end."""
    begin()
    json.dump(work(), sys.stdout)
    end()
