"""Commands as people run them: in a directory, to their end, each a process of its own."""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.live.forked import Call, ForkedProcess

GOOD, NO, WRONG, UNREACHABLE, NOT_CHECKABLE = range(5)
"""Exit codes."""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object that it printed."""
        told: dict[str, Any] = json.loads(self.out)
        return told


def darban(
    *arguments: str | Path, at: Path, state_of_service: bool = False, **variables: str
) -> Done:
    """Run a command in a directory, with no state directory but the config's own.

    Its environment has more variables, and is without those that are given as empty. Where the
    state directory is of the service's user, the command takes the rights of this user, who must
    be able to read the program: this checkout may be in the home of root.
    """
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100", "STATE_DIRECTORY": ""}
    environment = {k: v for k, v in (environment | variables).items() if v}
    words = [*map(str, arguments)]
    with TemporaryDirectory() as directory:
        out, err = Path(directory, "out"), Path(directory, "err")
        process = ForkedProcess(Call(words, environment, at, out, err, state_of_service))
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            raise
        done = Done(code, out.read_text("utf-8"), err.read_text("utf-8"))
    assert "Traceback" not in done.err, done.err
    return done


def diff(*arguments: str | Path, at: Path) -> dict[str, Any]:
    """What ``darban diff --json`` prints."""
    done = darban("diff", "--json", *arguments, at=at)
    assert done.code in (GOOD, NO), done.err
    return done.json
