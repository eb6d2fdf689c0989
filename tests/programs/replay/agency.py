"""The agency of the replay: its lists, its clients, and a config that is another at each reload."""

import datetime as dt
import random

LISTS = {
    "telegram": "! Title: Telegram\n! Category: messenger\n||telegram.org^\n||t.me^\n"
    "|exact.telegram.example^\n@@||open.telegram.org^\n",
    "viber": "! Title: Viber\n! Category: messenger\n||viber.com^\n||shared.example^\n",
    "whatsapp": "! Title: WhatsApp\n! Category: messenger\n||whatsapp.net^\n||shared.example^\n",
    "encrypted-dns": "! Title: Public encrypted DNS\n! Category: encrypted-dns\n|dns.google^\n",
    "canaries": "! Title: Canary names\n! Category: encrypted-dns\n! Answer: nxdomain\n"
    "||use-application-dns.net^\n",
}
"""Block lists by service."""

_VLANS = {
    "administration": ("administrative", 10),
    "publicity": ("publicity", 20),
    "watched": ("audited", 30),
    "nothing": ("nxdomain", 40),
    "refusing": ("refusing", 50),
    "addressed": ("addressed", 60),
    "guests": ("guests", 70),
    "bare": ("nodata", 80),
}
CLIENTS = [
    *(f"10.{number}.{host >> 1}.{host}" for _, number in _VLANS.values() for host in (1, 2, 7, 9)),
    *(f"fd00:{number}::{host}" for _, number in _VLANS.values() for host in (1, 2)),
    *("10.10.200.5", "10.10.200.6", "192.0.2.99", "203.0.113.7", "2001:db8::1"),
]
"""Of every VLAN; a part of the first VLAN that has a longer prefix; and some that none holds."""
FLUSHED = (".", "example.org", "plain1.example.org", "agency.internal", "me")
"""What is flushed."""

_HEAD = """\
[upstream]
servers = {servers}
[upstreams.open]
servers = ["192.0.2.99"]

[directives.1595]
number = "1595/الف/م"
date = 2015-02-18
covers = ["@messenger"]
[directives.3525]
number = "95/3525"
date = 2017-03-11
narrows = "1595"

[policies.administrative]
block = ["@messenger", "@encrypted-dns"]
directives = ["1595", "3525"]
contact = "noc@agency.example"
{administrative}
[policies.publicity]
directives = ["3525"]
{publicity}
[policies.audited]
block = ["@messenger"]
mode = "{mode}"
allow = ["status.telegram.org"]
deny = ["games.example.org"]
[policies.nxdomain]
block = ["@messenger", "@encrypted-dns"]
answer = "nxdomain"
directives = ["1595"]
allow = {allowed}
[policies.refusing]
block = ["telegram"]
answer = "refused"
[policies.addressed]
block = ["@messenger"]
sinkhole = ["10.0.0.54"]
deny = ["games.example.org"]
[policies.guests]
block = ["viber"]
upstream = "{group}"
[policies.nodata]
block = ["@messenger", "@encrypted-dns"]
answer = "nodata"
contact = "{contact}"

[[local]]
name = "printer.agency.internal"
records = ["A 10.0.0.30", "300 AAAA fd00::30", "TXT \\"second floor\\""]
[[local]]
name = "portal.example.org"
records = ["60 A 10.0.0.31"]

[limits]
queries_per_prefix = {limit}
[block_log]
enabled = {logged}
client = "{told}"
"""
_FORWARD = """
[[forward]]
zones = ["agency.internal", "10.in-addr.arpa"]
servers = ["10.0.0.10"]
[[forward]]
zones = ["partner.example"]
servers = ["10.0.0.20", "10.0.0.21"]
"""
_SCANNER = """
[[local]]
name = "scanner.agency.internal"
records = ["A 10.0.0.33", "A 10.0.0.34"]
"""


def config(rng: random.Random, wall: float) -> str:
    """A config; some of its exemptions end soon after ``wall``."""
    head = _HEAD.format(
        servers=rng.choice(('["192.0.2.1"]', '["192.0.2.1", "192.0.2.2", "2001:db8::53"]')),
        administrative=rng.choice(("", "", 'allow = ["www.t.me"]', 'mode = "audit"')),
        publicity=rng.choice(("", "", 'deny = ["viber.com"]')),
        mode=rng.choice(("audit", "audit", "enforce")),
        allowed=rng.choice(("[]", '["web.telegram.org"]', '["alias2.example.com"]')),
        group=rng.choice(("open", "")),
        contact=rng.choice(("", "noc@agency.example", "call the help desk, " * 10)),
        limit=rng.choice((20_000, 20_000, 20_000, 5)),
        logged=rng.choice(("false", "false", "false", "true")),
        told=rng.choice(("vlan", "prefix", "address")),
    )
    forward = _FORWARD if rng.random() < 0.8 else ""
    scanner = _SCANNER if rng.random() < 0.5 else ""
    return head + forward + scanner + _vlans(rng) + _exemptions(rng, wall)


def _vlans(rng: random.Random) -> str:
    """The VLANs; now and then the clients of one belong to another, or to none."""
    text = ""
    moved = rng.random() < 0.3
    for name, (policy, number) in _VLANS.items():
        if moved and name == "guests":
            continue
        prefixes = [f"10.{number}.0.0/16", f"fd00:{number}::/64"]
        if name == "publicity" and rng.random() < 0.7:
            prefixes.append("10.10.200.0/24")
        listed = ", ".join(f'"{each}"' for each in prefixes)
        text += f'[vlans.{name}]\nid = {number}\nprefixes = [{listed}]\npolicy = "{policy}"\n'
    return text


def _exemptions(rng: random.Random, wall: float) -> str:
    text = ""
    for number in range(rng.randint(0, 4)):
        until = dt.datetime.fromtimestamp(wall + rng.choice((20, 60, 300, 10**6)), dt.UTC)
        whom = rng.choice(
            (
                *('vlan = "administration"', 'prefixes = ["10.10.0.1/32", "fd00:40::/64"]'),
                *('vlan = "nothing"', 'prefixes = ["10.50.0.0/24"]'),
            )
        )
        services = rng.choice(('"telegram"', '"@messenger"', '"viber", "@encrypted-dns"'))
        text += (
            f'[[exemptions]]\nid = "e{number}"\n{whom}\nservices = [{services}]\n'
            f'until = {until:%Y-%m-%dT%H:%M:%SZ}\napprover = "Head of PR"\nticket = "PR-{number}"\n'
        )
    return text
