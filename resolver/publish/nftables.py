"""The address ranges of blocked services as rules of nftables, by the prefixes of the VLANs.

DNS does not see an app that carries the addresses of its servers; a firewall does. One rule for
each prefix of a VLAN or of an exemption, the longest first, leads to the chain of the services
that are blocked for these clients. So the longest prefix wins, as in ``policy.view``.
"""

from collections.abc import Iterator

from resolver.policy.compiled import CompiledConfig
from resolver.policy.prefixes import prefix_text
from resolver.policy.services import services_in, union
from resolver.prefix import Prefix
from resolver.publish.client_views import views_by_prefix

_HEAD = """\
# The address ranges of the services that Darban blocks, by client prefix. Made by
# "darban export nftables"; load it with "nft -f FILE". Load a new one after each change of the
# policy, and when an exemption or hours begin or end: nftables does not know when that is. Names
# that "allow" or an exception lets pass are not known here either.
table inet darban
delete table inet darban
table inet darban {
"""
_REJECT = "counter reject with icmpx admin-prohibited"


def nftables(compiled: CompiledConfig, wall: float) -> str:
    """The file for ``nft -f``, by the exemptions in force at ``wall``, in Unix seconds."""
    blocked = list(_blocked_by_prefix(compiled, wall))
    chains = sorted({services for _, services in blocked if services})
    lines = [_HEAD.rstrip("\n")]
    for service in range(len(compiled.services)):
        if any(services >> service & 1 for services in chains):
            lines += _sets(compiled, service)
    for services in chains:
        lines += _chain(compiled, services)
    lines += ["  chain forward {", "    type filter hook forward priority filter; policy accept;"]
    for prefix, services in blocked:
        family = "ip" if len(prefix.network) == 4 else "ip6"
        clients = prefix_text(prefix.network, prefix.length)
        verdict = f"goto blocked_{services:x}" if services else "accept"
        lines.append(f"    {family} saddr {clients} {verdict}")
    return "\n".join([*lines, "  }", "}", ""])


def _blocked_by_prefix(compiled: CompiledConfig, wall: float) -> Iterator[tuple[Prefix, int]]:
    """Each prefix of clients, the longest first, and its blocked services that have ranges."""
    with_ranges = union(1 << compiled.sources[each.source].service for each in compiled.ranges)
    by_prefix = views_by_prefix(compiled, wall).items()
    for prefix, view in sorted(by_prefix, key=lambda pair: (-pair[0].length, pair[0].network)):
        if view is not None:
            yield prefix, view.effect.enforced & with_ranges


def _sets(compiled: CompiledConfig, service: int) -> Iterator[str]:
    """The ranges of a service, a set for each family; ranges inside others are merged."""
    name = _set_name(compiled, service)
    for size, kind, family in ((4, "ipv4_addr", "v4"), (16, "ipv6_addr", "v6")):
        ranges = [
            prefix_text(each.network, each.length)
            for each in compiled.ranges
            if compiled.sources[each.source].service == service and len(each.network) == size
        ]
        if ranges:
            yield f"  set {name}_{family} {{"
            yield f"    type {kind}; flags interval; auto-merge;"
            yield f"    elements = {{ {', '.join(ranges)} }}"
            yield "  }"


def _chain(compiled: CompiledConfig, services: int) -> Iterator[str]:
    yield f"  chain blocked_{services:x} {{"
    for service in services_in(services, range(len(compiled.services))):
        name = _set_name(compiled, service)
        sizes = {
            len(e.network) for e in compiled.ranges if compiled.sources[e.source].service == service
        }
        for size in sorted(sizes):
            family, suffix = ("ip", "v4") if size == 4 else ("ip6", "v6")
            yield f"    {family} daddr @{name}_{suffix} {_REJECT}"
    yield "  }"


def _set_name(compiled: CompiledConfig, service: int) -> str:
    """A name for nftables, which takes none that begins with a digit or a hyphen."""
    return f"service_{compiled.services[service].name}"
