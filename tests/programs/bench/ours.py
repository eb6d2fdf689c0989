"""This server, and the floor beneath anything that answers in Python."""

import sys
from collections.abc import Sequence
from pathlib import Path

from resolver import __version__
from tests.programs.bench.clients import PREFIXES
from tests.programs.bench.peer import Peer, revision
from tests.programs.bench.processes import family
from tests.programs.bench.questions import Data, blocklist


class Darban(Peer):
    name = "Darban"
    program = sys.executable
    package = ""

    def configure(self, data: Data) -> list[str]:
        return self.configure_with(data.blocked, workers=1)

    def configure_with(self, blocked: Sequence[str], workers: int) -> list[str]:
        """With these names blocked, and so many workers."""
        lists = self.place / "lists"
        lists.mkdir()
        (lists / "made-up.txt").write_text(blocklist(blocked))
        config = self.place / "config.toml"
        vlans = "".join(
            _VLAN.format(number=number, prefix=prefix, policy=_POLICIES[place % len(_POLICIES)])
            for place, (number, prefix) in enumerate(PREFIXES.items())
        )
        config.write_text(
            _CONFIG.format(here=self, blocked=blocked[0], workers=workers, vlans=vlans)
        )
        return command(config)

    def version(self) -> str:
        return f"{__version__} ({revision()}), one worker"

    def serving(self, pid: int) -> list[int]:
        return family(pid)[1:]  # the supervisor answers nothing


def command(config: Path) -> list[str]:
    """What starts this server."""
    return [sys.executable, "-m", "resolver", "run", "--config", str(config)]


# Every feature is on. The policies block the same and say so each in its own way, so that
# every client has to be told apart, yet asks of this server what it asks of its peers.
_POLICIES = ("administrative", "strict", "silent")
_CONFIG = """\
[server]
listen = ["127.0.0.1:{here.port}"]
workers = {workers}
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
queries_per_prefix = 10_000_000  # a VLAN of the bench is a /24, and asks all that can be asked
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
[policies.strict]
block = ["@messenger"]
answer = "nxdomain"
directives = ["1595"]
[policies.silent]
block = ["@messenger"]
answer = "nodata"
[policies.publicity]
block = []
upstream = "open"
[policies.audited]
block = ["@messenger"]
mode = "audit"
{vlans}
[vlans.publicity]
prefixes = ["10.20.0.0/16", "fd00:20::/64"]
policy = "publicity"
[vlans.audited]
prefixes = ["10.30.0.0/16", "fd00:30::/64"]
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
_VLAN = """
[vlans.vlan-{number}]
id = {number}
prefixes = ["{prefix}", "10.1{number}.0.0/16", "fd00:1{number}::/64"]
policy = "{policy}"
"""


class Floor(Peer):
    """What Python pays for a datagram, before it has looked at it."""

    name = "Python echo"
    program = sys.executable
    package = ""
    workloads = frozenset({"hits", "latency"})
    resolves = False

    def configure(self, data: Data) -> list[str]:  # noqa: ARG002 - it has no list
        return [sys.executable, str(Path(__file__).with_name("echo.py")), str(self.port)]

    def version(self) -> str:
        return f"recvfrom and sendto in Python {sys.version.split()[0]}"
