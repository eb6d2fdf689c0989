"""The real server as a process of its own: started, asked for what it said, ended.

How it works: its output goes to files, so that it never waits for a reader. It is in a
process group of its own, and whatever is left of that group is killed at the end. Where nothing
has to be there before Python begins, it is forked (``tests.live.forked``).
"""

import os
import re
import signal
import subprocess
import sysconfig
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.live.forked import MODULE, Call, ForkedProcess
from tests.live.scraping import Scrape, scrape
from tests.live.waiting import wait_for

DARBAN = Path(sysconfig.get_path("scripts")) / "darban"

_BAD = re.compile(r"^(ERROR|CRITICAL)|Traceback|Warning: |never retrieved")


@dataclass
class Ended:
    """A server that has ended, or never started."""

    code: int
    out: str
    err: str


@dataclass
class Server:
    """One server; ``config`` is its file."""

    config: Path
    port: int = 0
    metrics_port: int = 0
    through: Sequence[str | Path] = ()
    """The command that leads into a namespace or to fewer rights, and runs what follows it."""
    program: Sequence[str | Path] = MODULE
    options: Sequence[str] = ()
    """More of the command line."""
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: Sequence[int] = ()
    """Descriptors that the process inherits."""
    expected: list[str] = field(default_factory=list)
    """Patterns of errors that the test means to provoke."""
    _process: subprocess.Popen[bytes] | ForkedProcess | None = None
    _checked: int = 0

    @property
    def directory(self) -> Path:
        """Where its config, its state and its output are."""
        return self.config.parent

    @property
    def state(self) -> Path:
        """Its state directory, unless its environment names another."""
        return self.directory / ".darban"

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return self._text("stdout")

    @property
    def err(self) -> str:
        """What it has logged so far."""
        return self._text("stderr")

    def _text(self, name: str) -> str:
        path = self.directory / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def pid(self) -> int:
        """The supervisor's process ID."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its supervisor runs."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the process, and do not wait."""
        environment = {k: v for k, v in os.environ.items() if k != "STATE_DIRECTORY"}
        words = ["run", "--config", str(self.config), *self.options]
        out, err = self.directory / "stdout", self.directory / "stderr"
        if self.program == MODULE and not (self.through or self.environment or self.pass_fds):
            self._process = ForkedProcess(Call(words, environment, self.directory, out, err))
            return
        with out.open("ab") as stdout, err.open("ab") as stderr:
            self._process = subprocess.Popen(
                [*self.through, *self.program, *words],
                cwd=self.directory,
                env={**environment, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                pass_fds=self.pass_fds,
            )

    def start(self) -> "Server":
        """Start it, and wait until it says that it listens."""
        began = len(self.out)
        self.launch()
        wait_for(lambda: self._has_started(began), "the server says that it listens", 30)
        return self

    def _has_started(self, began: int) -> bool:
        assert self._process is not None
        code = self._process.poll()
        assert code is None, f"ended with {code}:\n{self.out}{self.err}"
        return "\nmetrics " in self.out[began:]

    def ended(self, seconds: float | None = 30.0) -> Ended:
        """Wait until it has ended by itself."""
        assert self._process is not None
        code = self._process.wait(seconds)
        return Ended(code, self.out, self.err)

    def signal(self, number: signal.Signals) -> None:
        """Send the supervisor a signal."""
        os.kill(self.pid, number)

    def stop(self, seconds: float = 5.0) -> Ended:
        """End it as systemd does."""
        self.signal(signal.SIGTERM)
        return self.ended(seconds)

    def kill_what_is_left(self) -> None:
        """Whatever still runs of it, ended without asking."""
        if self._process is not None:
            with suppress(ProcessLookupError):  # all of it has ended already
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)

    def children(self, module: str) -> list[int]:
        """The process IDs of its child processes that run a module."""
        children = sorted(pid for pid, parent, _ in processes() if parent == self.pid)
        return [pid for pid in children if module.encode() in _command(pid)]

    def workers(self) -> list[int]:
        """The process IDs of its workers."""
        return self.children("resolver.server.worker")

    def scrape(self) -> Scrape:
        """Its metrics, which come a moment after the first answer."""
        through = [str(part) for part in self.through]
        return wait_for(lambda: scrape(self.metrics_port, through), "metrics are served")

    def expect_error(self, pattern: str) -> None:
        """Let a line of the log be; every other error fails the test."""
        self.expected.append(pattern)

    @contextmanager
    def checked(self) -> Iterator["Server"]:
        """Check its log at the end of a test; others that share it expect none of its errors."""
        expected = list(self.expected)
        yield self
        self.check_log()
        self.expected[:] = expected

    def check_log(self) -> None:
        """Fail where it has logged an error that the test does not expect."""
        new = self.err[self._checked :]
        self._checked += len(new)
        bad = [
            line
            for line in new.splitlines()
            if _BAD.search(line) and not any(re.search(text, line) for text in self.expected)
        ]
        assert not bad, f"the server has logged:\n{new}"


Start = Callable[..., Server]


@contextmanager
def servers(directory: Path) -> Iterator[Callable[[str], Server]]:
    """Makes servers of config texts, each in a directory below this one; ends them all."""
    made: list[Server] = []

    def make(text: str) -> Server:
        place = directory / f"server-{len(made)}"
        place.mkdir()
        config = place / "config.toml"
        config.write_text(text, encoding="utf-8")
        server = Server(config, *ports(text))
        made.append(server)
        return server

    try:
        yield make
    finally:
        for server in made:
            server.kill_what_is_left()


def without_heads(log: str) -> str:
    """What a server has logged, without the heads of its audit log."""
    lines = log.splitlines(keepends=True)
    return "".join(line for line in lines if "the head of the audit log is" not in line)


def ports(text: str) -> tuple[int, int]:
    """The ports of queries and of metrics that a config names; 0 where it names none."""
    try:
        config = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return 0, 0
    queries, metrics = (
        re.search(r":(\d+)(?:'|$)", str(config.get(table, {}).get("listen", "")))
        for table in ("server", "metrics")
    )
    return int(queries[1]) if queries else 0, int(metrics[1]) if metrics else 0


def _command(pid: int) -> list[bytes]:
    """The command line of a process; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def processes() -> Iterator[tuple[int, int, int]]:
    """Every process that lives: its ID, its parent's, its group's."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:  # it has ended meanwhile
                continue
            state, parent, process_group = stat.rpartition(")")[2].split()[:3]
            if state not in "ZX":
                yield int(entry.name), int(parent), int(process_group)


def group(leader: int) -> list[int]:
    """The processes of a group."""
    return [pid for pid, _, of in processes() if of == leader]
