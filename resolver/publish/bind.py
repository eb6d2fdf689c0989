"""BIND as a resolver that enforces the policy: a view for each VLAN, with zones from Knot DNS.

What BIND needs, and what happens otherwise:
- ``recursive-only no``: queries without RD bypass the policy.
- ``break-dnssec yes``: signed answers bypass it, for clients that ask for DNSSEC.
- ``qname-wait-recurse no``: a blocked name is looked up first, and fails if the upstream fails.
- A copy of a zone for each view: BIND rejects ``in-view`` for response policy zones.
- ``min-refresh-time`` and ``min-retry-time``: BIND takes 300 s and 500 s for what the SOA says.
- A seed for each zone: a zone that is missing, damaged or expired lets all names pass, also for
  some time after the primary is back.
- ``servfail-until-ready yes``: after a start, all names pass until the zones are applied, for a
  second where they have 300,000 names.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from resolver.engine.blocked import TTL
from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Publication
from resolver.publish.check_zones import SCRIPT
from resolver.publish.resolver_vlans import ResolverVlan, ZoneUse, resolver_vlans
from resolver.publish.zone_text import RETRY

KEYS_FILE = "/etc/bind/darban-keys.conf"
"""The secret of the key; neither Darban nor its config has it."""
_HEAD = """\
// BIND enforces Darban's policy. "darban export bind" wrote this file; write it again after a
// change of [publish], of the VLANs or of the policies. Include it in named.conf; all other zones
// must be in views, too. A client in no VLAN gets REFUSED. Without its zones, BIND lets all names
// pass: run darban-seeds.sh before each start.
//
// The views refresh their zones every {ttl} s. Only the first view takes part in NOTIFY.

// Root writes the key of this resolver there. Put its name here for "{key}", if it has another:
//   key "{key}" {{ algorithm hmac-sha256; secret "..."; }};
include "{keys}";
"""
_VIEW = """
view "{name}" {{
  match-clients {{ {clients} }};
  recursion yes;
  allow-query {{ any; }};
  allow-recursion {{ any; }};
  attach-cache "darban";  // the cache holds answers as they came; the policy is applied after it
  response-policy {{
{uses}
  }} qname-wait-recurse no break-dnssec yes recursive-only no max-policy-ttl {ttl} \
min-update-interval 5 servfail-until-ready yes;
{zones}
}};
"""
_ZONE = """\
  zone "{zone}" {{
    type secondary; file "{file}"; masterfile-format text;
    primaries {{ {primaries} }};
    min-refresh-time {refresh}; min-retry-time {retry};
    allow-query {{ none; }};
  }};"""
_SCRIPT = Path(__file__).with_name("bind_seeds.sh").read_text(encoding="utf-8")


def bind_files(
    compiled: CompiledConfig, publication: Publication, seeds: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The views, the seed of each zone of each view, and the scripts that give BIND the seeds."""
    files = {
        "darban-views.conf": _views(compiled, publication).encode(),
        "darban-seeds.sh": _SCRIPT.encode(),
        "darban-zones.sh": SCRIPT.encode(),
    }
    for vlan in resolver_vlans(compiled, publication):
        for zone in vlan.zones:
            files[f"darban-seeds/{_file(vlan, zone)}"] = seeds[zone.zone]
    return files


def _views(compiled: CompiledConfig, publication: Publication) -> str:
    """The views of named.conf, with the key of the first secondary; there must be one."""
    key = publication.secondaries[0].key
    text = _HEAD.format(ttl=TTL, key=key, keys=KEYS_FILE)
    primaries = " ".join(
        f'{address.address} port {address.port} key "{key}";' for address in publication.listen
    )
    for number, vlan in enumerate(resolver_vlans(compiled, publication)):
        clients = [f"{client};" for client in vlan.clients]
        if not number:
            clients.insert(0, f'key "{key}";')
        text += _VIEW.format(
            name=vlan.name,
            clients=" ".join(clients),
            uses="\n".join(f"    {_use(zone)}" for zone in vlan.zones),
            zones="\n".join(_zones(vlan, primaries)),
            ttl=TTL,
        )
    return text


def _use(zone: ZoneUse) -> str:
    return f'zone "{zone.zone}" ede {"censored" if zone.censored else "blocked"};'


def _zones(vlan: ResolverVlan, primaries: str) -> Iterator[str]:
    for zone in vlan.zones:
        file = _file(vlan, zone)
        yield _ZONE.format(zone=zone.zone, file=file, primaries=primaries, refresh=TTL, retry=RETRY)


def _file(vlan: ResolverVlan, zone: ZoneUse) -> str:
    """The name of the file of a zone in the view of a VLAN."""
    return f"{zone.zone}@{vlan.name}"
