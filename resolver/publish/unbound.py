"""Unbound as a resolver that enforces the policy: an instance for each policy.

Unbound takes an alias from its cache without a look at the policy. So clients of two policies must
not share a cache, and each policy has an instance, with a file of its own. Unbound has no TSIG: it
reads the zone files of this host, which Darban writes, or a Knot DNS that is a secondary. Without a
file, or with a damaged one, it lets all names pass; a script tells before.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from resolver.engine.blocked import TTL
from resolver.policy.compiled import CompiledConfig
from resolver.publish.check_zones import SCRIPT
from resolver.publish.resolver_vlans import ResolverVlan, resolver_vlans
from resolver.settings import Publication

_HEAD = """\
# Unbound enforces Darban's policy "{policy}" on VLAN {vlans}. "darban export unbound" wrote this
# file; write it again after a change of [publish], of the VLANs or of the policies.
#
# Include it in the config of an instance for this policy alone, which has its own "interface:" or
# port. Clients of other policies are refused here: their queries would fill the cache with
# addresses of blocked names. When the files "{directory}/*.zone" have changed, run
# "unbound-control auth_zone_reload ZONE" for each.
#
# An alias that is cached when a name is blocked, or when an exemption ends, is answered from the
# cache until its TTL ends. So TTLs are at most {ttl} s.
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
    """The files by their names: one for each policy that has VLANs, and the script."""
    by_policy: dict[str, list[ResolverVlan]] = {}
    everywhere = list(resolver_vlans(compiled, publication))
    for vlan in everywhere:
        by_policy.setdefault(vlan.policy, []).append(vlan)
    return {"darban-zones.sh": SCRIPT} | {
        f"darban-{policy}.conf": "".join(_instance(policy, vlans, directory))
        for policy, vlans in by_policy.items()
    }


def _instance(policy: str, vlans: Sequence[ResolverVlan], directory: Path) -> Iterator[str]:
    listed = ", ".join(each.name for each in vlans)
    yield _HEAD.format(policy=policy, vlans=listed, directory=directory, ttl=TTL)
    tags = " ".join(f"vlan-{each.name}" for each in vlans)
    yield f'    define-tag: "{tags}"\n'
    own = {each.prefix for vlan in vlans for each in vlan.clients if each.belong}
    for vlan in vlans:
        for each in vlan.clients:
            if each.belong:
                yield f"    access-control: {each.prefix} allow_snoop\n"
                yield f'    access-control-tag: {each.prefix} "vlan-{vlan.name}"\n'
            elif each.prefix not in own:
                yield f"    access-control: {each.prefix} refuse\n"
    for vlan in vlans:
        yield _rpz(vlan.zones[0].zone, directory, f"vlan-{vlan.name}")
    yield _rpz(vlans[0].zones[1].zone, directory, tags)


def _rpz(zone: str, directory: Path, tags: str) -> str:
    return (
        f'\nrpz:\n    name: "{zone}"\n    zonefile: "{directory}/{zone}.zone"\n    tags: "{tags}"\n'
    )
