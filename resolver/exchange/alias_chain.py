"""Find the alias chain of a response: its CNAMEs, and those that its DNAMEs make (RFC 6672).

What must stay true:
- A name below a DNAME leads where the DNAME leads it, whatever a CNAME says. A CNAME that is
  missing or wrong is made, so that policy judges the target and every client can follow it.
- A name with an alias has no other data (RFC 2181 section 10.1): what answers the question belongs
  to the end of the chain, and to no name before it.
- An alias comes before what it leads to (RFC 1034 section 4.3.1), since many clients read an answer
  only once, from its start. An RRSIG may be anywhere.
- An RRSIG belongs to the answer only with DO, or if the question has its type (RFC 4035 section
  3.2.1).
- Each DNAME makes at most one CNAME of a response. A few DNAMEs could else make a chain of any
  length. The chain is then unfinished, and its end is asked for.
"""

from typing import Final

from resolver.dns import codes, names
from resolver.dns.scanned_record import Record

_OUTSIDE: Final = -1
"""The place of a record that does not belong to the chain."""


class MadeAlias:
    """A CNAME that a DNAME makes and the response lacks."""

    __slots__ = ("owner", "target", "ttl")

    def __init__(self, owner: bytes, target: bytes, ttl: int) -> None:
        self.owner = owner
        self.target = target
        self.ttl = ttl
        """That of the DNAME (RFC 6672 section 3.1)."""


class AliasChain:
    """The names that the aliases of an answer section lead to, from the name of the question."""

    __slots__ = (
        "_cnames",
        "_dnames",
        "_dnssec_ok",
        "_indices",
        "_qtype",
        "_zones",
        "is_loop",
        "is_too_long",
        "made",
        "names",
    )

    def __init__(self, name: bytes, qtype: int, answers: list[Record], dnssec_ok: bool) -> None:
        self._qtype = qtype
        self._dnssec_ok = dnssec_ok
        self._cnames = {r.owner: r for r in answers if r.rtype == codes.CNAME}
        self._dnames = {r.owner: r for r in answers if r.rtype == codes.DNAME}
        self.made: dict[bytes, MadeAlias] = {}
        """By owner."""
        self.is_loop = False
        """Whether the chain leads back to one of its own names."""
        self.is_too_long = False
        """Whether the chain ends because a DNAME makes a name of more than 255 octets."""
        indices = {name: 0}
        while target := self._target(name):
            if target in indices:
                self.is_loop = True
                break
            indices[target] = len(indices)
            name = target
        self._indices = indices
        self.names = list(indices)
        """The name of the question first, the end of the chain last."""
        self._zones: dict[bytes, int] = {}
        """The index of the first name in each zone, once a DNAME wants it."""

    def _target(self, name: bytes) -> bytes:
        """Where a name leads; empty at the end of the chain. A DNAME that was used is removed."""
        cname = self._cnames.get(name)
        dname = self._dname_above(name) if self._dnames else None
        if dname is not None:
            target = name[: len(name) - len(dname.owner)] + dname.target
            if cname is None or cname.target != target:
                return self._make(name, dname, target)
        return b"" if cname is None else cname.target

    def _make(self, name: bytes, dname: Record, target: bytes) -> bytes:
        if len(target) > names.MAX_NAME:
            self.is_too_long = True
            return b""
        self.made[name] = MadeAlias(name, target, dname.ttl)
        del self._dnames[dname.owner]
        return target

    def _dname_above(self, name: bytes) -> Record | None:
        """The DNAME at the nearest name above."""
        at = 0
        while length := name[at]:
            at += 1 + length
            dname = self._dnames.get(name[at:])
            if dname is not None:
                return dname
        return None

    def is_in_order(self, answers: list[Record]) -> bool:
        """Whether an answer section has the chain in its order, and nothing else."""
        last = 0
        for record in answers:
            place = self._place(record)
            if place == _OUTSIDE:
                return False
            if record.rtype != codes.RRSIG or self._qtype == codes.RRSIG:
                if place < last:
                    return False
                last = place
        return not self.made

    def in_order(self, answers: list[Record]) -> list[Record | MadeAlias]:
        """The records of the chain in its order, each RRSIG behind what it signs."""
        placed: list[tuple[int, Record | MadeAlias]] = []
        for record in answers:
            place = self._place(record)
            if place != _OUTSIDE:
                placed.append((place, record))
        for alias in self.made.values():
            placed.append((4 * self._indices[alias.owner] + 2, alias))
        placed.sort(key=_place_of)
        return [link for _, link in placed]

    def _place(self, record: Record) -> int:
        """The place of a record in the chain: of each name the DNAME above it, then the CNAME."""
        rrset, is_signature = record.rrset, record.rtype == codes.RRSIG
        if is_signature and not self._dnssec_ok and self._qtype != codes.RRSIG:
            return _OUTSIDE
        if rrset == codes.DNAME:
            # The owner of a DNAME is above the names that it renames; its RRSIG has the same owner.
            index, of_name = self._first_in(record.owner), 0
        elif rrset == codes.CNAME:
            is_made = record.owner in self.made
            index = _OUTSIDE if is_made else self._indices.get(record.owner, _OUTSIDE)
            of_name = 2
        else:
            is_end = record.owner == self.names[-1] and self._qtype in (record.rtype, rrset)
            index, of_name = len(self.names) if is_end else _OUTSIDE, 0
        return _OUTSIDE if index == _OUTSIDE else 4 * index + of_name + is_signature

    def _first_in(self, zone: bytes) -> int:
        if not self._zones:
            for index, name in enumerate(self.names):
                for zone_of_name in names.zones(name):
                    self._zones.setdefault(zone_of_name, index)
        return self._zones.get(zone, _OUTSIDE)


def _place_of(placed: tuple[int, Record | MadeAlias]) -> int:
    return placed[0]
