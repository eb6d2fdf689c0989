"""What a resolver needs to know of each VLAN: its clients and its zones.

The exports for BIND, Unbound and PowerDNS write this in the words of each program.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from resolver.dns import names
from resolver.policy.clauses import BLOCKING
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import (
    DefaultEntry,
    PolicyDescription,
    RuleEntry,
    ServiceEntry,
    describe,
)
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import network_of
from resolver.policy.settings import Publication
from resolver.publish.client_prefixes import contains
from resolver.publish.zone_text import block_set_zone, override_zone


@dataclass(frozen=True, slots=True)
class ClientPrefix:
    """A prefix that decides whether a client belongs to a VLAN."""

    prefix: str
    belong: bool
    """False for the prefix of another VLAN inside one of this VLAN."""

    def __str__(self) -> str:
        """In the form of BIND and PowerDNS, with ``!`` for a prefix of another VLAN."""
        return self.prefix if self.belong else f"!{self.prefix}"


@dataclass(frozen=True, slots=True)
class ZoneUse:
    """A zone, and the Extended DNS Error of what it blocks."""

    zone: str
    """Its name, without a final dot."""
    censored: bool
    """Whether a directive is behind all that it blocks: 16 Censored; otherwise 15 Blocked."""


@dataclass(frozen=True, slots=True)
class ResolverVlan:
    """A VLAN as a resolver enforces it."""

    name: str
    policy: str
    has_own_rules: bool
    """Whether its policy has rules of this VLAN alone."""
    clients: tuple[ClientPrefix, ...]
    """The longest prefix first: the first that matches decides."""
    zones: tuple[ZoneUse, ZoneUse]
    """In the order in which they apply: the override zone, and the block set of the policy."""


def resolver_vlans(compiled: CompiledConfig, publication: Publication) -> Iterator[ResolverVlan]:
    """All VLANs that have prefixes, in the order of the config."""
    policies = describe(compiled)
    for number, vlan in enumerate(compiled.vlans):
        policy = policies[vlan.policy]
        of_overrides, of_block_set = _censored(policy)
        overrides = names.text(override_zone(vlan.name, publication))
        block_set = names.text(block_set_zone(policy.name, publication))
        zones = (
            ZoneUse(overrides, of_overrides),
            ZoneUse(block_set, of_block_set),
        )
        if clients := tuple(_clients(compiled.prefixes, number)):
            yield ResolverVlan(vlan.name, policy.name, policy.vlan != "", clients, zones)


def _censored(policy: PolicyDescription) -> tuple[bool, bool]:
    """Whether a directive is behind all that the zones block: the override zone, the block set.

    The exemptions of a VLAN change its override zone, and rules of ``deny`` stand in it alone.
    """
    denies, directives = False, list[str]()
    for entry in (entry for entry in policy.entries if entry.does in BLOCKING):
        match entry:
            case RuleEntry():
                denies = True
            case ServiceEntry(ground=ground) | DefaultEntry(ground=ground):
                directives.append(ground.directive)
            case _:
                assert_never(entry)
    imposed = bool(directives) and all(directives)
    return imposed and not denies, imposed


def _clients(prefixes: Sequence[Prefix], vlan: int) -> Iterator[ClientPrefix]:
    """What decides who belongs to a VLAN; the longest prefix first."""
    networks = [network_of(prefix) for prefix in prefixes if prefix.owner == vlan]
    for prefix in sorted(prefixes, key=lambda prefix: -prefix.length):
        clients, belongs = network_of(prefix), prefix.owner == vlan
        if belongs or any(contains(outer, clients) for outer in networks):
            yield ClientPrefix(str(clients), belongs)
