"""Two network namespaces with a link between them: this process's, and that of the upstreams.

Packets are lost, or dropped for other reasons, where they arrive: who sends them learns nothing.
"""

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live.namespaces import Namespaces, Subnet, enter, link_names, namespaces
from tests.live.programs import find
from tests.programs.attacks.fake_upstream import TLS_PORT
from tests.programs.networks.rows import Row

ADDRESSES = ("10.53.0.2", "10.53.0.3")
"""Of the upstreams."""
PORT = 53
_LINK = Subnet("upstream", ("10.53.0.1", "fd00:53::1"), (ADDRESSES[0], "fd00:53::2"))
_RULES = """
table ip link {{
  set burst {{ type ipv4_addr; flags dynamic, timeout; }}
  chain arriving {{
    type filter hook prerouting priority raw; policy accept;
    iif lo accept
    udp dport {port} counter
    tcp dport {{ {port}, {tls_port} }} tcp flags & psh != 0 counter
    {drop}
  }}
}}
"""
_BURST = """\
ip saddr @burst drop
    meta l4proto { udp, tcp } numgen random mod 40 0 add @burst { ip saddr timeout 50ms } drop"""
"""A packet of 40 begins a burst, in which all are lost (Gilbert 1960)."""
_TCP_APART = """
table ip apart {
  chain leaving {
    type filter hook postrouting priority 0; policy accept;
    meta l4proto tcp meta priority set 1:1
  }
}
"""
_ANY_RATE = ("htb", "rate", "1gbit")
_QUEUE = "40000"
"""Octets that wait where the link has a rate."""
_LARGE = 1400
"""Octets of a packet, with its IP header; larger ones are dropped where the row says so."""


def program(name: str) -> Path:
    """Where a program is that cannot be done without."""
    path = find(name)
    if path is None:
        raise SystemExit(f"needs {name}: python -m tests.live.prepare installs it")
    return path


class Network:
    """The link, as it is now."""

    def __init__(self, made: Namespaces) -> None:
        self._made = made
        self._ours, self._theirs = made.add("resolver"), made.add("upstreams")
        made.join(self._ours, self._theirs, _LINK)
        for namespace, link in self._ends():  # packets as they are on a line, not several in one
            self._run(
                [*made.into(namespace), program("ip"), "link", "set", link, "gso_max_segs", "1"]
            )
        made.give(self._theirs, f"{ADDRESSES[1]}/32")
        self.into_upstreams = made.into(self._theirs)
        """The command that runs what follows it beside the upstreams."""
        enter(self._ours)

    def _ends(self) -> Iterator[tuple[str, str]]:
        return zip((self._ours, self._theirs), link_names(_LINK), strict=True)

    def degrade(self, row: Row) -> None:
        """Make the link what a row says, from now on, and count the queries."""
        bad = []
        if row.loss:
            bad.append(f"meta l4proto {{ udp, tcp }} numgen random mod 100 < {row.loss} drop")
        if row.bursts:
            bad.append(_BURST)
        if row.drops_large:
            bad.append(f"meta length > {_LARGE} drop")
        closed = [f"{row.closed} drop"] if row.closed else []
        self._nft([], _rules(bad))
        self._nft(self.into_upstreams, _rules(bad + closed))
        for namespace, link in self._ends():
            into = self._made.into(namespace)
            if row.tcp_kbits:
                self._tc(into, "qdisc", link, "root", "handle", "1:", "htb")  # the rest passes
                self._tc(into, "class", link, "parent", "1:", "classid", "1:1", *_ANY_RATE)
                self._tc(into, "qdisc", link, "parent", "1:1", *_at_rate(row.tcp_kbits))
                self._nft(into, _TCP_APART)
            elif row.kbits:
                self._tc(into, "qdisc", link, "root", *_at_rate(row.kbits))

    def queries(self) -> int:
        """The queries that the resolver has sent since the link was degraded.

        Over TCP, each segment with data counts, also one that is sent again.
        """
        listed = self._run([*self.into_upstreams, program("nft"), "list", "ruleset"])
        return sum(map(int, re.findall(r"counter packets (\d+)", listed)))

    def _tc(self, into: Sequence[str | Path], what: str, link: str, *settings: str) -> None:
        self._run([*into, program("tc"), what, "add", "dev", link, *settings])

    def _nft(self, into: Sequence[str | Path], rules: str) -> None:
        self._run([*into, program("nft"), "-f", "-"], rules)

    def _run(self, command: list[str | Path], said: str = "") -> str:
        done = subprocess.run(command, input=said, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _rules(drop: Sequence[str]) -> str:
    """Rules that count queries, and drop what these say."""
    return _RULES.format(port=PORT, tls_port=TLS_PORT, drop="\n    ".join(drop))


def _at_rate(kbits: int) -> tuple[str, ...]:
    """A queue that sends so much a second."""
    return "tbf", "rate", f"{kbits}kbit", "burst", "3000", "limit", _QUEUE


@contextmanager
def network() -> Iterator[Network]:
    """A clean link, in namespaces that are gone afterwards."""
    with namespaces(program("ip")) as made:
        yield Network(made)
