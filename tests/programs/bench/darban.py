"""This server: its builds, and its settings that cost something."""

import filecmp
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.programs.bench.clients import PREFIXES
from tests.programs.bench.machine import BUILD
from tests.programs.bench.peer import Peer, output
from tests.programs.bench.processes import ROOT, BenchError, family
from tests.programs.bench.questions import Data, blocklist

_COMPILED = ROOT / "build" / "venv"


class Darban(Peer):
    """The working tree, interpreted."""

    name = "Darban interpreted"
    python = sys.executable
    """The Python that has it."""
    listen = "127.0.0.1"
    more = ""
    """What the config says besides."""
    ranges = ""
    """The address ranges of the blocked service."""
    limits = "queries_per_address = 10_000_000"

    @classmethod
    def command(cls) -> list[str]:
        """What its command line begins with."""
        return [sys.executable, "-m", "resolver"]

    def configure(self, data: Data) -> list[str]:
        return self.configure_with(data.blocked, workers=1)

    def configure_with(
        self, blocked: Sequence[str], workers: int, exceptions: int = 0, prefixes: int = 0
    ) -> list[str]:
        """With these names blocked, so many workers, exceptions to the list, and prefixes."""
        lists = self.place / "lists"
        lists.mkdir()
        excepted = "".join(f"@@||e{number}.{blocked[0]}^\n" for number in range(exceptions))
        (lists / "made-up.txt").write_text(blocklist(blocked) + excepted)
        if self.ranges:
            (lists / "made-up.ip").write_text(self.ranges)
        vlans = "".join(
            _VLAN.format(number=number, prefix=prefix, policy=_POLICIES[place % len(_POLICIES)])
            for place, (number, prefix) in enumerate(PREFIXES.items())
        )
        self.config.write_text(
            _CONFIG.format(
                here=self,
                blocked=blocked[0],
                workers=workers,
                vlans=vlans,
                many="".join(f', "{text}"' for text in _prefixes(prefixes)),
            )
        )
        return [*self.command(), "run", "--config", str(self.config)]

    @property
    def config(self) -> Path:
        """Its config file."""
        return self.place / "config.toml"

    @classmethod
    def version(cls) -> str:
        return f"{_revision()}, one worker"

    def serving(self, pid: int) -> list[int]:
        return family(pid)[1:]  # the supervisor answers nothing


class Compiled(Darban):
    """The package that ``make compile`` installs into build/venv."""

    name = "Darban"
    python = str(_COMPILED / "bin" / "python")

    @classmethod
    def command(cls) -> list[str]:
        return [str(_COMPILED / "bin" / "darban")]

    @classmethod
    def missing(cls) -> str:
        packages = list(_COMPILED.glob("lib/python*/site-packages/resolver"))
        if not packages or not any(packages[0].rglob("*.so")):
            return "there is no compiled package in build/venv (make compile)"
        sources = [str(path.relative_to(ROOT)) for path in (ROOT / "resolver").rglob("*.py")]
        _, other, absent = filecmp.cmpfiles(ROOT, packages[0].parent, sources, shallow=False)
        if other or absent:
            return "build/venv was compiled from other files than these (make compile)"
        return ""

    @classmethod
    def version(cls) -> str:
        return f"compiled, {super().version()}"


class Before(Darban):
    """An earlier commit, compiled as ``make compile`` does it there."""

    name = "Darban before"
    commit = ""
    """Set by ``--before``."""

    @classmethod
    def tree(cls) -> Path:
        """The files of the commit."""
        return BUILD / f"before-{cls.commit}"

    @classmethod
    def build(cls, commit: str) -> None:
        """Compile a commit, unless that was done."""
        cls.commit = output(
            ["git", "-C", str(ROOT), "rev-parse", "--short", f"{commit}^{{commit}}"]
        )
        tree = cls.tree()
        if not tree.exists():
            tree.mkdir(parents=True)
            archive = ["git", "-C", str(ROOT), "archive", cls.commit]
            files = subprocess.run(archive, check=True, capture_output=True).stdout
            subprocess.run(["tar", "-x", "-C", str(tree)], input=files, check=True)
        made = subprocess.run(["make", "-C", str(tree), "compile"], check=False, stdout=sys.stderr)
        if made.returncode:
            raise BenchError(f"{tree} cannot be compiled; what make said is above")

    @classmethod
    def command(cls) -> list[str]:
        return [str(cls.tree() / "build/venv/bin/darban")]

    @classmethod
    def missing(cls) -> str:
        return "" if cls.commit else "--before names no commit"

    @classmethod
    def version(cls) -> str:
        return f"commit {cls.commit}, compiled, one worker"


class BeforeInterpreted(Before):
    """The same commit, interpreted."""

    name = "Darban before, interpreted"
    workloads = frozenset({"hits", "blocks", "misses"})

    @classmethod
    def command(cls) -> list[str]:
        # ``-m`` imports from the working directory, and its workers inherit that.
        return ["env", f"--chdir={cls.tree()}", sys.executable, "-m", "resolver"]

    @classmethod
    def version(cls) -> str:
        return f"commit {cls.commit}, one worker"


if TYPE_CHECKING:
    MAIN = Darban
else:
    MAIN = Darban if Compiled.missing() else Compiled
    """The build that operators run, as far as it is here."""


class Wildcard(MAIN):
    """A listening socket for every address of the host."""

    name = "Darban on 0.0.0.0"
    listen = "0.0.0.0"
    workloads = frozenset({"hits"})


class BlockLog(MAIN):
    """With a record of every blocked query; clients are named by VLAN."""

    name = "Darban with block log"
    more = "[block_log]\nenabled = true\n"
    workloads = frozenset({"hits", "blocks"})


class Ranges(MAIN):
    """With the addresses in answers judged, by ranges such as a large messenger has."""

    name = "Darban with address ranges"
    ranges = (
        "91.105.192.0/23\n91.108.4.0/22\n91.108.8.0/22\n95.161.64.0/20\n149.154.160.0/20\n"
        "185.76.151.0/24\n2001:67c:4e8::/48\n2001:b28:f23d::/48\n2a0a:f280::/32\n"
    )
    workloads = frozenset({"hits", "misses"})


def _revision() -> str:
    """The commit that is measured, and whether files differ from it."""
    git = ["git", "-C", str(ROOT)]
    commit = output([*git, "rev-parse", "--short", "HEAD"])
    changed = output([*git, "status", "--porcelain", "--", "resolver"])
    return f"commit {commit}{', with changes' if changed else ''}"


def _prefixes(count: int) -> Iterable[str]:
    """So many prefixes that no client of the bench has."""
    return (f"11.{n >> 12 & 255}.{n >> 4 & 255}.{(n & 15) << 4}/28" for n in range(count))


# Every feature is on. The policies block the same and say so each in its own way, so that
# every client has to be told apart, yet asks of this server what it asks of its peers.
_POLICIES = ("administrative", "strict", "silent")
_CONFIG = """\
[server]
listen = ["{here.listen}:{here.port}"]
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
[limits]  # a VLAN of the bench is a /24, and asks all that can be asked
queries_per_prefix = 10_000_000
{here.limits}
[metrics]
listen = "127.0.0.1:{here.spare}"
{here.more}
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
prefixes = ["10.20.0.0/16", "fd00:20::/64"{many}]
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
