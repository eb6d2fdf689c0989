"""Commands as people run them: in a directory, to their end."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.live.server import DARBAN

GOOD, NO, WRONG, UNREACHABLE = range(4)
"""Exit codes."""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """The one object that it printed."""
        told: dict[str, object] = json.loads(self.out)
        return told


def darban(*arguments: str | Path, at: Path, program: Sequence[str | Path] = (DARBAN,)) -> Done:
    """Run a command in a directory, with no state directory but the config's own."""
    environment = {k: v for k, v in os.environ.items() if k != "STATE_DIRECTORY"}
    done = subprocess.run(
        [*program, *arguments],
        cwd=at,
        env={**environment, "NO_COLOR": "1", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)
