"""The whole that is under test: the server and its clients, upstream, list server and disk.

Everything is on loopback. As root the state directory is a small file system, mounted in a
namespace of its own, which nobody else sees and which ends with the program.
"""

import contextlib
import json
import os
import resource
import subprocess
import tempfile
import threading
import time
import tomllib
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from tests.live.configs import edited
from tests.live.fake_clock import fake_clock
from tests.live.forked import MODULE
from tests.live.ports import free_port
from tests.live.scraping import Scrape
from tests.live.server import Server
from tests.live.waiting import wait_for
from tests.programs.attacks import wire
from tests.programs.attacks.client_side import ask
from tests.programs.attacks.fake_upstream import PROBE, Upstream, upstream
from tests.programs.chaos.host import small_disk
from tests.programs.chaos.list_server import ListServer, list_server
from tests.programs.chaos.load import Load
from tests.programs.chaos.service_manager import ServiceManager
from tests.programs.chaos.truth import (
    BANNED_ZONE,
    CLIENTS,
    EXEMPT,
    EXEMPT_BY_COMMAND,
    EXEMPT_TODAY,
    LISTED_ZONE,
    TOGGLED_ZONE,
    VLANS,
    Switch,
    Truth,
)
from tests.programs.chaos.upstream import FaultyUpstream

WORKERS = 2
_COMMAND = 60.0
_OFF, _ON = 'deny = ["nothing.example"]', f'deny = ["{TOGGLED_ZONE}"]'
_CONFIG = f"""\
[server]
listen = ["127.0.0.1:{{port}}", "[::1]:{{port}}"]
workers = {WORKERS}
[upstream]
servers = {{upstreams}}
probe_signed = "signed.{PROBE}"
probe_bogus = "bogus.{PROBE}"
probe_abroad = "abroad.{PROBE}"
probe_home = "home.{PROBE}"
[limits]
queries_per_address = 20_000    # a burst asks as fast as it is answered
[cache]
max_bytes = "1MiB"
[block_log]
enabled = true
max_bytes = "4MiB"
[lists]
directories = ["lists"]
[lists.sources.listed]
url = "{{url}}"
format = "suffix"
category = "listed"
[metrics]
listen = "127.0.0.1:{{metrics}}"
[policies.administrative]
block = ["made-up", "@listed"]
{_OFF}
[policies.publicity]
[policies.audited]
block = ["made-up", "@listed"]
mode = "audit"
[vlans.administration]
prefixes = {{administration}}
policy = "administrative"
[vlans.publicity]
prefixes = {{publicity}}
policy = "publicity"
[vlans.audited]
prefixes = {{audited}}
policy = "audited"
[warnings]
acknowledged = ["long-exemption", "no-encrypted-dns"]
[[exemptions]]
id = "always"
prefixes = ["{EXEMPT}/32"]
services = ["made-up"]
until = 2199-01-01T00:00:00Z
approver = "chaos"
ticket = "CHAOS-1"
[[exemptions]]
id = "today"
prefixes = ["{EXEMPT_TODAY}/32"]
services = ["made-up"]
until = {{until}}
approver = "chaos"
ticket = "CHAOS-2"
"""
_LIST = f"! Title: Made up\n! Category: messenger\n||{BANNED_ZONE}^\n"


class CommandFailed(Exception):
    """A command of the server has failed; the message is what it printed."""


