"""The servers that are measured, and the one that they all ask.

To add a peer, write a class with its configuration and put it into ``PEERS``. Each gets one
worker or thread, the same list, and NSD as its only upstream; caches are made large enough
for every name of a run.
"""

import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from resolver import __version__
from tests.bench.processes import ROOT, BenchError, family, program
from tests.bench.questions import Data, blocklist, response_policy_zone


class Peer(ABC):
    """A server to measure, before it runs."""

    name: ClassVar[str]
    program: ClassVar[str]
    """The file to start, found in PATH."""
    package: ClassVar[str]
    """The Debian package that has it."""
    workloads: ClassVar[frozenset[str]] = frozenset({"hits", "blocks", "tcp", "misses"})
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


class Darban(Peer):
    name = "Darban"
    program = sys.executable
    package = ""

    def configure(self, data: Data) -> list[str]:
        lists = self.place / "lists"
        lists.mkdir()
        (lists / "made-up.txt").write_text(blocklist(data.blocked))
        config = self.place / "config.toml"
        config.write_text(_DARBAN.format(here=self, blocked=data.blocked[0]))
        return [sys.executable, "-m", "resolver", "run", "--config", str(config)]

    def version(self) -> str:
        return f"{__version__} ({revision()}), one worker"

    def serving(self, pid: int) -> list[int]:
        return family(pid)[1:]  # the supervisor answers nothing


_DARBAN = """\
[server]
listen = ["127.0.0.1:{here.port}"]
workers = 1
[upstream]
servers = ["127.0.0.1:{here.upstream}"]
[upstreams.open]
servers = ["127.0.0.1:{here.upstream}"]
[[forward]]
zones = ["agency.internal"]
servers = ["127.0.0.1:{here.upstream}"]
[[local]]
name = "printer.agency.internal"
records = ["A 10.0.0.30"]
[lists]
directories = ["lists"]
[limits]
queries_per_prefix = 10_000_000  # the generator is one client
[metrics]
listen = "127.0.0.1:{here.spare}"
[directives.1595]
number = "1595"
date = 2015-02-18
covers = ["@messenger"]
[policies.administrative]
block = ["@messenger"]
allow = ["allowed.example.org"]
deny = ["denied.example.org"]
directives = ["1595"]
contact = "noc@agency.example"
[policies.publicity]
block = []
upstream = "open"
[policies.audited]
block = ["@messenger"]
mode = "audit"
[vlans.administration]
id = 10
prefixes = ["127.0.10.0/24", "10.10.0.0/16", "fd00:10::/64"]
policy = "administrative"
[vlans.publicity]
id = 20
prefixes = ["127.0.20.0/24", "10.20.0.0/16", "fd00:20::/64"]
policy = "publicity"
[vlans.audited]
id = 30
prefixes = ["127.0.30.0/24", "10.30.0.0/16", "fd00:30::/64"]
policy = "audited"
[[exemptions]]
id = "bench"
prefixes = ["127.0.10.200/32"]
services = ["made-up"]
until = 2100-01-01T00:00:00Z
approver = "the benchmark"
ticket = "BENCH-1"
[[expect]]
client = "127.0.10.5"
name = "www.{blocked}"
outcome = "blocked"
service = "made-up"
"""


class Unbound(Peer):
    name = "Unbound"
    program = "unbound"
    package = "unbound"

    def configure(self, data: Data) -> list[str]:
        (self.place / "rpz.zone").write_text(response_policy_zone(data.blocked))
        config = self.place / "unbound.conf"
        config.write_text(_UNBOUND.format(here=self))
        return [found(self.program), "-d", "-c", str(config)]

    def version(self) -> str:
        return _said([found(self.program), "-V"]).partition("\n")[0] + ", one thread"


# respip carries RPZ. The validator is left out, since Darban does not validate either.
_UNBOUND = """\
server:
  module-config: "respip iterator"
  interface: 127.0.0.1@{here.port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  num-threads: 1
  msg-cache-size: 64m
  rrset-cache-size: 64m
  incoming-num-tcp: 100
  so-rcvbuf: 4m
  username: ""
  chroot: ""
  directory: "{here.place}"
  pidfile: ""
  use-syslog: no
  logfile: ""
remote-control:
  control-enable: no
rpz:
  name: rpz.bench.
  zonefile: "{here.place}/rpz.zone"
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{here.upstream}
"""


class Floor(Peer):
    """What Python pays for a datagram, before it has looked at it."""

    name = "Python echo"
    program = sys.executable
    package = ""
    workloads = frozenset({"hits"})
    resolves = False

    def configure(self, data: Data) -> list[str]:  # noqa: ARG002 - it has no list
        return [sys.executable, str(Path(__file__).with_name("echo.py")), str(self.port)]

    def version(self) -> str:
        return f"recvfrom and sendto in Python {sys.version.split()[0]}"


class Authority(Peer):
    """The upstream: NSD with a root zone in which every name has the three types."""

    name = "NSD"
    program = "nsd"
    package = "nsd"
    workloads = frozenset()

    def configure(self, data: Data) -> list[str]:  # noqa: ARG002 - wildcards answer for all names
        (self.place / "root.zone").write_text(_ROOT_ZONE)
        config = self.place / "nsd.conf"
        config.write_text(_NSD.format(here=self))
        return [found(self.program), "-d", "-c", str(config)]

    def version(self) -> str:
        return _said([found(self.program), "-v"]).partition("\n")[0]


ADDRESS = "192.0.2.1"
"""Where every name leads that is not blocked."""

_ROOT_ZONE = f"""\
$ORIGIN .
$TTL 86400
@ SOA ns.invalid. root.invalid. 1 3600 600 86400 300
@ NS ns.invalid.
* A {ADDRESS}
* AAAA 2001:db8::1
* HTTPS 1 . alpn="h2"
"""

_NSD = """\
server:
  server-count: 1
  ip-address: 127.0.0.1@{here.port}
  zonesdir: "{here.place}"
  xfrdir: "{here.place}"
  xfrdfile: ""
  zonelistfile: "{here.place}/zone.list"
  username: ""
  chroot: ""
  pidfile: ""
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: root.zone
"""

PEERS: tuple[type[Peer], ...] = (Darban, Unbound, Floor)


def found(name: str) -> str:
    """Where a program is that has been checked for."""
    path = program(name)
    if path is None:
        raise BenchError(f"{name} has gone")
    return path


def revision() -> str:
    """The commit that is measured, and whether files differ from it."""
    git = ["git", "-C", str(ROOT)]
    commit = _said([*git, "rev-parse", "--short", "HEAD"])
    changed = _said([*git, "status", "--porcelain", "--", "resolver"])
    return f"commit {commit}{', with changes' if changed else ''}"


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or done.stderr.strip()
