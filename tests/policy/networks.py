"""Small networks to compile."""

from resolver.policy.index import Index
from resolver.policy.judge import Judge
from resolver.policy.prefixes import packed
from resolver.policy.view import View, Views
from resolver.snapshot.snapshot import Snapshot
from tests.compiler.texts import compile_texts

CONFIG = """
[directives.1595]
number = "1595/الف/م"
date = 2015-02-18
covers = ["@messenger"]

[policies.administrative]
block = ["@messenger"]
allow = ["status.a.example"]
deny = ["b.example", "|c.example^"]
directives = ["1595"]

[policies.publicity]

[vlans.administration]
prefixes = ["10.10.0.0/16", "fd00:10::/64"]
policy = "administrative"

[vlans.publicity]
id = 20
prefixes = ["10.20.0.0/16"]
policy = "publicity"

[[exemptions]]
id = "pr"
prefixes = ["10.10.3.0/24"]
services = ["one"]
until = 2027-03-20T23:59:59+03:30
approver = "Head of PR"
ticket = "PR-1"

[[local]]
name = "printer.agency.example"
records = ["A 10.0.0.30", "600 AAAA fd00::30", "MX 10 mail.agency.example"]

[lists.sources.three]
url = "https://lists.example/three.txt"
format = "hosts"
service = "one"

[[forward]]
zones = ["agency.example"]
servers = ["10.0.0.10"]
"""
HOURLY = (
    CONFIG.replace(
        'block = ["@messenger"]',
        'block = ["two"]\nduring = [{ hours = "office", block = ["one"] }]',
    ).replace('ticket = "PR-1"', 'ticket = "PR-1"\nhours = "office"')
    + """
[hours.office]
days = ["sat", "sun", "mon", "tue", "wed"]
from = "07:30"
to = "14:30"
"""
)
"""The same network, where the service ``one`` is blocked and exempted in office hours alone."""
ALLOWING = CONFIG.replace(
    'block = ["@messenger"]\nallow = ["status.a.example"]',
    'default = "block"\nallow = ["status.a.example", "one"]',
).replace('services = ["one"]', 'services = ["two"]')
"""The same network, where the service ``one`` and a name are open, and the default is to block."""
COUNTING = CONFIG.replace('block = ["@messenger"]', 'block = ["one"]\ncount = ["two"]')
"""The same network, where ``one`` is blocked and exempted, and ``two`` is counted."""
LISTS = {
    "one": "! Title: One\n! Category: messenger\n||a.example^\n||both.example^\n@@||x.a.example^\n",
    "two": "! Title: Two\n! Category: messenger\n||both.example^\n|y.a.example^\n@@|z.example^\n",
    "two.ip": "203.1.112.0/22\n203.1.112.0/24\n2400:db00::/32\n",
}


def snapshot_of(config: str = CONFIG, lists: dict[str, str] | None = None) -> Snapshot:
    return compile_texts(config, LISTS if lists is None else lists)


def judge(snapshot: Snapshot) -> Judge:
    return Judge(snapshot.compiled, Index(snapshot.trie, snapshot.rules))


def view(snapshot: Snapshot, client: str, wall: float = 1.8e9) -> View:
    found = Views(snapshot.compiled, wall).of(packed(client))
    assert found is not None
    return found
