"""Commands on the other nodes of a pair, by the SSH of the person who gives the command.

No server has a key of another one: who steals a node cannot change the others. ssh asks its
questions, such as for a password, on the terminal itself. What a node prints is bounded, in octets
and in time.

An exemption for a pair: ``exempt`` makes an edit (``exemption_edits``), ``activation`` puts it in
force here, and then the same command runs on each host of ``[pair] nodes``, with the id, the end as
a moment, and ``--here``, so that no node asks another one. Where it fails, the command to run there
later is printed. A node that has the exemption already leaves it as it is, so that a command can be
run again.
"""

import os
import selectors
import shlex
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from resolver.cli.default_config import default_config

NOT_REACHED = 3
"""The exit code where ssh fails, as where no server can be reached."""
_SSH = ("ssh", "-n", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=10", "--")
_SSH_FAILS = 255
_CODES = range(NOT_REACHED + 1)
_MOST_OUTPUT = 16 * 2**20
"""Octets that a node may print; the status of a large network has some 100 KiB."""
_MOST_SECONDS = 120.0
"""For the command and the login; a person may have to type a password."""
_MOST_READ = 65536


class _GivenUpError(Exception):
    """A node prints too much, or its command takes too long; the text says which."""


class DoneThere(NamedTuple):
    """What a command has done on another node."""

    node: str
    command: str
    """The command, for a shell."""
    code: int
    """That of the command; ``NOT_REACHED`` where it did not run."""
    out: str
    err: str
    is_known: bool = True
    """False where the command may have run there, or may still run."""

    def lines(self) -> list[str]:
        """What to show of a command that changes the node; the line to run there, if it failed."""
        said = [*self.out.splitlines(), *self.err.splitlines()]
        if self.code:
            done = "it is not done there" if self.is_known else "it may not be done there"
            said += [f"{done}; to do it later, run there: {self.command}"]
        return [f"{self.node}: {line}" for line in said]


def run_there(node: str, config: Path, words: Sequence[str]) -> DoneThere:
    """Run ``darban`` on a node, for the config at the same path; without one, for its default."""
    named = [] if config == default_config() else ["--config", str(config.absolute())]
    command = shlex.join(["darban", *words, *named])
    try:
        exit_code, out, err = _run([*_SSH, node, command])
    except FileNotFoundError:
        why = "ssh reaches the other nodes; install openssh-client"
        return DoneThere(node, command, NOT_REACHED, "", why)
    except _GivenUpError as error:
        return DoneThere(node, command, NOT_REACHED, "", str(error), is_known=False)
    code = exit_code if exit_code in _CODES else NOT_REACHED
    err = err or ("ssh has failed" if exit_code == _SSH_FAILS else "")
    return DoneThere(node, command, code, out, err)


def _run(command: Sequence[str]) -> tuple[int, str, str]:
    """Run a command: its exit code, and what it prints.

    Raises:
        _GivenUpError: it was killed, since it prints too much or takes too long.
    """
    until = time.monotonic() + _MOST_SECONDS
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            printed = _printed(process, until)
            code = process.wait(max(until - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            raise _too_long() from None
        finally:
            process.kill()
    out, err = (octets.decode(errors="replace") for octets in printed)
    return code, out, err


def _printed(process: "subprocess.Popen[bytes]", until: float) -> tuple[bytes, bytes]:
    """What a process prints until it closes both pipes."""
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, out)
        selector.register(process.stderr, selectors.EVENT_READ, err)
        while selector.get_map():
            ready = selector.select(max(until - time.monotonic(), 0))
            if not ready:
                raise _too_long()
            for key, _ in ready:
                octets = os.read(key.fd, _MOST_READ)
                if not octets:
                    selector.unregister(key.fileobj)
                key.data.extend(octets)
            if len(out) + len(err) > _MOST_OUTPUT:
                raise _GivenUpError(f"it prints more than {_MOST_OUTPUT >> 20} MiB; given up")
    return bytes(out), bytes(err)


def _too_long() -> _GivenUpError:
    return _GivenUpError(f"the command has not ended within {_MOST_SECONDS:g} s; given up")
