"""The policy of the matrix: its VLANs, lists and names, and the zone that the upstream serves."""

import datetime as dt
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.config.tables import FAR, exemption, vlan
from tests.live.ports import free_port
from tests.live.programs import needed

VLANS = {
    "administration": "administrative",
    "publicity": "publicity",
    "mixed": "mixed",
    "guests": "open",
    "branch": "administrative",
    "hourly": "hourly",
    "studio": "studio",
    "servers": "servers",
    "desk": "administrative",
}
"""The policy of each VLAN; the desk has rules of its own."""


class Client(NamedTuple):
    """Who asks."""

    name: str
    vlan: str
    address: str

    @property
    def policy(self) -> str:
        """The policy of its VLAN."""
        return VLANS[self.vlan]

    @property
    def server(self) -> str:
        """Where it asks: at the address of this host in its family."""
        return "::1" if ":" in self.address else "127.0.0.1"

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"


CLIENTS = {
    name: (Client(name, vlan, v4), Client(name, vlan, v6))
    for name, vlan, v4, v6 in (
        ("administration", "administration", "127.0.10.5", "fd00:10::5"),
        ("publicity", "publicity", "127.0.20.5", "fd00:20::5"),
        ("mixed", "mixed", "127.0.30.5", "fd00:30::5"),
        ("guests", "guests", "127.0.40.5", "fd00:40::5"),
        ("branch", "branch", "127.0.50.5", "fd00:50::5"),
        ("hourly", "hourly", "127.0.60.5", "fd00:60::5"),
        ("servers", "servers", "127.0.80.5", "fd00:80::5"),
        ("desk", "desk", "127.0.90.5", "fd00:90::5"),
        # Clients of exemptions by prefix: zones cannot have that of the press.
        ("press", "administration", "127.0.10.7", "fd00:10::7"),
        ("crew", "studio", "127.0.70.33", "fd00:70:1::33"),
        ("visitors", "studio", "127.0.70.65", "fd00:70:2::65"),
    )
}
"""The clients, over IPv4 and over IPv6."""
VISITORS = "127.0.70.64/27,fd00:70:2::/64"
INSIDE = [client.address for _, client in CLIENTS.values()]
"""The addresses that a network namespace must have; every host has those in 127.0.0.0/8."""

NAMES = {
    "blocked": "alpha.chat",
    "below": "web.alpha.chat",
    "beside": "notalpha.chat",
    "allowed": "allowed.alpha.chat",
    "below allowed": "www.allowed.alpha.chat",
    "exempt": "beta.chat",
    "below exempt": "www.beta.chat",
    "alias to blocked": "alias.scene",
    "alias to exempt": "exempt-alias.scene",
    "allowed alias to blocked": "allowed-alias.scene",
    "exact rule": "exact.gamma.chat",
    "below exact rule": "www.exact.gamma.chat",
    "exception": "open.alpha.chat",
    "below exception": "www.open.alpha.chat",
    "blocked later": "later.chat",
    "alias to blocked later": "later-alias.scene",
    "address of a service": "address.scene",
    "address of an exempt service": "beta-address.scene",
    "blocked with address of an exempt service": "alpha-with-beta.scene",
    "canary": "canaria.chat",
    "unlisted": "www.unlisted.example",
    "alias to unlisted": "unlisted-alias.scene",
    "allowed alias to unlisted": "two-aliases.scene",
    "updates": "www.updates.scene",
    "updates alias to unlisted": "cdn.updates.scene",
    "updates alias to blocked": "led.updates.scene",
    "updates address of a service": "address.updates.scene",
    "exception of updates": "www.open.updates.scene",
    "forwarded": "www.agency.scene",
    "forwarded alias to unlisted": "alias.agency.scene",
}
"""What stands for each kind of name."""

SENTINEL_CHANGE, SENTINEL_EXEMPTION = "sentinel.later.chat", "sentinel.beta.chat"
"""Names that are no part of the matrix: an engine has the new policy once they show it."""

_LISTS = {
    "alpha.txt": """\
! Title: Alpha
! Category: messenger
||alpha.chat^
||alpha-with-beta.scene^
@@||open.alpha.chat^
""",
    "alpha.ip": "149.154.160.0/20\n2001:67c:4e8::/48\n",
    "beta.txt": """\
! Title: Beta
! Category: messenger
||beta.chat^
""",
    "beta.ip": "31.13.64.0/18\n2a03:2880::/32\n",
    "canary.txt": """\
! Title: Canary
! Category: encrypted-dns
! Answer: nxdomain
||canaria.chat^
""",
    "updates.txt": """\
! Title: Updates
! Category: updates
||updates.scene^
@@||open.updates.scene^
""",
    "gamma.txt": """\
! Title: Gamma
! Category: encrypted-dns
|exact.gamma.chat^
""",
}

_ZONE = """\
$ORIGIN .
$TTL 300
@ SOA ns.scene. hostmaster.scene. 1 3600 600 86400 60
@ NS ns.scene.
* A 192.0.2.80
* AAAA 2001:db8::80
* HTTPS 1 . alpn=h2
* TXT "passed"
ns.scene. A 127.0.0.1
alias.scene. CNAME web.alpha.chat.
exempt-alias.scene. CNAME www.beta.chat.
allowed-alias.scene. CNAME web.alpha.chat.
later-alias.scene. CNAME www.later.chat.
unlisted-alias.scene. CNAME www.unlisted.example.
two-aliases.scene. CNAME unlisted-alias.scene.
*.updates.scene. A 192.0.2.80
cdn.updates.scene. CNAME two-aliases.scene.
led.updates.scene. CNAME web.alpha.chat.
address.updates.scene. A 149.154.167.99
*.agency.scene. A 192.0.2.80
alias.agency.scene. CNAME www.unlisted.example.
beta-address.scene. A 31.13.64.7
beta-address.scene. AAAA 2a03:2880::7
alpha-with-beta.scene. A 31.13.64.7
alpha-with-beta.scene. AAAA 2a03:2880::7
address.scene. A 149.154.167.99
address.scene. AAAA 2001:67c:4e8::99
compatible.scene. AAAA ::149.154.167.99
mapped.scene. AAAA ::ffff:149.154.167.99
nat64.scene. AAAA 64:ff9b::149.154.167.99
6to4.scene. AAAA 2002:959a:a763::1
beside-6to4.scene. AAAA 2002:959b:a763::1
"""


