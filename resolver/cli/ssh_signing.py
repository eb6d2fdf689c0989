"""Sign a report, by ssh-keygen and an SSH key."""

import contextlib
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver import DarbanError

NAMESPACE: Final = "darban-report"
"""Of signatures: one for a report is none for anything else."""
_MISSING = "ssh-keygen signs, and is not installed; Debian: openssh-client"


def sign(report: bytes, key: Path) -> bytes:
    """The signature of a report.

    Raises:
        DarbanError: it cannot be signed.
    """
    with _opened_key(key) as opened:
        command = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", f"/dev/fd/{opened}"]
        try:
            done = subprocess.run(
                command, input=report, capture_output=True, check=False, pass_fds=[opened]
            )
        except FileNotFoundError:
            raise DarbanError(_MISSING) from None
    if done.returncode:
        raise _not_signed(key, done.stderr.decode(errors="replace").strip())
    return done.stdout


@contextlib.contextmanager
def _opened_key(key: Path) -> Iterator[int]:
    """Open the key that a config names.

    A group may write the config, and so have root sign with any file that root may read. So root
    takes a file of root's alone. It stays open, since a link to it could be changed meanwhile.
    """
    try:
        opened = os.open(key, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise _not_signed(key, error.strerror or str(error)) from None
    try:
        why = _unfit(os.fstat(opened))
        if why:
            expected = "expected a regular file of root's that nobody else may write"
            raise _not_signed(key, f"found {why}; {expected}")
        yield opened
    finally:
        os.close(opened)


def _unfit(key: os.stat_result) -> str:
    """Why this user does not sign with a file; empty where nothing is against it."""
    if not stat.S_ISREG(key.st_mode):
        return "no regular file"
    if os.geteuid() == 0:
        if key.st_uid != 0:
            return f"a file of the user {key.st_uid}"
        if key.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return "a file that others may write"
    return ""


def _not_signed(key: Path, why: str) -> DarbanError:
    return DarbanError(f"{key}: the report cannot be signed: {why}")
