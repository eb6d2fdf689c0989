"""Run git for the policy: nothing that a repository holds or a server sends is executed or trusted.

git reads no config but the options here: no hooks, no filters, no credentials, no programs but ssh
and ssh-keygen. It follows no link in a repository. It runs in a repository of the state directory
as the service's user, at low priority, for a limited time. Each of its processes has a limited
memory, since a pack of a kilobyte can hold objects of gigabytes, and writes files of a limited
size. Only HTTPS, SSH and files are asked.
"""

import asyncio
import contextlib
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from pathlib import Path

from resolver import DarbanError
from resolver.system import child_process
from resolver.system.background_priority import NICENESS

LONG = 300.0
"""Seconds for what git downloads, packs or checks."""
_MAX_MIB = 256
"""Of memory, for each process; the largest list (``MAX_LIST_BYTES``) needs most of this. Also of a
file that git writes, such as a pack."""
_LIMITS = f"ulimit -v {_MAX_MIB << 10} && ulimit -f {_MAX_MIB << 11} && "
_PAST_LIMIT = ("Out of memory", f"died of signal {signal.SIGXFSZ.value}")
_MAX_OUTPUT = 1 << 20
_MAX_REASON = 300
"""Characters of git's own words that are shown."""

_OPTIONS = (
    *("protocol.allow=never", "protocol.https.allow=always", "protocol.ssh.allow=always"),
    "protocol.file.allow=always",
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.symlinks=false"),
    *("transfer.fsckObjects=true", "fetch.recurseSubmodules=false"),
    *("gc.autoDetach=false", "maintenance.autoDetach=false"),
    *("http.lowSpeedLimit=1000", "http.lowSpeedTime=30"),
    # what is fetched stays one pack, as it came, and is not unpacked in memory
    *("transfer.unpackLimit=1", "core.bigFileThreshold=32m", "core.deltaBaseCacheLimit=32m"),
    *("core.packedGitWindowSize=16m", "core.packedGitLimit=64m"),
    *("pack.threads=1", "pack.window=0", "pack.packSizeLimit=128m", "repack.writeBitmaps=false"),
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "https:ssh:file",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=15",
    "LC_ALL": "C.UTF-8",
}
_INHERITED = ("PATH", "TMPDIR", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY")


class GitFailed(DarbanError):
    """git could not do it; the message has its words."""


async def run_git(
    repository: Path,
    *arguments: str,
    seconds: float = 60,
    options: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    good: tuple[int, ...] = (0,),
    errors_fail: bool = False,
) -> tuple[str, int]:
    """What git prints, and its exit code.

    Args:
        repository: The directory of the repository, without a work tree.
        arguments: The command and its arguments.
        seconds: How long it may take.
        options: More settings, as ``key=value``.
        environment: More variables.
        good: The exit codes that are no failure.
        errors_fail: Whether an error that git reports is a failure with any exit code.

    Raises:
        GitFailed: git is not installed, takes too long, or reports an error.
    """
    if shutil.which("git") is None:
        raise GitFailed("git is not installed; Debian: apt install git openssh-client")
    settings = [part for option in (*_OPTIONS, *options) for part in ("-c", option)]
    command = ("nice", "-n", str(NICENESS), "git", *settings, *arguments)
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    of_repository = {"HOME": str(repository), "GIT_DIR": str(repository)}
    try:
        process = await asyncio.create_subprocess_exec(
            *child_process.expendable(*command, limits=_LIMITS),
            cwd=repository,
            env={**inherited, **_ENVIRONMENT, **of_repository, **(environment or {})},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise GitFailed(f"git cannot be started ({error.strerror})") from None
    try:
        async with asyncio.timeout(seconds):
            printed, said = await asyncio.gather(_end(process.stdout), _end(process.stderr))
            code = await process.wait()
    except TimeoutError:
        raise GitFailed(f"git {arguments[0]} took more than {seconds:.0f} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):  # it, and what it has started
            os.killpg(process.pid, signal.SIGKILL)
        await child_process.kill(process)
    reported = any(line.startswith("error:") for line in said.splitlines())
    if code not in good or (errors_fail and reported):
        raise GitFailed(_reason(said) or f"git {arguments[0]} ended with exit code {code}")
    return printed.strip(), code


async def _end(stream: asyncio.StreamReader | None) -> str:
    """The last part of what a process prints, which may be endless."""
    assert stream is not None, "it is a pipe"
    kept = b""
    while piece := await stream.read(_MAX_OUTPUT):
        kept = (kept + piece)[-_MAX_OUTPUT:]
    return kept.decode(errors="replace")


def _reason(said: str) -> str:
    """The lines that say what is wrong, each with the one before it, which may be of ssh."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    is_wrong = [line.startswith(("fatal:", "error:")) for line in lines]
    following = [*is_wrong[1:], False]
    wrong = [line for line, *why in zip(lines, is_wrong, following, strict=True) if any(why)]
    past = f" (git may use {_MAX_MIB} MiB of memory, and write files of {_MAX_MIB} MiB)"
    is_past = any(sign in said for sign in _PAST_LIMIT)
    return "; ".join(wrong or lines[-1:])[:_MAX_REASON] + (past if is_past else "")
