"""``darban``, forked from a process that has imported all of it.

The imports take longer than most commands, and are a third of a server's start. What is forked is
otherwise as one begins it: its words, its environment, its directory, the network namespace of who
begins it, a session of its own.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from resolver.cli import main
from resolver.cli.app import COMMANDS, module_name
from tests.live.configs import ROOT
from tests.live.namespaces import enter
from tests.live.open_directory import open_to_all

MODULE = (sys.executable, "-m", "resolver")
FORKED = get_context("forkserver")
"""Makes processes that have imported all commands."""
FORKED.set_forkserver_preload(
    [*map(module_name, COMMANDS), "resolver.cli.run", "tests.live.warmed"]
)


@dataclass(frozen=True)
class Call:
    """One call of ``darban``, whose output is added to two files."""

    words: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    out: Path
    err: Path
    state_of_service: bool = False


class ForkedProcess:
    """A call that runs; it has what ``Popen`` has."""

    def __init__(self, call: Call) -> None:
        network = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net")
        begun, tells = FORKED.Pipe(duplex=False)
        self._process = FORKED.Process(target=_run, args=(call, network, tells))
        self._process.start()
        tells.close()
        begun.recv()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """The exit code, or less than 0 for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends; its exit code."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("darban", timeout or 0)
        return code


def _run(call: Call, network: Path, tells: "Connection[None, None]") -> None:
    """The command, in a process of its own."""
    os.setsid()
    if network.readlink() != Path("/proc/self/ns/net").readlink():
        enter(network)
    tells.send(None)
    tells.close()
    if call.state_of_service:
        open_to_all(ROOT)
    os.environ.clear()
    os.environ.update(call.environment)
    os.chdir(call.directory)
    for path, number in ((call.out, 1), (call.err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.argv = ["darban", *call.words]
    sys.orig_argv = [*MODULE, *call.words]  # with these, a server begins again
    main()
