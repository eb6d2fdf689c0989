"""Child processes that run a module of this program.

A child runs by exec, with the same interpreter and the same code: its import path starts with
the directory that holds the ``resolver`` package. It never imports from the current directory,
where anybody may have put a ``json.py``.

Where memory runs out, the kernel shall end what works for the server before what answers queries.
systemd protects the server (``OOMScoreAdjust``), and a child inherits that: all children but the
workers give it up before they begin.
"""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
_END = 2.0
"""Seconds."""
_EXPENDABLE = "{ echo 500 >/proc/self/oom_score_adj; } 2>/dev/null; "


def command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of this program."""
    return [sys.executable, "-P", "-m", module, *arguments]


def expendable(*command: str, limits: str = "") -> list[str]:
    """The command line that runs a command as one that the kernel ends before the server.

    ``limits`` are commands of the shell, such as ``ulimit -v 65536 && ``.
    """
    return ["/bin/sh", "-c", f'{_EXPENDABLE}{limits}exec "$@"', "sh", *command]


def environment() -> dict[str, str]:
    """The environment of the child: the parent's, with the import path."""
    paths = [_ROOT, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


async def start(module: str, *arguments: str, limits: str = "") -> Process:
    """Start a module as a child process; OSError where that is not possible.

    ``limits`` are as those of ``expendable``.
    """
    line = expendable(*command(module, *arguments), limits=limits)
    return await asyncio.create_subprocess_exec(*line, env=environment(), stdin=PIPE, stdout=PIPE)


async def output(process: Process, given: bytes = b"") -> tuple[bytes, int | None]:
    """What a child prints when it gets this input, and its exit code; it dies where cancelled."""
    try:
        printed, _ = await process.communicate(given)
    except asyncio.CancelledError:
        await kill(process)
        raise
    return printed, process.returncode


async def ask(process: Process, line: bytes) -> bytes:
    """The line that a child prints when it gets this line, each with its newline.

    It is cut short or empty where the child ends instead. The child dies where cancelled.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(line)
        return await process.stdout.readline()
    except asyncio.CancelledError:
        await kill(process)
        raise


async def kill(process: Process) -> None:
    """Kill a child, and wait for its end, at most 2 s: one that waits for a disk cannot end."""
    # Not ``process.kill``: it may take the exit status that asyncio waits for, which then warns.
    with contextlib.suppress(ProcessLookupError):
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END):
            await process.wait()
