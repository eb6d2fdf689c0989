"""An engine to ask, of a config with every kind of ground."""

from pathlib import Path

from resolver.analysis.explanation import Explainer
from resolver.compiler.compilation import compile_file
from resolver.policy.index import Index

CONFIG = """
[directives.1595]
number = "1595/الف/م"
date = 2015-02-18
covers = ["@messenger"]
[directives.3525]
number = "95/3525"
date = 2017-03-11
narrows = "1595"

[policies.administrative]
block = ["@messenger", "@encrypted-dns", "desk"]
deny = ["games.example"]
directives = ["1595", "3525"]
contact = "NOC <noc@agency.example>, 4242"
[policies.watched]
block = ["@messenger", "@encrypted-dns"]
mode = "audit"
[policies.publicity]

[vlans.administration]
prefixes = ["10.10.0.0/16", "fd00:10::/64"]
policy = "administrative"
[vlans.trial]
prefixes = ["10.30.0.0/16", "fd00:30::/64"]
policy = "watched"
[vlans.publicity]
prefixes = ["10.20.0.0/16", "fd00:20::/64"]
policy = "publicity"

[[exemptions]]
id = "pr-1"
prefixes = ["10.10.3.7/32"]
services = ["one"]
until = 2027-03-20T23:59:59+03:30
approver = "Head of PR"
ticket = "PR-1"

[hours.office]
days = ["fri"]
from = "07:30"
to = "14:30"
holidays = ["1405-12-29"]

[lists]
directories = ["lists"]
"""
LISTS = {
    "one": "! Title: One & <Only>\n! Title-fa: یک\n! Category: messenger\n||one.example^\n",
    "desk": "! Title: Desk\n! Category: workplace-chat\n||desk.example^\n",
    "doh": "! Title: Public encrypted DNS\n! Category: encrypted-dns\n||dns.example^\n",
}
NOW = 1.8e9
"""Before the exemption ends."""


def engine(directory: Path, wall: float = NOW, change: tuple[str, str] = ("", "")) -> Explainer:
    """The config compiled, as of a moment; ``change`` is a text in it, and another in its place."""
    (directory / "lists").mkdir(exist_ok=True)
    for service, text in LISTS.items():
        (directory / "lists" / f"{service}.txt").write_text(text, encoding="utf-8")
    config = directory / "config.toml"
    config.write_text(CONFIG.replace(*change), encoding="utf-8")
    compiled = compile_file(config, wall)
    assert not compiled.errors, compiled.errors
    snapshot = compiled.snapshot
    return Explainer(snapshot.compiled, Index(snapshot.trie, snapshot.rules), wall)


HOURLY = (
    'block = ["@messenger", "@encrypted-dns", "desk"]',
    'block = ["@encrypted-dns"]\nduring = [{ hours = "office", block = ["@messenger"] }, '
    '{ outside = "office", block = ["desk"] }]',
)
"""A change: messengers are blocked in office hours alone, and desk outside of them."""
ALLOWING = (
    "[policies.publicity]",
    """[policies.publicity]
default = "block"
allow = ["@messenger", "agency.example"]
deny = ["games.agency.example"]
""",
)
"""A change: publicity has an allow-list."""
