"""What a command does, shown on a terminal once it takes a second.

It is shown on standard error, and goes when it is done. Where standard error is no terminal,
nothing is written.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from resolver.system.log import escaped
from resolver.system.steps import Step, unseen

_DELAY = 1.0
"""Seconds."""


@contextmanager
def progress(first: str) -> Iterator[Step]:
    """Show what the body does; it begins with the step ``first``, and says each later one."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield unseen
        return
    # Most commands are quick, and the server's own process must stay small.
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    shown = Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = shown.add_task(escaped(first), total=None)
    start = threading.Timer(_DELAY, shown.start)
    start.daemon = True
    start.start()
    try:
        yield lambda step: shown.update(task, description=escaped(step))
    finally:
        start.cancel()
        start.join()
        if shown.live.is_started:
            shown.stop()