class System:
    """All parts, while they run."""

    def __init__(
        self,
        server: Server,
        asked: Sequence[Upstream],
        script: FaultyUpstream,
        lists: ListServer,
        truth: Truth,
    ) -> None:
        self.server = server
        self.upstream = script
        self.lists = lists
        self.truth = truth
        self.notes: list[str] = []
        """What was seen of a fault, besides the answers."""
        self.spared = 0
        """The process ID of a worker that is never killed."""
        self._through = list(server.through)
        self._asked = asked
        self._log_from = 0

    @property
    def state(self) -> Path:
        """The state directory, as the server sees it."""
        return self.server.state

    def darban(self, *arguments: str) -> str:
        """Run a command to its end; CommandFailed where it is refused."""
        command = [*self._through, *MODULE, *arguments, "--config", self.server.config]
        environment = {**os.environ, "STATE_DIRECTORY": str(self.state), "NO_COLOR": "1"}
        done = subprocess.run(
            command,
            cwd=self.server.directory,
            env=environment | {"COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND,
        )
        if done.returncode:
            raise CommandFailed(f"{done.stdout}{done.stderr}".strip())
        return done.stdout

    def darban_later(self, *arguments: str) -> None:
        """Run a command that may take long, whatever it says."""
        threading.Thread(target=self._ignored, args=arguments, daemon=True).start()

    def _ignored(self, *arguments: str) -> None:
        with contextlib.suppress(CommandFailed, subprocess.TimeoutExpired):
            self.darban(*arguments)

    def reload(self) -> None:
        """Put the other of two configs in force."""
        text = self.server.config.read_text(encoding="utf-8")
        on = _OFF in text
        edited(self.server.config, *((_OFF, _ON) if on else (_ON, _OFF)))
        self._change(self.truth.toggled, on, "reload")

    def exempt(self) -> None:
        """Exempt a client by command, or end its exemption."""
        config = tomllib.loads(self.server.config.read_text(encoding="utf-8"))
        made = [
            e["id"] for e in config["exemptions"] if e["prefixes"] == [f"{EXEMPT_BY_COMMAND}/32"]
        ]
        switch = self.truth.exempt[EXEMPT_BY_COMMAND]
        if made:
            self._change(switch, False, "exempt", "--end", made[0])
        else:
            whom = (EXEMPT_BY_COMMAND, "made-up", "--for", "1h")
            self._change(switch, True, "exempt", *whom, "--approver", "chaos", "--ticket", "C-3")

    def _change(self, switch: Switch, on: bool, *command: str) -> None:
        """Run a command that turns a switch; where it fails, the switch may be on or off."""
        switch.begin(on, time.monotonic())
        self.darban(*command)
        switch.end(on, time.monotonic())

    def workers(self) -> list[int]:
        """The process IDs of the workers."""
        return self.server.workers()

    def everyone(self) -> list[int]:
        """Supervisor and workers; fewer while some are not there."""
        return [self.server.pid, *self.workers()]

    def is_whole(self) -> bool:
        """Whether every worker serves."""
        values = self.scrape()
        return values is not None and values.value("darban_workers") == WORKERS

    def scrape(self) -> Scrape | None:
        """The metrics; None where nobody answers."""
        url = f"http://127.0.0.1:{self.server.metrics_port}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=5) as got:
                return Scrape(got.read().decode())
        except OSError:
            return None

    def said(self) -> list[str]:
        """The lines that the server has logged since the last call."""
        text = self.server.err
        new, self._log_from = text[self._log_from :], len(text)
        return new.splitlines()

    def forget(self) -> None:
        """Free what the upstreams have noted of their questions."""
        for item in self._asked:
            item.asked.clear()

    @property
    def disk(self) -> Path:
        """The state directory, as this program sees it."""
        return Path(f"/proc/{self.server.pid}/root{self.state}")

    def step_clock(self, seconds: int) -> None:
        """Let the server's wall clock be ahead of the true one; it knows a second later."""
        clock = self.server.directory / "clock"
        new = clock.with_suffix(".new")
        new.write_text(f"{seconds:+}", encoding="utf-8")
        new.replace(clock)

    def limit_descriptors(self, *, exhausted: bool) -> None:
        """Let no process open another descriptor, or as many as before."""
        for pid in self.everyone():
            _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            held = _descriptors(pid)
            free = next(number for number in count() if number not in held)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (free if exhausted else hard, hard))


def descriptors(pids: Sequence[int]) -> int:
    """How many descriptors processes hold."""
    return sum(len(_descriptors(pid)) for pid in pids)


def _descriptors(pid: int) -> set[int]:
    return {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}


@contextmanager
def system(seed: int, rate: int, *, clock: bool = False) -> Iterator[tuple[System, Load]]:
    """All parts, started, and ended afterwards; ``clock``: its wall clock can be stepped."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="darban-chaos-")))
        truth = Truth()
        script = FaultyUpstream(seed, truth)
        asked = [stack.enter_context(upstream(item)) for item in (script, script.second)]
        lists = stack.enter_context(list_server())
        (place / "lists").mkdir()
        (place / "lists" / "made-up.txt").write_text(_LIST, encoding="utf-8")
        (place / ".darban").mkdir()
        (place / "clock").write_text("+0", encoding="utf-8")
        port, metrics = free_port(), free_port()
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=12)
        config = place / "config.toml"
        config.write_text(
            _CONFIG.format(
                port=port,
                metrics=metrics,
                upstreams=json.dumps([item.where for item in asked]),
                **{name: json.dumps(prefixes) for name, prefixes in VLANS.items()},
                url=lists.url,
                until=until.isoformat(),
            ),
            encoding="utf-8",
        )
        server = Server(
            config,
            port,
            metrics,
            through=stack.enter_context(small_disk(place / ".darban")),
            options=["--last-good"],
            environment=fake_clock(place) if clock else {},
        )
        stack.enter_context(ServiceManager(server, place))
        whole = System(server, asked, script, lists, truth)
        wait_for(lambda: _lists_are_there(port), "the list is fetched and in force", 30)
        load = stack.enter_context(Load(port, whole.truth, rate, seed))
        yield whole, load


def _lists_are_there(port: int) -> bool:
    reply = ask(port, wire.question(f"www.{LISTED_ZONE}"), CLIENTS[0], seconds=1)
    return reply is not None and reply.addresses == ["0.0.0.0"]
