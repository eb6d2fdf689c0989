"""The text of a new config, as ``darban init`` writes it: short, with comments and expectations.

What must stay true: every value is quoted as TOML, so that no value of the command line can add a
key. What a value may be is checked by ``load``, as in any other config.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from resolver.config.values import Address, Network

INSTALLED_SCHEMA = "/usr/share/doc/darban/deploy/schemas/config.json"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NOBODY = tuple(map(ip_address, ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1")))
"""Addresses for documentation (RFC 5737, RFC 3849), which no client has."""


@dataclass(frozen=True, slots=True)
class NewVlan:
    """A VLAN of the new config; an open one has a policy that blocks nothing."""

    name: str
    prefixes: Sequence[Network]
    is_open: bool


@dataclass(frozen=True, slots=True)
class NewConfig:
    """What the command line says of a new config."""

    vlans: Sequence[NewVlan]
    listen: Sequence[str]
    upstream: Sequence[str]
    contact: str
    lists: Sequence[str]
    audit: bool
    """Whether blocks are counted only."""
    schema: str = INSTALLED_SCHEMA
    """The file of the JSON Schema of a config, for editors."""


def text_of(config: NewConfig) -> str:
    """The text of the config; it ends with a line feed."""
    parts = [_server(config), *_policies(config), _VLANS, *map(_vlan, config.vlans)]
    return "\n".join([*parts, _EXPECTATIONS, *_expectations(config)])


def schema_comment(config: NewConfig) -> str:
    """The first line, by which editors (Even Better TOML, taplo) complete and check the file."""
    path = "".join(char for char in config.schema if char.isprintable())
    return f"#:schema {path}"


def _server(config: NewConfig) -> str:
    return f"""\
{schema_comment(config)}
# Darban's configuration: who may reach which messengers, by VLAN. Written by `darban init`.
#
# After a change: `darban check`, then `darban reload`. reference.toml, among Darban's documents,
# has every key with its meaning and its default.

[server]
listen = {array(config.listen)}

[upstream]                  # the resolvers that are asked; "system" is those of /etc/resolv.conf
servers = {array(config.upstream)}

# Zones of your own, such as those of Active Directory, are asked of your own servers:
# [[forward]]
# zones = ["agency.internal", "10.in-addr.arpa"]
# servers = ["10.0.0.10"]

[lists]                     # a file for each service; of two lists of a name the later adds
directories = {array(config.lists)}


# ---- The directives: the ground for blocking, cited in answers and pages ----

[directives.1595]           # no foreign messengers for administrative work
number = "1595/الف/م"
date = 2015-02-18
covers = ["@messenger"]

[directives.3525]           # the ban is for administrative affairs only
number = "95/3525"
date = 2017-03-11
narrows = "1595"


# ---- The policies: what is blocked ----
"""


def _policies(config: NewConfig) -> Iterator[str]:
    """The policies that a VLAN has."""
    contact = quoted(config.contact) if config.contact else '"noc@agency.example"'
    if any(not vlan.is_open for vlan in config.vlans):
        mode = "audit" if config.audit else "enforce"
        yield f"""\
[policies.administrative]   # of every VLAN that is not open
block = ["@messenger", "@encrypted-dns"]    # @category, or one service: "telegram"
allow = []                  # names that pass whatever the lists say
deny = []                   # more names to block
{f'mode = "{mode}"':<28}# "audit" counts and blocks nothing, "enforce" blocks
directives = ["1595", "3525"]
{"" if config.contact else "# "}contact = {contact}     # whom a blocked person may ask
"""
    if any(vlan.is_open for vlan in config.vlans):
        yield """\
[policies.open]             # nothing is blocked: publicity and public relations are exempt
block = []
directives = ["3525"]
"""


_VLANS = """
# ---- The VLANs: which clients have which policy. Clients in none of the prefixes are refused ----
"""


def _vlan(vlan: NewVlan) -> str:
    return f"""\
[vlans.{key(vlan.name)}]
prefixes = {array(map(str, vlan.prefixes))}
policy = "{"open" if vlan.is_open else "administrative"}"
"""


_EXPECTATIONS = """
# ---- What must hold: every check, start and reload tests these ----
"""


def _expectations(config: NewConfig) -> Iterator[str]:
    """One for each prefix; where names are blocked, also for a domestic messenger.

    One is for all names of messengers.
    """
    blocked = "would_block" if config.audit else "blocked"
    prefixes = [prefix for vlan in config.vlans for prefix in vlan.prefixes]
    for vlan in config.vlans:
        candidates = [client_of(prefix, prefixes) for prefix in vlan.prefixes]
        clients = [client for client in candidates if client is not None]
        for client in clients:
            yield expectation(client, "web.telegram.org", "passed" if vlan.is_open else blocked)
        if clients and not vlan.is_open:
            yield expectation(clients[0], "eitaa.com", "passed", "a domestic messenger")
        if not vlan.is_open:
            yield _all_messengers(vlan.name, audit=config.audit)
    yield from refused_client(prefixes)


def _all_messengers(vlan: str, *, audit: bool) -> str:
    """That all names of messengers are blocked on a VLAN; a comment while they are counted."""
    comment = "once this is enforced" if audit else "whatever else this config says"
    lines = (
        f"[[expect]]                  # every messenger, {comment}",
        f"vlan = {quoted(vlan)}",
        'services = ["@messenger"]',
        'outcome = "blocked"',
    )
    return "".join(f"{'# ' if audit else ''}{line}\n" for line in lines)


def refused_client(prefixes: Sequence[Network]) -> Iterator[str]:
    """The ``[[expect]]`` for a client in none of the VLANs with these prefixes, if there is one."""
    for nobody in _NOBODY:
        if not any(nobody in prefix for prefix in prefixes):
            yield expectation(nobody, "agency.example", "refused", "a client in no VLAN")
            return


def expectation(client: Address, name: str, outcome: str, comment: str = "") -> str:
    """One ``[[expect]]``; no value may have a quote."""
    return f"""\
[[expect]]{f"{' ' * 18}# {comment}" if comment else ""}
client = "{client}"
name = "{name}"
outcome = "{outcome}"
"""


def client_of(prefix: Network, prefixes: Iterable[Network]) -> Address | None:
    """A client of a prefix: its fifth address, or its last where it has fewer.

    Where a longer prefix holds that address, it is the next that none holds, or None.
    """
    client = prefix[min(5, prefix.num_addresses - 1)]
    for other in sorted(candidate for candidate in prefixes if candidate.version == prefix.version):
        if other.prefixlen > prefix.prefixlen and client in other:
            if other[-1] == prefix[-1]:
                return None
            client = other[-1] + 1
    return client


def array(values: Iterable[str]) -> str:
    """An array of texts, in TOML."""
    return "[" + ", ".join(map(quoted, values)) + "]"


def key(name: str) -> str:
    """A key, in TOML."""
    return name if _BARE_KEY.fullmatch(name) else quoted(name)


def quoted(text: str) -> str:
    """A text in quotes, in TOML, whatever is in it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
