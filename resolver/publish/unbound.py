"""Unbound as a resolver that enforces the policy: an instance for each policy.

Unbound takes an alias from its cache without a look at the policy. So clients of two policies must
not share a cache, and each policy has an instance, with a file of its own; so has each VLAN with
rules of its own. Unbound has no TSIG: it
reads the zone files of this host, which Darban writes, or a Knot DNS that is a secondary. Without a
file, or with a damaged one, it lets all names pass; a script tells before.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from resolver.engine.blocked import TTL
from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Publication
from resolver.publish.check_zones import SCRIPT
from resolver.publish.resolver_vlans import ResolverVlan, resolver_vlans

_HEAD = """\
# Unbound enforces Darban's policy "{policy}" on VLAN {vlans}. "darban export unbound" wrote this
# file; write it again after a change of [publish], of the VLANs or of the policies.
#
# Include it in the config of an instance for these VLANs alone, which has its own "interface:" or
# port. All other clients are refused here: their queries would fill the cache with addresses of
# blocked names. When the files "{directory}/*.zone" have changed, run
# "unbound-control auth_zone_reload ZONE" for each.
#
# An alias that is cached when a name is blocked, or when an exemption ends, is answered from the
# cache until its TTL ends, and so is one to an exempt name, for all clients of the policy, that an
# exempted client has asked for. So TTLs are at most {ttl} s.
server:
    module-config: "respip validator iterator"
    ede: yes
    cache-max-ttl: {ttl}
    cache-max-negative-ttl: {ttl}
    # Without RD, Unbound answers only from its cache.
"""


def unbound_configs(
    compiled: CompiledConfig, publication: Publication, directory: Path
) -> dict[str, str]:
    """The files by their names: one for each instance, and the script."""
    instances: dict[str, list[ResolverVlan]] = {}
    for vlan in resolver_vlans(compiled, publication):
        name = f"{vlan.policy}+{vlan.name}" if vlan.has_own_rules else vlan.policy
        instances.setdefault(name, []).append(vlan)
    return {"darban-zones.sh": SCRIPT} | {
        f"darban-{name}.conf": "".join(_instance(vlans, directory))
        for name, vlans in instances.items()
    }


def _instance(vlans: Sequence[ResolverVlan], directory: Path) -> Iterator[str]:
    listed = ", ".join(vlan.name for vlan in vlans)
    yield _HEAD.format(policy=vlans[0].policy, vlans=listed, directory=directory, ttl=TTL)
    tags = " ".join(f"vlan-{vlan.name}" for vlan in vlans)
    yield f'    define-tag: "{tags}"\n'
    prefixes = {client.prefix for vlan in vlans for client in vlan.clients if client.belong}
    for vlan in vlans:
        for client in vlan.clients:
            if client.belong:
                yield f"    access-control: {client.prefix} allow_snoop\n"
                yield f'    access-control-tag: {client.prefix} "vlan-{vlan.name}"\n'
            elif client.prefix not in prefixes:
                yield f"    access-control: {client.prefix} refuse\n"
    for vlan in vlans:
        yield _rpz(vlan.zones[0].zone, directory, f"vlan-{vlan.name}")
    yield _rpz(vlans[0].zones[1].zone, directory, tags)


def _rpz(zone: str, directory: Path, tags: str) -> str:
    return (
        f'\nrpz:\n    name: "{zone}"\n    zonefile: "{directory}/{zone}.zone"\n    tags: "{tags}"\n'
    )
