"""A server with many VLANs, policies and names, and the changes of its config and lists.

Each VLAN has an expectation for every name of its list. The server runs with two workers, and
publishes its zones. The names are made up, the same in each run.
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.live.ports import free_port
from tests.programs.bench.darban import Darban
from tests.programs.bench.processes import BenchError, family, start

_SEED = 41
_PATIENCE = 180.0
"""Seconds for one step."""
_QUIET = 2.5
"""Seconds without a process that works for a change: the writer looks each second for work."""
_SERVING = (b"resolver.server.worker", b"\0run\0")
"""In the command lines of the processes that are there all the time."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WRITTEN = re.compile(r"\[publish\] [0-9]+ zones, of which")
_APPROVED = ("--for", "2h", "--approver", "the bench", "--ticket", "B-1")


class Size(NamedTuple):
    """A network, and its lists."""

    vlans: int
    policies: int
    names: int
    """Of all lists together; there is a list for each policy."""

    def __str__(self) -> str:
        return f"{self.vlans} VLANs, {self.policies} policies, {self.names:,} names"


class LargeNetwork:
    """A server of a size, with nothing that was compiled before."""

    def __init__(self, kind: type[Darban], place: Path, size: Size) -> None:
        """Write its config and its lists into an empty directory."""
        self._kind = kind
        self._size = size
        self._log = place / "log"
        self._config = place / "config.toml"
        self._lists = place / "lists"
        self._lists.mkdir()
        names, share = _names(size.names), size.names // size.policies
        for number in range(size.policies):
            rules = "".join(f"||{next(names)}^\n" for _ in range(share))
            head = f"! Title: List {number}\n! Category: messenger\n"
            self._list(number).write_text(head + rules)
        self._config.write_text(_config(size))

    def _list(self, number: int) -> Path:
        return self._lists / f"s{number}.txt"

    def start(self, stack: ExitStack) -> None:
        """Start the server; it serves DNS when this returns, and ends with the stack."""
        command = [*self._kind.command(), "run", "--config", str(self._config)]
        server = start(stack, None, command, self._log)

        def has_started() -> bool:
            if server.poll() is not None:
                raise BenchError(f"the server has ended:\n{self._log.read_text()}")
            return "\nmetrics " in self._log.read_text()

        wait(has_started, "the server is to start")

    def change_policy(self, number: int) -> Sequence[str]:
        """Change a line of a policy; the command that puts it in force."""
        text = self._config.read_text()
        denied = f'deny = ["denied-{number}.example"]'
        self._config.write_text(re.sub(r"deny = \[.*\]", denied, text, count=1))
        return ("reload",)

    def add_name(self, number: int) -> Sequence[str]:
        """Add a name to a list; the command that puts it in force."""
        with self._list(0).open("a") as file:
            file.write(f"||one-more-{number}.example^\n")
        return ("reload",)

    def exempt(self, number: int) -> Sequence[str]:
        """The command that exempts a VLAN from its list."""
        return ("exempt", f"v{number}", f"s{number % self._size.policies}", *_APPROVED)

    def run(self, arguments: Sequence[str]) -> None:
        """Run a command to its end."""
        command = [*self._kind.command(), *arguments, "--config", str(self._config)]
        with ExitStack() as stack:
            printed = self._log.with_name("printed")
            if start(stack, None, command, printed).wait(_PATIENCE):
                raise BenchError(f"{' '.join(command)} failed:\n{printed.read_text()}")

    def zones_written(self) -> int:
        """How often the server has written its zones."""
        return len(_WRITTEN.findall(self._log.read_text())) if self._log.exists() else 0


def wait(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"waited {_PATIENCE:.0f} s in vain: {what}")
        time.sleep(0.01)


def working(pid: int) -> list[int]:
    """The processes below this one that are not there all the time, as a command or a compiler."""
    return [number for number in _family(pid)[1:] if not _serves(number)]


def _family(pid: int) -> list[int]:
    while True:
        try:
            return family(pid)
        except OSError:  # one has ended meanwhile
            continue


def _serves(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True
    return any(octets in command for octets in _SERVING)


def wait_for_quiet(pid: int) -> None:
    """Wait until nothing but servers has run below a process for some seconds."""
    since = time.monotonic()

    def is_quiet() -> bool:
        nonlocal since
        if working(pid):
            since = time.monotonic()
        return time.monotonic() - since > _QUIET

    wait(is_quiet, "the server is to have nothing to do")


def _names(count: int) -> Iterator[str]:
    """Different names of different lengths, as in real lists."""
    random_ = random.Random(_SEED)
    for number in range(count):
        label = "".join(random_.choices(_LETTERS, k=random_.randint(4, 12)))
        yield f"{label}{number:x}.{random_.choice(('com', 'net', 'ir', 'org', 'co.uk'))}"


def _config(size: Size) -> str:
    policies = (
        f'[policies.p{number}]\nblock = ["s{number}"]\ndeny = []\n'
        for number in range(size.policies)
    )
    vlans = (
        f'[vlans.v{number}]\nprefixes = ["10.{number >> 8}.{number & 255}.0/24"]\n'
        f'policy = "p{number % size.policies}"\n'
        for number in range(size.vlans)
    )
    expectations = (
        f'[[expect]]\nvlan = "v{number}"\nservices = ["s{number % size.policies}"]\n'
        'outcome = "blocked"\n'
        for number in range(size.vlans)
    )
    server, metrics, knot = (free_port() for _ in range(3))
    return (
        f'[server]\nlisten = ["127.0.0.1:{server}"]\nworkers = 2\n'
        f'[metrics]\nlisten = "127.0.0.1:{metrics}"\n'
        f'[upstream]\nservers = ["127.0.0.1:9"]\n[lists]\ndirectories = ["lists"]\n'
        f'[publish]\nlisten = ["127.0.0.1:{knot}"]\n' + "".join((*policies, *vlans, *expectations))
    )
