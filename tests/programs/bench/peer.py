"""A server to measure, and what all of them share."""

import re
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from tests.live.programs import find
from tests.programs.bench.processes import BenchError, family
from tests.programs.bench.questions import Data, response_policy_zone


class Peer(ABC):
    """A server to measure, before it runs."""

    name: ClassVar[str]
    program: ClassVar[str] = ""
    """The file to start, found in PATH; none if it comes with this tree."""
    workloads: ClassVar[frozenset[str] | None] = None
    """What it is put under; None is everything."""

    def __init__(self, place: Path, port: int, upstream: int, spare: int) -> None:
        """``place`` is an empty directory; ``spare`` another free port."""
        self.place = place
        self.port = port
        self.upstream = upstream
        self.spare = spare

    @abstractmethod
    def configure(self, data: Data) -> list[str]:
        """Write what it needs into its place; the command that starts it."""

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """Which version it is."""

    @classmethod
    def missing(cls) -> str:
        """Why it cannot be measured; empty where it can."""
        return "" if not cls.program or find(cls.program) else "not installed"

    @classmethod
    def takes(cls, workload: str) -> bool:
        """Whether it is put under that workload."""
        return cls.workloads is None or workload in cls.workloads

    def serving(self, pid: int) -> list[int]:
        """The processes that answer, of those that the command has started."""
        return family(pid)


_Form = Callable[[Iterable[str]], str]
"""A list of names as a server reads it."""


class Packaged(Peer):
    """A server from a Debian package, with one config file and one list."""

    config: ClassVar[tuple[str, str]]
    """The file's name, and its text as a template: ``here`` is the server."""
    blocked: ClassVar[tuple[str, _Form]] = ("rpz.zone", response_policy_zone)
    """The list's name, and what makes it of the blocked names."""
    arguments: ClassVar[tuple[str, ...]]
    """What it is started with; ``{config}`` and ``{place}`` stand for paths."""
    ask_version: ClassVar[str]
    """The option that prints its version."""
    parts: ClassVar[str] = "one thread"

    def configure(self, data: Data) -> list[str]:
        name, form = self.blocked
        (self.place / name).write_text(form(data.blocked))
        name, text = self.config
        config = self.place / name
        config.write_text(text.format(here=self))
        given = {"config": config, "place": self.place}
        return [found(self.program), *(argument.format(**given) for argument in self.arguments)]

    @classmethod
    def version(cls) -> str:
        first = output([found(cls.program), cls.ask_version]).partition("\n")[0]
        return f"{re.split(' [(<]', first)[0]}, {cls.parts}"


def found(name: str) -> str:
    """Where a program is that has been checked for."""
    path = find(name)
    if path is None:
        raise BenchError(f"{name} is no longer there")
    return str(path)


def output(command: list[str]) -> str:
    """What a command prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or done.stderr.strip()
