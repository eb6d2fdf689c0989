"""Name routing: find the longest zone of a name among local records, forward and special-use zones.

Of zones with the same name, a local record comes before a forward zone, and a forward zone before
a special-use zone: an agency may forward its own reverse zones. A local record is a zone of one
name only, so other names in the same forward zone are still forwarded. A wildcard (``*.name``) is
a zone of the names below its parent that have no records of their own.
"""

from typing import Final

from resolver.dns import codes, names, render, special_use
from resolver.dns.local_record import LocalRecord
from resolver.dns.render import NegativeSoa, Sections
from resolver.dns.special_use import Use
from resolver.exchange.entry import CacheEntry
from resolver.policy.building import top_labels
from resolver.policy.compiled import CompiledConfig

NEGATIVE_TTL: Final = 300
"""The TTL of a negative answer from local data, in seconds."""
_LOCALHOST_TTL: Final = 10800


class Zone:
    """A zone whose queries do not go to the upstream group of the view.

    Exactly one of ``records``, ``group`` and ``use`` is set.
    """

    __slots__ = ("alias", "group", "name", "records", "use")

    def __init__(
        self,
        name: bytes,
        records: tuple[LocalRecord, ...] | None = None,
        group: bytes | None = None,
        use: Use | None = None,
    ) -> None:
        self.name = name
        self.records = records
        """The local records of a name, or of all names below it."""
        self.alias = records is not None and any(record.rtype == codes.CNAME for record in records)
        """Whether the records are an alias, whose target is still to be found."""
        self.group = group
        """The upstream group of a forward zone."""
        self.use = use
        """How this server answers a special-use zone."""


class NameRouting:
    """All zones whose queries do not go to the upstream group of the view."""

    def __init__(self, compiled: CompiledConfig) -> None:
        self._local = {
            local.name: Zone(local.name, records=local.records) for local in compiled.local
        }
        self._wildcards = {
            above: Zone(above, records=local.records)
            for local in compiled.local
            if (above := local.name.removeprefix(names.WILDCARD)) != local.name
        }
        """The zones of wildcards, by the name above the names that each is for."""
        self._zones = {zone: Zone(zone, use=use) for zone, use in special_use.ZONES.items()}
        for forward in compiled.forward:
            self._zones[forward.zone] = Zone(forward.zone, group=forward.group.encode())
        self._has_root = names.ROOT in self._zones
        """Whether the root is a zone, so that every name is in some zone."""
        self._tops = top_labels(self._zones) | top_labels(self._local)
        """The marks of last labels; a name with another mark is only in the root zone."""

    def find(self, name: bytes, qtype: int) -> Zone | None:
        """The zone of a question; None if it goes to the upstream group of the view."""
        if name[-3:] not in self._tops and not self._has_root:
            return None
        zone = self._local.get(name) or self._longest(name)
        if qtype == codes.DS and self.is_forward_zone(name) and name not in self._local:
            return self._above(name)
        return zone

    def is_forward_zone(self, name: bytes) -> bool:
        """Whether a forward zone other than the root has this name."""
        zone = self._zones.get(name)
        return zone is not None and zone.group is not None and name != names.ROOT

    def _longest(self, name: bytes) -> Zone | None:
        at = 0
        while length := name[at]:
            above = name[at:]
            zone = self._wildcards.get(above) if at else None
            if zone is None:
                zone = self._zones.get(above)
            if zone is not None:
                return zone
            at += 1 + length
        return self._zones.get(names.ROOT)

    def _above(self, name: bytes) -> Zone | None:
        """The zone that is asked for the DS of a forward zone."""
        parent = name[1 + name[0] :]
        above = self._longest(parent)
        if above is None or not special_use.is_private(above.name):
            is_answered_here = special_use.is_private(name)
        else:
            is_answered_here = above.group is None
        return Zone(parent, use=Use.NO_DELEGATION) if is_answered_here else above


def without_nxdomain(name: bytes, entry: CacheEntry, routing: NameRouting) -> CacheEntry:
    """For one reply: an NXDOMAIN for the DS of a forward zone as NODATA, since the zone is there.

    The zone above does not know it. ``name`` is the name of the question. The records do not prove
    NODATA, so AD is clear.
    """
    if not routing.is_forward_zone(entry.aliases[-1] if entry.aliases else name):
        return entry
    return CacheEntry(
        False, codes.NOERROR, entry.records, entry.counts, entry.ttl_offsets, 0, entry.dated,
        entry.targets, entry.aliases, entry.errors,
    )  # fmt: skip


def local_answer(zone: Zone, name: bytes, qtype: int) -> tuple[int, Sections]:
    """The rcode and the records of an answer from local data."""
    if zone.records is not None:
        return codes.NOERROR, _matching(zone, name, qtype, zone.records)
    match zone.use:
        case Use.LOCALHOST:
            return codes.NOERROR, _matching(zone, name, qtype, _LOCALHOST)
        case Use.LOOPBACK_REVERSE if name in _LOOPBACKS:
            return codes.NOERROR, _matching(zone, name, qtype, _POINTERS)
        case Use.NO_DATA | Use.NO_DELEGATION:
            return codes.NOERROR, _negative(zone, name)
        case Use.NO_SUCH_NAME | Use.PRIVATE:
            return codes.NXDOMAIN, _negative(zone, name)
        case _:
            rcode = codes.NOERROR if name == zone.name else codes.NXDOMAIN
            return rcode, _negative(zone, name)


_SOA: Final = NegativeSoa(NEGATIVE_TTL)
_LOCALHOST: Final = (
    LocalRecord(codes.A, _LOCALHOST_TTL, bytes((127, 0, 0, 1))),
    LocalRecord(codes.AAAA, _LOCALHOST_TTL, bytes(15) + b"\x01"),
)
_POINTERS: Final = (LocalRecord(codes.PTR, _LOCALHOST_TTL, names.parse("localhost")),)
_LOOPBACKS: Final = frozenset({special_use.LOOPBACK_V4, special_use.LOOPBACK_V6})


def _matching(zone: Zone, name: bytes, qtype: int, records: tuple[LocalRecord, ...]) -> Sections:
    wanted = [r for r in records if zone.alias or qtype in (r.rtype, codes.ANY)]
    if not wanted:
        return _negative(zone, name)
    rendered = [render.record(render.QNAME_POINTER, r.rtype, r.ttl, r.data) for r in wanted]
    return Sections(b"".join(rendered), len(rendered))


def _negative(zone: Zone, name: bytes) -> Sections:
    return Sections(authority=_SOA.record(name, len(zone.name)), authorities=1)
