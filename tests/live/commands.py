"""Commands as people run them: in a directory, to their end.

Each is a process of its own. It is forked from one that has imported the commands already,
since the imports take longer than most commands.
"""

import json
import os
import sys
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from resolver.cli import main
from resolver.cli.app import COMMANDS, module_name
from tests.live.configs import ROOT
from tests.live.open_directory import open_to_all

GOOD, NO, WRONG, UNREACHABLE = range(4)
"""Exit codes."""

FORKED = get_context("forkserver")
"""Makes processes that have imported all commands."""
FORKED.set_forkserver_preload([*map(module_name, COMMANDS), __name__])


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
    words = ["darban", *map(str, arguments)]
    with TemporaryDirectory() as directory:
        out, err = Path(directory, "out"), Path(directory, "err")
        process = FORKED.Process(
            target=_run, args=(words, environment, at, out, err, state_of_service)
        )
        process.start()
        process.join(60)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"{words} does not end")
        done = Done(process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))
    assert "Traceback" not in done.err, done.err
    return done


def diff(*arguments: str | Path, at: Path) -> dict[str, Any]:
    """What ``darban diff --json`` prints."""
    done = darban("diff", "--json", *arguments, at=at)
    assert done.code in (GOOD, NO), done.err
    return done.json


def _run(
    words: list[str],
    environment: dict[str, str],
    at: Path,
    out: Path,
    err: Path,
    state_of_service: bool,
) -> None:
    """The command, in a process of its own."""
    if state_of_service:
        open_to_all(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(at)
    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = words
    main()
