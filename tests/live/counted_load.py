"""A steady load from a process of its own, and what has become of its queries."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live import steady_load


@contextmanager
def counted_load(
    port: int, rate: int, *addresses: str, through: Sequence[str | Path] = ()
) -> Iterator[dict[str, float]]:
    """Ask steadily until the block ends; then, the counts that ``steady_load`` prints.

    ``addresses`` are the server's and the client's, where they are not the usual ones of loopback.
    """
    command = [*through, sys.executable, steady_load.__file__, str(port), str(rate), *addresses]
    counts: dict[str, float] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        try:
            yield counts
        finally:
            out, _ = asking.communicate(timeout=60)
    counts |= json.loads(out)
