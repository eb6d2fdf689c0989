"""The real server, as a process of its own with a config of its own.

An attack that makes it log an error or lose its worker has succeeded, whatever else was seen.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.live.commands import Done
from tests.live.commands import darban as run
from tests.live.configs import replaced_once, small
from tests.live.server import Server, ports
from tests.programs.attacks.fake_upstream import PROBE, Script, Upstream, upstream
from tests.programs.bench.processes import cpu, family, memory

BLOCKED = "web.telegram.org"
"""Blocked on ``administration``, with all below it."""
_SERVER = 'workers = 1\nidentity = "dns1.administration.agency.example"'
_UPSTREAM = f"""\
trust_ad = true
probe_signed = "signed.{PROBE}"
probe_bogus = "bogus.{PROBE}"
probe_abroad = "abroad.{PROBE}"
probe_home = "home.{PROBE}"
"""
_PUBLICITY = '["127.0.20.0/24", "127.0.21.0/24", "127.0.0.1/32"]'


class Darban(Server):
    """One server and its one worker."""

    def __init__(
        self,
        place: Path,
        servers: Sequence[str],
        more: str = "",
        lists: Sequence[Path] = (),
        upstream: str = "",
    ) -> None:
        text = small(servers, server=_SERVER, upstream=_UPSTREAM + upstream, more=more)
        text = replaced_once(text, '["127.0.0.0/8", "::1/128"]', _PUBLICITY)
        text = replaced_once(
            text, "directories = []", f"directories = {json.dumps([*map(str, lists)])}"
        )
        (place / "config.toml").write_text(text, encoding="utf-8")
        super().__init__(place / "config.toml", *ports(text))
        self.worker = 0
        """The worker's process ID."""

    def start(self) -> "Darban":
        super().start()
        [self.worker] = self.workers()
        return self

    def check(self) -> None:
        """Fail where it has logged an unexpected error, or its worker is another."""
        self.check_log()
        assert self.workers() == [self.worker], "the worker is another"

    def command(self, *arguments: str) -> Done:
        """Run a command of ``darban`` for this server."""
        return run(*arguments, at=self.directory)

    def memory(self) -> float:
        """The worker's memory, in MiB."""
        return memory([self.worker]) / 2**20

    def memory_of(self, program: str) -> float:
        """The memory of all processes of this program below the server, in MiB."""
        with suppress(OSError):  # one has ended meanwhile
            names = {
                number: Path(f"/proc/{number}/comm").read_text() for number in family(self.pid)
            }
            return memory(pid for pid, name in names.items() if name.startswith(program)) / 2**20
        return 0.0

    def descriptors(self) -> int:
        """The descriptors that the worker holds."""
        return len(list(Path(f"/proc/{self.worker}/fd").iterdir()))

    def cpu(self) -> float:
        """The seconds of CPU that the worker has taken."""
        return cpu([self.worker]).total


@contextmanager
def darban(
    servers: Sequence[str],
    *,
    more: str = "",
    lists: Sequence[Path] = (),
    expected: str = "",
    upstream: str = "",
) -> Iterator[Darban]:
    """A server that serves; AssertionError where it then logs an error or loses its worker."""
    with tempfile.TemporaryDirectory(prefix="darban-attack-") as place:
        server = Darban(Path(place), servers, more, lists, upstream)
        if expected:
            server.expect_error(expected)
        try:
            yield server.start()
            time.sleep(0.05)  # what it logs last
            server.check()
        finally:
            server.kill_what_is_left()


@contextmanager
def behind(
    script: Script, *, tcp: bool = True, more: str = ""
) -> Iterator[tuple[Darban, Upstream]]:
    """A server that asks one scripted upstream."""
    with ExitStack() as stack:
        asked = stack.enter_context(upstream(script, tcp=tcp))
        yield stack.enter_context(darban([asked.where], more=more)), asked
