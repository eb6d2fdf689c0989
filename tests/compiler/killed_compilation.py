"""A compilation that is killed at a moment, in a process of its own."""

import os
import signal
import sys
from pathlib import Path

from resolver.compiler.compilation import compile_and_save
from resolver.compiler.compilation_result import ALL_LISTS
from resolver.snapshot import store
from tests.live.forked import FORKED

CHANGES = {
    *("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.utime", "os.chmod"),
    *("os.symlink", "os.link", "os.truncate"),
}
"""What changes the files, of the events that sys.audit knows; and "open", to write."""


def killed_at(moment: int, config: Path, state: Path) -> bool:
    """Put a config in force, but for a kill before the change of files with this number.

    Whether it was killed: it may make fewer changes.
    """
    process = FORKED.Process(target=_put_in_force_until, args=(config, state, moment))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _put_in_force_until(config: Path, state: Path, moment: int) -> None:
    os.environ["STATE_DIRECTORY"] = str(state)
    left = moment

    def look(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        flags = arguments[2] if event == "open" else 0
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        if writes or event in CHANGES:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)
    snapshot = Path(compile_and_save(config, state, None, [ALL_LISTS]).snapshot)
    store.mark_good(snapshot)
    store.prune(snapshot)
