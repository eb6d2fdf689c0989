"""A router that fetches address lists, as a firewall does, and rejects by them.

It has one rule: what goes from the clients of a service to its ranges is rejected. Where a list
cannot be fetched, the last copy stays.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.live.gateway import Gateway

_RULES = """
table inet feeds
delete table inet feeds
table inet feeds {
  set clients4 { type ipv4_addr; flags interval; }
  set clients6 { type ipv6_addr; flags interval; }
  set ranges4 { type ipv4_addr; flags interval; }
  set ranges6 { type ipv6_addr; flags interval; }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ip saddr @clients4 ip daddr @ranges4 reject with icmpx admin-prohibited
    ip6 saddr @clients6 ip6 daddr @ranges6 reject with icmpx admin-prohibited
  }
}
"""
_LISTS = {
    f"{what}{family}": f"{what}-ipv{family}.txt"
    for what in ("clients", "ranges")
    for family in (4, 6)
}


@dataclass(frozen=True)
class FetchingRouter:
    """The gateway of a network, with the lists of one service."""

    gateway: Gateway
    curl: Path
    url: str
    """Of the feeds."""
    service: str

    def begin(self) -> None:
        """Load the rule, with empty lists."""
        self.gateway.load(_RULES)

    def status(self, file: str = "clients.txt", *more: str) -> str:
        """The HTTP status that a list has now; 000 where nobody answers."""
        return self._curl(file, "-o", "/dev/null", "-w", "%{http_code}", *more)

    def fetch(self) -> None:
        """Fetch all lists, and load those that came."""
        for name, file in _LISTS.items():
            text = self._curl(file, "--fail")
            if text:
                elements = ", ".join(text.split())
                flush = f"flush set inet feeds {name}"
                self.gateway.load(f"{flush}\nadd element inet feeds {name} {{ {elements} }}")

    def _curl(self, file: str, *more: str) -> str:
        into = self.gateway.into(self.gateway.gateway)
        url = f"{self.url}/{self.service}/{file}"
        command = [*into, str(self.curl), "-s", "-m", "10", *more, url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout
