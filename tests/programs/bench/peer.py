"""A server to measure, and what all of them share."""

import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from tests.programs.bench.processes import ROOT, BenchError, family, program
from tests.programs.bench.questions import Data


class Peer(ABC):
    """A server to measure, before it runs."""

    name: ClassVar[str]
    program: ClassVar[str]
    """The file to start, found in PATH."""
    package: ClassVar[str]
    """The Debian package that has it; none if it comes with this tree."""
    service: ClassVar[str] = ""
    """The package's systemd unit, which must not run only because the bench installed it."""
    workloads: ClassVar[frozenset[str]] = frozenset(
        {"hits", "blocks", "tcp", "misses", "mix", "latency"}
    )
    resolves: ClassVar[bool] = True
    """Whether it answers as a resolver, so that its answers can be checked."""

    def __init__(self, place: Path, port: int, upstream: int, spare: int) -> None:
        """``place`` is an empty directory; ``spare`` another free port."""
        self.place = place
        self.port = port
        self.upstream = upstream
        self.spare = spare

    @abstractmethod
    def configure(self, data: Data) -> list[str]:
        """Write what it needs into its place; the command that starts it."""

    @abstractmethod
    def version(self) -> str:
        """Which version it is."""

    def serving(self, pid: int) -> list[int]:
        """The processes that answer, of those that the command has started."""
        return family(pid)


def found(name: str) -> str:
    """Where a program is that has been checked for."""
    path = program(name)
    if path is None:
        raise BenchError(f"{name} has gone")
    return path


def revision() -> str:
    """The commit that is measured, and whether files differ from it."""
    git = ["git", "-C", str(ROOT)]
    commit = said([*git, "rev-parse", "--short", "HEAD"])
    changed = said([*git, "status", "--porcelain", "--", "resolver"])
    return f"commit {commit}{', with changes' if changed else ''}"


def said(command: list[str]) -> str:
    """What a command prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or done.stderr.strip()
