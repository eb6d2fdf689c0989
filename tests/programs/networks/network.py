"""Two network namespaces with a link between them: this process's, and that of the upstreams.

Packets are lost, or dropped for other reasons, where they arrive: who sends them learns nothing.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.namespaces import Namespaces, Subnet, enter, namespaces
from tests.live.programs import find

ADDRESSES = ("10.53.0.2", "10.53.0.3")
"""Of the upstreams."""
PORT = 53
_LINK = Subnet("upstream", ("10.53.0.1", "fd00:53::1"), (ADDRESSES[0], "fd00:53::2"))
_RULES = """
table ip link {{
  chain arriving {{
    type filter hook prerouting priority raw; policy accept;
    iif lo accept
    udp dport {port} counter
    tcp dport {port} tcp flags & psh != 0 counter
    {drop}
  }}
}}
"""


def program(name: str) -> Path:
    """Where a program is that cannot be done without."""
    path = find(name)
    if path is None:
        raise SystemExit(f"needs {name}: python -m tests.live.prepare installs it")
    return path


class Network:
    """The link, as it is now."""

    def __init__(self, made: Namespaces) -> None:
        self._ours, self._theirs = made.add("resolver"), made.add("upstreams")
        made.join(self._ours, self._theirs, _LINK)
        made.give(self._theirs, f"{ADDRESSES[1]}/32")
        self.into_upstreams = made.into(self._theirs)
        """The command that runs what follows it beside the upstreams."""
        enter(self._ours)

    def degrade(self, loss: int, closed: str) -> None:
        """Lose packets from now on, each way, and drop what is closed; count the queries."""
        lost = [f"meta l4proto {{ udp, tcp }} numgen random mod 100 < {loss} drop"] if loss else []
        drop = [f"{closed} drop"] if closed else []
        self._nft([], "\n".join(lost))
        self._nft(self.into_upstreams, "\n".join(lost + drop))

    def queries(self) -> int:
        """The queries that the resolver has sent since the link was degraded.

        Over TCP, each segment with data counts, also one that is sent again.
        """
        listed = self._run([*self.into_upstreams, program("nft"), "list", "ruleset"])
        return sum(map(int, re.findall(r"counter packets (\d+)", listed)))

    def _nft(self, into: list[str], drop: str) -> None:
        self._run([*into, program("nft"), "-f", "-"], _RULES.format(port=PORT, drop=drop))

    def _run(self, command: list[str | Path], said: str = "") -> str:
        done = subprocess.run(command, input=said, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def network() -> Iterator[Network]:
    """A clean link, in namespaces that are gone afterwards."""
    with namespaces(program("ip")) as made:
        yield Network(made)