_TABLES = (
    vlan("hourly", "hourly", "127.0.60.0/24", "fd00:60::/32")
    + vlan("administration", "administrative", "127.0.10.0/24", "fd00:10::/32")
    + vlan("publicity", "publicity", "127.0.20.0/24", "fd00:20::/32")
    + vlan("mixed", "mixed", "127.0.0.0/8", "fd00::/16")
    + vlan("guests", "open", "127.0.40.0/24", "127.0.0.1/32", "fd00:40::/32", "::1/128")
    + vlan("branch", "administrative", "127.0.50.0/24", "fd00:50::/32")
    + vlan("studio", "studio", "127.0.70.0/24", "fd00:70::/32")
    + vlan("servers", "servers", "127.0.80.0/24", "fd00:80::/32")
    + vlan(
        *("desk", "administrative", "127.0.90.0/24", "fd00:90::/32"),
        allow="web.alpha.chat,|exact.gamma.chat^",
        deny="unlisted.example,allowed-alias.scene,|allowed.alpha.chat^",
    )
    + exemption("beta-servers", "beta", vlan="servers", until=FAR)
    + exemption(
        "crew",
        "@messenger",
        prefixes=("127.0.70.32/27", "fd00:70:1::/64"),
        hours="always",
        until=FAR,
    )
    + exemption(
        "visitors",
        "@messenger",
        prefixes=("127.0.70.64/27", "fd00:70:2::/64"),
        hours="another-day",
        until=FAR,
    )
    + exemption("press", "alpha", prefixes=("127.0.10.7/32", "fd00:10::7/128"), until=FAR)
    + exemption("beta-mixed", "beta", vlan="mixed", until=FAR)
)
_CONFIG = """
[server]
listen = ["127.0.0.1:{port}", "[::1]:{port}"]
workers = 1
[upstream]
servers = ["127.0.0.1:{upstream}"]
[lists]
directories = ["{lists}"]
[metrics]
listen = "127.0.0.1:{metrics}"
[limits]
queries_per_address = 1_000_000
queries_per_prefix = 1_000_000
[publish]
listen = ["127.0.0.1:{primary}"]
[publish.secondaries.site]
address = "127.0.0.1:{secondary}"
[directives.1595]
number = "1595"
date = 2015-02-18
covers = ["@messenger"]
[policies.administrative]
block = ["@messenger", "@encrypted-dns"]
directives = ["1595"]
allow = ["allowed.alpha.chat", "allowed-alias.scene"]
deny = []
[policies.mixed]
block = ["alpha", "beta"]
allow = ["allowed.alpha.chat", "allowed-alias.scene"]
answer = "nxdomain"
[policies.publicity]
block = ["@encrypted-dns"]
count = ["@messenger"]
answer = "nodata"
[policies.open]
mode = "audit"
block = ["@messenger", "@encrypted-dns"]
[policies.hourly]
block = ["@encrypted-dns"]
during = [
  {{ hours = "always", block = ["alpha"] }},
  {{ outside = "always", block = ["beta"] }},
]
allow = ["allowed.alpha.chat", "allowed-alias.scene"]
[policies.studio]
block = ["@messenger"]
[policies.servers]
default = "block"
allow = ["allowed.alpha.chat", "allowed-alias.scene", "two-aliases.scene", "@updates"]
[[forward]]
zones = ["agency.scene"]
servers = ["127.0.0.1:{upstream}"]
[hours.always]
days = ["sat", "sun", "mon", "tue", "wed", "thu", "fri"]
from = "00:00"
to = "24:00"
[hours.another-day]
days = ["{another_day}"]
from = "00:00"
to = "24:00"
[warnings]
acknowledged = ["long-exemption", "no-encrypted-dns"]
"""


def config(upstream: int, primary: int, secondary: int, lists: Path) -> str:
    """The config of Darban; its upstream, Knot and the secondary are at these ports."""
    another_day = dt.date.today() + dt.timedelta(days=3)
    return (
        _CONFIG.format(
            another_day=f"{another_day:%a}".lower(),
            port=free_port(),
            metrics=free_port(),
            upstream=upstream,
            primary=primary,
            secondary=secondary,
            lists=lists,
        )
        + _TABLES
    )


def write_lists(directory: Path) -> Path:
    """Write the lists; their directory."""
    lists = directory / "lists"
    lists.mkdir()
    for name, text in _LISTS.items():
        (lists / name).write_text(text, encoding="utf-8")
    return lists


def signed_zone(directory: Path) -> str:
    """The root zone of the upstream, signed: engines let signed answers pass more easily."""
    (directory / "unsigned.zone").write_text(_ZONE, encoding="ascii")
    command = (needed("ldns-keygen"), "-a", "ECDSAP256SHA256", "-k", ".")
    key = subprocess.check_output(command, cwd=directory, text=True).strip()
    sign = (needed("ldns-signzone"), "-o", ".", "-f", "signed.zone", "unsigned.zone", key)
    subprocess.run(sign, cwd=directory, check=True, capture_output=True)
    return (directory / "signed.zone").read_text(encoding="ascii")
