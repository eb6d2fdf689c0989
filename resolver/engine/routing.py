"""The longest zone that a question lies in: local records, conditional forwarding, special use.

The longest wins, and of equals a local record before a forward before a special use: an
agency that forwards its own reverse zones means it. A local record is a zone of one name,
so that names beside it in a forwarded zone are still asked for.
"""

from collections.abc import Mapping
from typing import NamedTuple

from resolver.dns import codes, names, render, special_use
from resolver.dns.query import Query
from resolver.dns.record import LocalRecord
from resolver.dns.render import Sections
from resolver.dns.special_use import Use
from resolver.policy.compiled import Terms

NEGATIVE_TTL = 300
"""Seconds that the absence of local data may be kept."""
_LOCALHOST_TTL = 10800


class Local(NamedTuple):
    """A name with records of its own."""

    records: tuple[LocalRecord, ...]


class Forwarded(NamedTuple):
    """A zone with upstreams of its own."""

    group: str


Zone = Local | Forwarded | Use


class Zones:
    """Every zone that is not simply asked of the view's upstream."""

    def __init__(self, terms: Terms) -> None:
        self._local: Mapping[bytes, Zone] = {each.name: Local(each.records) for each in terms.local}
        self._zones: dict[bytes, Zone] = {**special_use.ZONES}
        self._zones.update({each.zone: Forwarded(each.group) for each in terms.forward})
        self._tops = frozenset(names.top(zone) for zone in self._zones)
        self.everything = names.ROOT in self._zones
        """Whether every name lies in some zone."""
        self.tops = self._tops | {names.top(name) for name in self._local}
        """Marks of last labels; a name with another lies in no zone, unless ``everything`` does."""

    def group(self, name: bytes, default: str) -> str | None:
        """Whom to ask for a name; None where it is answered here."""
        if name[-3:] not in self.tops and not self.everything:
            return default
        found = self.find(name)
        if found is None:
            return default
        return found[1].group if isinstance(found[1], Forwarded) else None

    def find(self, name: bytes) -> tuple[bytes, Zone] | None:
        """The longest zone that holds a name, or None where its upstream is the view's."""
        local = self._local.get(name)
        if local is not None:
            return name, local
        if names.top(name) not in self._tops and not self.everything:
            return None
        for zone in names.zones(name):
            found = self._zones.get(zone)
            if found is not None:
                return zone, found
        return None


def answer(query: Query, zone: bytes, found: Local | Use) -> tuple[int, Sections]:
    """The rcode and the records for a question that is answered here."""
    if isinstance(found, Local):
        return codes.NOERROR, _matching(query, zone, found.records)
    match found:
        case Use.LOCALHOST:
            return codes.NOERROR, _matching(query, zone, _LOCALHOST)
        case Use.LOOPBACK_REVERSE if query.name in _LOOPBACKS:
            return codes.NOERROR, _matching(query, zone, _POINTERS)
        case Use.NO_DATA:
            return codes.NOERROR, _negative(query, zone)
        case Use.NO_SUCH_NAME:
            return codes.NXDOMAIN, _negative(query, zone)
        case _:
            rcode = codes.NOERROR if query.name == zone else codes.NXDOMAIN
            return rcode, _negative(query, zone)


_LOCALHOST = (
    LocalRecord(codes.A, _LOCALHOST_TTL, bytes((127, 0, 0, 1))),
    LocalRecord(codes.AAAA, _LOCALHOST_TTL, bytes(15) + b"\x01"),
)
_POINTERS = (LocalRecord(codes.PTR, _LOCALHOST_TTL, names.parse("localhost")),)
_LOOPBACKS = frozenset({special_use.LOOPBACK_V4, special_use.LOOPBACK_V6})


def _matching(query: Query, zone: bytes, records: tuple[LocalRecord, ...]) -> Sections:
    wanted = [r for r in records if query.qtype in (r.rtype, codes.ANY)]
    if not wanted:
        return _negative(query, zone)
    rendered = [render.record(render.QNAME_POINTER, r.rtype, r.ttl, r.data) for r in wanted]
    return Sections(b"".join(rendered), len(rendered))


def _negative(query: Query, zone: bytes) -> Sections:
    return Sections(authority=render.negative_soa(query, zone, NEGATIVE_TTL), authorities=1)
