"""Usual queries: all that replies to them have in common but the ID and the name.

Most queries are alike: a header, a name, one of a few types, no OPT or a bare one. All of
that but ID and name is a query's form. What was found out once about a form, in a view and
over a transport, is kept: how large a reply may be, the reply's header, its OPT, where it is
counted, and all of a blocked answer. What is left to do for a query is to look its name up.

What must stay true:
- A form is made of a query that was scanned; a query has it where its octets before and
  after the name are the same and its name is well formed. No other way leads here.
- Replies are, octet for octet, those that the careful way renders; where that is not sure
  (they may not fit, the entry has errors to tell) there is none from here.
"""

from typing import NamedTuple

from resolver.dns import codes, render
from resolver.dns.query import HEADER, Edns, Query
from resolver.engine.blocked import render_blocked
from resolver.engine.entry import Entry, aged_body
from resolver.engine.labels import Counted, Path
from resolver.policy.compiled import Terms
from resolver.policy.verdict import Outcome, Verdict
from resolver.policy.view import View

Told = tuple[Outcome, int, int, tuple[int, int, int], int]
"""What decides of a reply's header: outcome, service, rcode, records, AD."""
_FIXED = 4
"""Octets of a question after its name: type and class."""
_HEADS = 64
"""Headers of replies that a form remembers; an upstream's counts make ever new ones."""
_MNAME = 12
"""Where an SOA's RDATA begins in a record whose owner is a pointer: its MNAME is one too."""


class Head(NamedTuple):
    """What replies of a form that tell entries like one begin with."""

    octets: bytes
    """The header after the ID."""
    counted: Counted
    again: Counted
    """How they are counted when they were prepared."""
    late: Counted
    """... and when an upstream had to be asked."""


class Form:
    """What queries that differ in ID and name alone have in common."""

    __slots__ = ("blocks", "edns", "flags", "heads", "limit", "opt", "qtype", "rest", "wants_ad")

    def __init__(self, query: Query, limit: int) -> None:
        """``query`` is one of them; ``limit`` is how many octets a reply may have."""
        self.edns: Edns | None = query.edns
        self.flags = query.flags
        self.qtype = query.qtype
        self.limit = limit
        dnssec_ok = query.edns is not None and query.edns.dnssec_ok
        self.wants_ad = codes.AD if query.flags & codes.AD or dnssec_ok else 0
        self.rest = (query.qtype, dnssec_ok, bool(query.flags & codes.CD))
        """What makes two questions the same besides their names (see ``answers.cache.Key``)."""
        self.opt = b"" if query.edns is None else render.bare_opt(query.edns)
        self.blocks: dict[tuple[int, bool], Block] = {}
        """By service, and whether all below the name is blocked."""
        self.heads: dict[Told, Head] = {}

    def query(self, packet: bytes, name: bytes) -> Query:
        """A query of this form, as the scan would give it; ``name`` is in lower case."""
        ident = packet[0] << 8 | packet[1]
        question = packet[HEADER : HEADER + len(name) + _FIXED]
        said = (ident, self.flags, name, self.qtype, codes.IN, question, self.edns)
        return tuple.__new__(Query, said)

    def remember(self, told: Told, kept: Entry, counted: Counted) -> Head:
        """Keep what replies like this one begin with, and how they are counted."""
        flags = codes.QR | codes.RA | self.flags & (codes.RD | codes.CD)
        flags |= kept.rcode & codes.RCODE | kept.flags & self.wants_ad
        answers, authorities, additionals = kept.counts
        counts = (1, answers, authorities, additionals + bool(self.opt))
        octets = b"".join([each.to_bytes(2, "big") for each in (flags, *counts)])
        if len(self.heads) >= _HEADS:
            self.heads.clear()
        again = Counted(counted.tally._replace(path=Path.PREPARED), counted.cell)
        late = Counted(counted.tally._replace(path=Path.UPSTREAM), counted.cell)
        head = self.heads[told] = Head(octets, counted, again, late)
        return head

    def tell(
        self, ident: bytes, question: bytes, head: bytes, kept: Entry, now: float
    ) -> bytes | None:
        """The reply that an entry makes to a question as it was asked; None if it might not fit."""
        if HEADER + len(kept.body) + len(self.opt) > self.limit:
            return None
        body: bytes | bytearray = kept.body if now - kept.stored < 1 else aged_body(kept, now)
        return ident + head + question + body[len(question) :] + self.opt


class Block:
    """The blocked answer of a form, for all names that the rules of one service block."""

    __slots__ = ("_after_pointers", "_between", "_head", "_limit", "counted")

    counted: Counted

    def __init__(self, form: Form, view: View, verdict: Verdict, terms: Terms) -> None:
        # Rendered for the rule's own name, where every owner is the question's.
        name = verdict.rule
        question = name + form.qtype.to_bytes(2, "big") + codes.IN.to_bytes(2, "big")
        query = Query(0, form.flags, name, form.qtype, codes.IN, question, form.edns)
        reply = render_blocked(query, view, verdict, terms, render.TCP_SIZE)
        self._head = reply[2:HEADER]
        tail = reply[HEADER + len(question) :]
        negative = self._head[6:8] == b"\x00\x01"
        self._between = tail[2:_MNAME] if negative else b""
        """What stands between the two pointers to an SOA's owner; nothing without an SOA."""
        self._after_pointers = tail[_MNAME + 2 :] if negative else tail
        self._limit = form.limit

    @property
    def rcode(self) -> int:
        """The rcode of the replies."""
        return self._head[1] & codes.RCODE

    def reply(self, packet: bytes, end: int, key: bytes) -> bytes | None:
        """The reply, for a name that ``key`` is the rule's of; None where it might not fit."""
        tail = self._after_pointers
        if self._between:
            pointer = (0xC000 | end - _FIXED - 1 - len(key)).to_bytes(2, "big")
            tail = pointer + self._between + pointer + tail
        reply = packet[:2] + self._head + packet[HEADER:end] + tail
        return reply if len(reply) <= self._limit else None
