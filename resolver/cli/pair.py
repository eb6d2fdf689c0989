"""Commands on the other nodes of a pair, by the SSH of the person who gives the command.

No server has a key of another one: who steals a node cannot change the others. ssh asks its
questions, such as for a password, on the terminal itself.
"""

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from resolver.cli.default_config import default_config

NOT_REACHED = 3
"""The exit code where ssh fails, as where no server can be reached."""
_SSH = ("ssh", "-n", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=10", "--")
_SSH_FAILS = 255
_CODES = range(NOT_REACHED + 1)


class DoneThere(NamedTuple):
    """What a command has done on another node."""

    node: str
    command: str
    """The command, for a shell."""
    code: int
    """That of the command; ``NOT_REACHED`` where it did not run."""
    out: str
    err: str

    def lines(self) -> list[str]:
        """What to show of a command that changes the node; the line to run there, if it failed."""
        said = [*self.out.splitlines(), *self.err.splitlines()]
        if self.code:
            said += [f"it is not done there; to do it later, run there: {self.command}"]
        return [f"{self.node}: {each}" for each in said]


def run_there(node: str, config: Path, words: Sequence[str]) -> DoneThere:
    """Run ``darban`` on a node, for the config at the same path; without one, for its default."""
    named = [] if config == default_config() else ["--config", str(config.absolute())]
    command = shlex.join(["darban", *words, *named])
    try:
        done = subprocess.run(
            [*_SSH, node, command],
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        why = "ssh reaches the other nodes; install openssh-client"
        return DoneThere(node, command, NOT_REACHED, "", why)
    code = done.returncode if done.returncode in _CODES else NOT_REACHED
    err = done.stderr or ("ssh has failed" if done.returncode == _SSH_FAILS else "")
    return DoneThere(node, command, code, done.stdout, err)
