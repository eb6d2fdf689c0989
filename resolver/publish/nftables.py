"""What goes around DNS as rules of nftables, by the prefixes of the VLANs: rejected, and counted.

DNS does not see an app that carries the addresses of its servers, nor a query for another resolver;
a firewall does. One rule for each prefix of a VLAN or of an exemption, the longest first, leads to
the chain of what is blocked for these clients. So the longest prefix wins, as in ``policy.view``.

What must stay true:
- The file is loaded in one transaction, and over another one: the rules of the other go, and the
  elements of sets that both have; its counters stay, and so do sets and chains that no rule uses.
- Who is not restricted may ask any resolver.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from resolver.policy.compiled import AddressRange, CompiledConfig
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import prefix_text
from resolver.policy.services import services_in, union
from resolver.policy.view import View
from resolver.publish.client_views import views_by_prefix

_TABLE = "inet darban"
_HEAD = f"""\
# What goes around DNS, by client prefix: rejected, and counted by VLAN and way. Made by
# "darban export nftables"; load it with "nft -f FILE". Load a new one after each change of the
# policy, and when an exemption or hours begin or end: nftables does not know when that is. Names
# that "allow" or an exception lets pass are not known here either.
# "nft list counters table {_TABLE}" shows what was rejected since the table was made.
table {_TABLE} {{ }}
flush table {_TABLE}
"""
REJECT = "reject with icmpx admin-prohibited"
_DNS, _DOT = "port_53", "port_853"
"""Ways around DNS: the ports of other servers. The other ways are services, by their names, in
which there is no underscore."""
_SERVERS = "dns_servers"
_FAMILIES = ((4, "ip", "ipv4_addr", "v4"), (16, "ip6", "ipv6_addr", "v6"))
"""Octets of an address, and names in nftables: of the protocol, of its addresses, of our sets."""

Servers = Sequence[IPv4Address | IPv6Address]


class _Blocked(NamedTuple):
    """What is blocked for the clients of a VLAN that have the same view."""

    vlan: int
    services: int
    """Those that have ranges, one bit each."""
    is_restricted: bool
    """Whether any name is blocked."""


def nftables(compiled: CompiledConfig, wall: float, servers: Servers = ()) -> str:
    """The file for ``nft -f``, by the exemptions in force at ``wall``, in Unix seconds.

    With ``servers``, the only ones that clients for whom anything is blocked may ask, it rejects
    ports 53 and 853 of all others.
    """
    rules = _Rules(compiled, servers)
    prefixes = list(rules.by_prefix(wall))
    chains = sorted({blocked for _, blocked in prefixes if rules.closes(blocked)})
    used = union(blocked.services for blocked in chains)
    lines = [_HEAD, f"table {_TABLE} {{", *rules.counters(chains)]
    sets = [*rules.sets(used)]
    lines += [declared for declared, _ in sets]
    lines += ["}", *(filled for _, filled in sets), f"table {_TABLE} {{"]
    for blocked in chains:
        lines += rules.chain(blocked)
    lines += ["  chain forward {", "    type filter hook forward priority filter; policy accept;"]
    for prefix, blocked in prefixes:
        family = "ip" if len(prefix.network) == 4 else "ip6"
        clients = prefix_text(prefix.network, prefix.length)
        verdict = f"goto {rules.chain_name(blocked)}" if rules.closes(blocked) else "accept"
        lines.append(f"    {family} saddr {clients} {verdict}")
    return "\n".join([*lines, "  }", "}", ""])


class _Rules:
    """The rules for a policy."""

    def __init__(self, compiled: CompiledConfig, servers: Servers) -> None:
        self._compiled = compiled
        self._servers = servers
        self._ranges: dict[int, list[AddressRange]] = {}
        for prefix in (*compiled.ranges, *compiled.firewall_ranges):
            self._ranges.setdefault(compiled.sources[prefix.source].service, []).append(prefix)

    def by_prefix(self, wall: float) -> Iterator[tuple[Prefix, _Blocked]]:
        """Each prefix of clients, the longest first, and what is blocked for them."""
        by_prefix = views_by_prefix(self._compiled, wall).items()
        for prefix, view in sorted(by_prefix, key=lambda pair: (-pair[0].length, pair[0].network)):
            if view is not None:
                yield prefix, self._blocked(view)

    def _blocked(self, view: View) -> _Blocked:
        effect = view.effect
        with_ranges = union(1 << service for service in self._ranges)
        restricted = bool(effect.enforced or effect.denied or effect.default_blocks)
        return _Blocked(view.vlan, effect.enforced & with_ranges, restricted)

    def closes(self, blocked: _Blocked) -> bool:
        """Whether there is a rule for such clients."""
        return bool(blocked.services or (blocked.is_restricted and self._servers))

    def counters(self, chains: Iterable[_Blocked]) -> Iterator[str]:
        """A counter for each VLAN and way; a load over another one leaves its number."""
        ways = {(chain.vlan, way) for chain in chains for way in self._ways(chain)}
        for vlan, way in sorted(ways):
            yield f"  counter {self._counter(vlan, way)} {{ }}"

    def _ways(self, blocked: _Blocked) -> Iterator[str]:
        if blocked.is_restricted and self._servers:
            yield from (_DNS, _DOT)
        yield from (
            service.name for service in services_in(blocked.services, self._compiled.services)
        )

    def _counter(self, vlan: int, way: str) -> str:
        return f"vlan_{self._compiled.vlans[vlan].name}_{way}"

    def sets(self, services: int) -> Iterator[tuple[str, str]]:
        """The sets of addresses: how each is declared, and filled anew."""
        for size, _, kind, suffix in _FAMILIES:
            servers = [str(server) for server in self._servers if len(server.packed) == size]
            if self._servers:
                yield _set(f"{_SERVERS}_{suffix}", kind, servers)
            for service in sorted(self._ranges):
                if services >> service & 1 and (ranges := self._of_size(service, size)):
                    yield _set(f"{self._set_name(service)}_{suffix}", kind, ranges)

    def _of_size(self, service: int, size: int) -> list[str]:
        ranges = (prefix for prefix in self._ranges[service] if len(prefix.network) == size)
        return [prefix_text(prefix.network, prefix.length) for prefix in ranges]

    def _set_name(self, service: int) -> str:
        """A name for nftables, which takes none that begins with a digit or a hyphen."""
        return f"service_{self._compiled.services[service].name}"

    def chain_name(self, blocked: _Blocked) -> str:
        """The chain for clients of a VLAN for whom this is blocked."""
        name = f"vlan_{self._compiled.vlans[blocked.vlan].name}_{blocked.services:x}"
        return f"{name}_restricted" if blocked.is_restricted else name

    def chain(self, blocked: _Blocked) -> Iterator[str]:
        """The chain: other resolvers, then the ranges of services."""
        yield f"  chain {self.chain_name(blocked)} {{"
        for size, family, _, suffix in _FAMILIES:
            if blocked.is_restricted and self._servers:
                servers = f"@{_SERVERS}_{suffix}"
                others = f"{family} saddr != {servers} {family} daddr != {servers}"
                dns, dot = (f"counter name {self._counter(blocked.vlan, w)}" for w in (_DNS, _DOT))
                yield f"    {others} meta l4proto {{ tcp, udp }} th dport 53 {dns} {REJECT}"
                yield f"    {others} tcp dport 853 {dot} reject with tcp reset"
                yield f"    {others} udp dport 853 {dot} {REJECT}"
            for service in services_in(blocked.services, range(len(self._compiled.services))):
                if self._of_size(service, size):
                    way = self._compiled.services[service].name
                    counter = f"counter name {self._counter(blocked.vlan, way)}"
                    within = f"@{self._set_name(service)}_{suffix}"
                    yield f"    {family} daddr {within} {counter} {REJECT}"
        yield "  }"


def _set(name: str, kind: str, elements: Sequence[str]) -> tuple[str, str]:
    declared = f"  set {name} {{ type {kind}; flags interval; auto-merge; }}"
    filled = f"flush set {_TABLE} {name}"
    if elements:
        filled += f"\nadd element {_TABLE} {name} {{ {', '.join(elements)} }}"
    return declared, filled
