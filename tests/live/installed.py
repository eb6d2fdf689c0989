"""A Debian with Darban installed, for the tests that only begin with one: made once a test run.

It is installed where systemd does not run, so a machine that boots above it starts the service.
"""

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live.debian import ROOT, layer, tree
from tests.live.fake_clock import real_clock

_OFFLINE = ("PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels")


@dataclass(frozen=True)
class Installation:
    """What `make install` has added to a clean Debian, and what it said."""

    archive: Path
    said: str


def released_lists() -> set[str]:
    """The names of the files in blocklists that every kind of installation has."""
    files = (path for path in (ROOT / "blocklists").iterdir() if path.is_file())
    return {file.name for file in files if file.suffix != ".py"}


def make_in_chroot(root: Path, *arguments: str, good: bool = True) -> str:
    """Run make in a Debian that does not run, which must end well or fail; what it says."""
    done = subprocess.run(
        ["chroot", root, "env", "-C", "/src", *_OFFLINE, "make", *arguments],
        env=real_clock(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    assert (done.returncode == 0) is good, done.stdout
    return done.stdout


def pure_installation(shared: Path) -> Installation:
    """The installation without a compiler that all tests share who are given this directory.

    The first of them makes it, and the others wait meanwhile.
    """
    archive, said = shared / "installed.tar", shared / "installed.txt"
    with (shared / "installed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            with TemporaryDirectory() as directory, layer(tree(), Path(directory)) as root:
                told = make_in_chroot(root, "install", "CC=none")
                above = Path(directory, "memory/above")
                own = [f"--exclude=./{name}" for name in ("src", "wheels")]
                _tar("--create", "--file", archive, "--directory", above, *own, ".")
            said.write_text(told, encoding="utf-8")
    return Installation(archive, said.read_text(encoding="utf-8"))


@contextmanager
def installed_layer(installation: Installation, directory: Path) -> Iterator[Path]:
    """A layer above the clean Debian, as ``layer`` makes it, with the installation in it."""
    with layer(tree(), directory) as root:
        _tar("--extract", "--file", installation.archive, "--directory", root)
        yield root


def _tar(*arguments: str | Path) -> None:
    subprocess.run(["tar", "--numeric-owner", *arguments], check=True)
