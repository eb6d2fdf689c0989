"""The real server, as a process of its own with a config of its own.

What it logs goes to a file, and an attack that makes it log an error or lose a worker has
succeeded, whatever else was seen.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.live.ports import free_port
from tests.live.scraping import scrape
from tests.live.waiting import wait_for
from tests.programs.attacks.fake_upstream import PROBE, Script, Upstream, upstream

ROOT = Path(__file__).parents[3]
BLOCKED = "web.telegram.org"
"""Blocked on ``administration``, with all below it."""

_BAD = re.compile(r"^(ERROR|CRITICAL)|Traceback|Warning: |never retrieved|no heartbeat")

_CONFIG = """
[server]
listen = ["127.0.0.1:{port}"]
workers = 1
identity = "dns1.administration.agency.example"
[upstream]
servers = [{servers}]
trust_ad = true
probe_signed = "signed.{probe}"
probe_bogus = "bogus.{probe}"
[lists]
directories = [{lists}]
[metrics]
listen = "127.0.0.1:{metrics}"
[policies.administrative]
deny = ["{blocked}"]
[policies.publicity]
[vlans.administration]
prefixes = ["127.0.10.0/24"]
policy = "administrative"
[vlans.publicity]
prefixes = ["127.0.20.0/24", "127.0.21.0/24", "127.0.0.1/32"]
policy = "publicity"
{more}
"""


class Darban:
    """One server and its one worker."""

    def __init__(
        self, place: Path, servers: Sequence[str], more: str = "", lists: Sequence[Path] = ()
    ) -> None:
        self.port = free_port()
        self.place = place
        self.state = place / "state"
        self.config = place / "config.toml"
        self._log = place / "log"
        self.metrics = free_port()
        quoted = ", ".join(f'"{server}"' for server in servers)
        text = _CONFIG.format(
            port=self.port,
            metrics=self.metrics,
            servers=quoted,
            lists=", ".join(f'"{each}"' for each in lists),
            blocked=BLOCKED,
            more=more,
            probe=PROBE,
        )
        self.config.write_text(text, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self._checked = 0
        self.options: tuple[str, ...] = ()
        """More options of ``darban run``."""
        self.worker = 0
        """The worker's process ID."""

    def start(self, prepare: Callable[[], None] | None = None) -> None:
        """Start it and wait until it serves; ``prepare`` is run in the child before it."""
        self.launch(prepare)
        wait_for(self._serves, "the server says that it listens", 30)
        [self.worker] = self._workers()

    def launch(self, prepare: Callable[[], None] | None = None) -> None:
        """Start it, and do not wait."""
        self._checked = len(self.log)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "resolver", "run", "--config", self.config, *self.options],
                cwd=ROOT,
                env={**os.environ, "STATE_DIRECTORY": str(self.state)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=prepare,
            )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ``darban`` for this server."""
        return subprocess.run(
            [sys.executable, "-m", "resolver", *arguments, "--config", self.config],
            cwd=ROOT,
            env={**os.environ, "STATE_DIRECTORY": str(self.state)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ended(self, seconds: float = 20.0) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self) -> None:
        """End it as systemd does."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(10)
            self._process = None

    @property
    def log(self) -> str:
        """What it has said."""
        if not self._log.exists():
            return ""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def said(self) -> str:
        """What it has said since it was last started."""
        return self.log[self._checked :]

    def memory(self) -> float:
        """The worker's resident memory, in MiB."""
        return _memory(self.worker)

    def memory_of(self, program: str) -> float:
        """The resident memory of all processes of this program below the server, in MiB."""
        assert self._process is not None
        below = _below(self._process.pid)
        return sum(_memory(each) for each in below if _name(each).startswith(program))

    def descriptors(self) -> int:
        """The descriptors that the worker holds."""
        return len(list(Path(f"/proc/{self.worker}/fd").iterdir()))

    def cpu(self) -> float:
        """The seconds of CPU that the worker has taken."""
        stat = Path(f"/proc/{self.worker}/stat").read_text(encoding="utf-8")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def timeouts(self) -> int:
        """The queries to upstreams that the server did not see answered in time."""
        page = wait_for(lambda: scrape(self.metrics), "the server gives its metrics")
        return int(page.total("darban_upstream_queries_total", result="timeout"))

    def complaints(self, expected: str = "") -> list[str]:
        """The errors that it has logged but those expected, and whether its worker is another."""
        allowed = re.compile(expected) if expected else None
        bad = [
            line
            for line in self.said.splitlines()
            if _BAD.search(line) and not (allowed and allowed.search(line))
        ]
        return bad if self._workers() == [self.worker] else [*bad, "the worker is another"]

    def _serves(self) -> bool:
        assert self._process is not None
        code = self._process.poll()
        assert code is None, f"ended with {code}:\n{self.log}"
        return "\nmetrics " in self.said

    def _workers(self) -> list[int]:
        """The process IDs of its children that are workers."""
        assert self._process is not None
        found = _children(self._process.pid)
        return [child for child in found if b"resolver.worker" in _command(child)]


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    found = [c for task in tasks for c in (task / "children").read_text().split()]
    return [int(child) for child in found]


def _below(process: int) -> Iterator[int]:
    """The children of a process, and theirs, as far as they live."""
    with suppress(OSError):
        for child in _children(process):
            yield child
            yield from _below(child)


def _command(process: int) -> bytes:
    """What a process runs; nothing where it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _name(process: int) -> str:
    """The name of the program that a process runs; nothing where it has ended."""
    try:
        return Path(f"/proc/{process}/comm").read_text(encoding="utf-8")
    except OSError:
        return ""


def _memory(process: int) -> float:
    """The resident memory of a process, in MiB; 0 where it has ended."""
    with suppress(OSError):
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        kilobytes = [line.split()[1] for line in status.splitlines() if "VmRSS" in line]
        return sum(map(int, kilobytes)) / 1024
    return 0.0


class AttackError(Exception):
    """The server has taken harm; the message says which."""


@contextmanager
def darban(
    servers: Sequence[str],
    *,
    more: str = "",
    lists: Sequence[Path] = (),
    expected: str = "",
    prepare: Callable[[], None] | None = None,
) -> Iterator[Darban]:
    """A server that serves; AttackError where it then logs an error or loses its worker."""
    with tempfile.TemporaryDirectory(prefix="darban-attack-") as place:
        server = Darban(Path(place), servers, more, lists)
        try:
            server.start(prepare)
            yield server
            time.sleep(0.05)  # what it logs last
            if complaints := server.complaints(expected):
                raise AttackError(f"{'; '.join(complaints[:3])}\n{server.said[-3000:]}")
        finally:
            server.stop()


@contextmanager
def behind(
    script: Script, *, tcp: bool = True, more: str = "", expected: str = ""
) -> Iterator[tuple[Darban, Upstream]]:
    """A server that asks one scripted upstream."""
    with ExitStack() as stack:
        asked = stack.enter_context(upstream(script, tcp=tcp))
        yield stack.enter_context(darban([asked.where], more=more, expected=expected)), asked
