"""Find the alias chain of a response: its CNAMEs, and those that its DNAMEs make (RFC 6672).

What must stay true:
- A name below a DNAME leads where the DNAME leads it, whatever a CNAME says. A CNAME that is
  missing or wrong is made, so that policy judges the target and every client can follow it.
- A name with an alias has no other data (RFC 2181 section 10.1): what answers the question belongs
  to the end of the chain, and to no name before it.
- Each DNAME makes at most one CNAME of a response. A few DNAMEs could else make a chain of any
  length. The chain is then unfinished, and its end is asked for.
"""

from resolver.dns import codes, names
from resolver.dns.records import Record


class MadeAlias:
    """A CNAME that a DNAME makes and the response lacks."""

    __slots__ = ("behind", "owner", "target", "ttl")

    def __init__(self, owner: bytes, target: bytes, ttl: int, behind: int) -> None:
        self.owner = owner
        self.target = target
        self.ttl = ttl
        """That of the DNAME (RFC 6672 section 3.1)."""
        self.behind = behind
        """The offset of the type of the record before it."""


class AliasChain:
    """The names that the aliases of an answer section lead to, from the name of the question."""

    __slots__ = (
        "_cnames",
        "_dnames",
        "_followed_to",
        "_qtype",
        "is_loop",
        "is_too_long",
        "made",
        "names",
    )

    def __init__(self, name: bytes, qtype: int, answers: list[Record]) -> None:
        self._qtype = qtype
        self._cnames = {r.owner: r for r in answers if r.rtype == codes.CNAME}
        self._dnames = {r.owner: r for r in answers if r.rtype == codes.DNAME}
        self._followed_to = 0
        """The offset of the last record that was followed."""
        self.made: list[MadeAlias] = []
        self.is_loop = False
        """Whether the chain leads back to one of its own names."""
        self.is_too_long = False
        """Whether the chain ends because a DNAME makes a name of more than 255 octets."""
        links = {name: None}
        while target := self._target(name):
            if target in links:
                self.is_loop = True
                break
            links[target] = None
            name = target
        self.names = list(links)
        """The name of the question first, the end of the chain last."""

    def _target(self, name: bytes) -> bytes:
        """Where a name leads; empty at the end of the chain. A DNAME that was used is removed."""
        cname = self._cnames.get(name)
        dname = self._dname_above(name) if self._dnames else None
        if dname is not None:
            target = name[: len(name) - len(dname.owner)] + dname.target
            if cname is None or cname.target != target:
                return self._make(name, dname, target)
        if cname is None:
            return b""
        self._followed_to = max(self._followed_to, cname.fixed_at)
        return cname.target

    def _make(self, name: bytes, dname: Record, target: bytes) -> bytes:
        if len(target) > names.MAX_NAME:
            self.is_too_long = True
            return b""
        self._followed_to = max(self._followed_to, dname.fixed_at)
        self.made.append(MadeAlias(name, target, dname.ttl, self._followed_to))
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

    def outside(self, answers: list[Record]) -> list[Record]:
        """The records that do not belong to the chain, or not in this form."""
        owners = set(self.names)
        made = {alias.owner for alias in self.made}
        # The owner of a DNAME is above the names that it renames; its RRSIG has the same owner.
        above: set[bytes] = set()
        if any(record.rrset == codes.DNAME for record in answers):
            above = {zone for each in self.names for zone in names.zones(each)}
        return [r for r in answers if not self._has(r, owners, above, made)]

    def _has(self, record: Record, owners: set[bytes], above: set[bytes], made: set[bytes]) -> bool:
        if record.rrset == codes.DNAME:
            return record.owner in above
        if record.rrset == codes.CNAME:
            return record.owner in owners and record.owner not in made
        return record.owner == self.names[-1] and self._qtype in (record.rtype, record.rrset)
