"""A response policy zone as a zone file (RFC 1035 section 5.1), and the names of zones.

Each file is a head of a fixed form, which ends with the SOA and so has the serial, and a body. The
body depends only on the policy, so equal policies give equal bodies.
"""

import itertools
import re
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address

from resolver.dns import names
from resolver.engine.blocked import TTL
from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Publication
from resolver.publish.client_prefixes import address_trigger
from resolver.publish.policy_zones import PASSTHRU, PolicyZone, PolicyZones, ZoneAction

_EXPIRE = 24 * 7 * 86400
"""Seconds that a secondary keeps to the policy while it cannot reach the primary: the most that
BIND takes. A zone that has expired blocks nothing."""
RETRY = 30
"""Seconds after which a secondary tries again."""
_HEAD = """\
; Darban writes this file anew when the policy changes. Do not edit it.
$ORIGIN {zone}.
$TTL {ttl}
@ SOA localhost. hostmaster.localhost. {serial} {ttl} {retry} {expire} {ttl}
"""
_SERIAL = re.compile(rb"(?:;.*\n)?\$ORIGIN .*\n\$TTL .*\n@ SOA \S+ \S+ ([0-9]{1,10}) .*\n")
_MAX_SERIAL = 0xFFFFFFFF
_NS = "@ NS localhost.\n"
_SOME = 512
"""Lines that are rendered at a time."""


class ZoneContent:
    """The content of a zone, without its serial; it is rendered when it is read."""

    def __init__(self, zone: bytes, of: PolicyZone) -> None:
        self.zone = names.text(zone)
        self.of = of
        self._room = _room(zone)

    def head(self, serial: int) -> bytes:
        """The lines before the body."""
        values = {"ttl": TTL, "retry": RETRY, "expire": _EXPIRE}
        return _HEAD.format(zone=self.zone, serial=serial, **values).encode()

    def body(self) -> Iterator[bytes]:
        """The lines after the head, some hundreds at a time."""
        lines = self._lines()
        while some := "".join(itertools.islice(lines, _SOME)):
            yield some.encode()

    def _lines(self) -> Iterator[str]:
        rules = (rule for rule in self.of.rules() if len(rule.owner) <= self._room)
        triggers = (address_trigger(p.network, p.length, "rpz-client-ip") for p in self.of.passing)
        owners = itertools.chain(
            ((trigger, PASSTHRU) for trigger in triggers),
            ((address_trigger(r.network, r.length, "rpz-ip"), r.action) for r in self.of.addresses),
            ((names.text(rule.owner), rule.action) for rule in rules),
        )
        yield _NS
        for owner, action in owners:
            for record in _records(action):
                yield f"{owner} {record}\n"


def contents(zones: PolicyZones, publication: Publication) -> Iterator[ZoneContent]:
    """The zones of a snapshot, one at a time."""
    for block_set in zones.block_sets:
        yield ZoneContent(block_set_zone(block_set.owner, publication), block_set)
    for vlan in zones.vlans:
        yield ZoneContent(override_zone(vlan.owner, publication), vlan)


def block_set_zone(policy: str, publication: Publication) -> bytes:
    """The name of the block set of a policy."""
    return names.parse(f"{policy}.policy.{names.text(publication.zone)}")


def override_zone(vlan: str, publication: Publication) -> bytes:
    """The name of the override zone of a VLAN."""
    return names.parse(f"{vlan}.vlan.{names.text(publication.zone)}")


def zone_names(compiled: CompiledConfig, publication: Publication) -> Iterator[bytes]:
    """The names of all zones: the block sets, then the override zones."""
    for policy in compiled.policies:
        if not policy.vlan:
            yield block_set_zone(policy.name, publication)
    for vlan in compiled.vlans:
        yield override_zone(vlan.name, publication)


def longest_name(compiled: CompiledConfig, publication: Publication) -> int:
    """The octets of the longest name that has all its rules in each zone."""
    return min(map(_room, zone_names(compiled, publication))) - len(names.WILDCARD)


def _room(zone: bytes) -> int:
    """The octets of the longest owner below a zone's name, as a name of its own."""
    return names.MAX_NAME + 1 - len(zone)


def serial_of(file: bytes) -> int:
    """The serial of a file; 0 where its head is damaged."""
    head = _SERIAL.match(file)
    return int(head[1]) if head else 0


def next_serial(last: int, wall: float) -> int:
    """The serial after another: the Unix time, or one more where that is not larger."""
    return max(last + 1, int(wall)) & _MAX_SERIAL or 1


@cache
def _records(action: ZoneAction) -> list[str]:
    """The records of an action without their owner; a zone has few actions for many owners."""
    if action.cname:
        return [f"CNAME {action.cname}"]
    return [
        f"{'A' if len(address) == 4 else 'AAAA'} {ip_address(address)}"
        for address in action.addresses
    ]
