"""Render replies: header, question as it was asked, sections, OPT.

What must stay true:
- An OPT stands in a reply only when the query had one (RFC 6891 section 6.1.1).
- An Extended DNS Error never makes a reply too large: its text goes first, then the
  option, and only what is then still too large is truncated (RFC 8914 section 3).
- The question is echoed byte for byte, so a pointer to ``QNAME_AT`` is the qname.
"""

import struct
from typing import Final

from resolver.dns import codes
from resolver.dns.codes import HEADER

MIN_UDP_SIZE: Final = 512
UDP_SIZE: Final = 1232
"""The largest UDP payload sent or asked for, in octets (DNS flag day 2020)."""
TCP_SIZE: Final = 65535
QNAME_AT: Final = HEADER
QNAME_POINTER: Final = b"\xc0\x0c"

_HEADER: Final = struct.Struct(">5H")
"""A header after its ID."""
_ECHOED: Final = codes.OPCODE | codes.RD | codes.CD
NO_ERRORS: Final[tuple[bytes, ...]] = ()
Counts = tuple[int, int, int]
"""Records of a message's answer, authority and additional sections, without its OPT."""


class QueryShape:
    """All that a query says besides its ID and its name, and the replies made for it before.

    It belongs to one transport and to whatever keeps ``templates`` there.
    """

    __slots__ = (
        *("dnssec_ok", "flags", "has_opt", "has_question", "key", "limit", "qtype", "rcode"),
        *("reply_flags", "silent", "templates", "wants_ad"),
    )

    def __init__(
        self,
        flags: int,
        *,
        rcode: int = codes.NOERROR,
        qtype: int = 0,
        silent: bool = False,
        has_question: bool = False,
        has_opt: bool = False,
        udp_size: int = MIN_UDP_SIZE,
        dnssec_ok: bool = False,
        stream: bool = False,
    ) -> None:
        self.flags = flags
        self.rcode = rcode
        """NOERROR where the question can be answered, else what is wrong with the query."""
        self.silent = silent
        """Whether such a packet gets no reply."""
        self.has_question = has_question
        self.qtype = qtype
        self.has_opt = has_opt
        self.dnssec_ok = dnssec_ok
        self.limit = TCP_SIZE if stream else max(MIN_UDP_SIZE, min(udp_size, UDP_SIZE))
        """Octets that a reply may have (RFC 6891 section 6.2.3)."""
        self.wants_ad = bool(flags & codes.AD or dnssec_ok)
        """Whether a reply may have AD (RFC 6840 section 5.8)."""
        self.reply_flags = codes.QR | codes.RA | flags & _ECHOED
        """The flags of every reply."""
        bits = dnssec_ok | bool(flags & codes.CD) << 1
        self.key = qtype.to_bytes(2, "big") + bits.to_bytes(1, "big")
        """What makes two questions for one name the same: type, DO, CD."""
        self.templates: dict[int, ReplyTemplate] = {}
        """By what distinguishes the replies of this shape; who makes them says how."""

    @property
    def checking_disabled(self) -> bool:
        """Whether CD is set (RFC 4035 section 3.2.2)."""
        return bool(self.flags & codes.CD)

    def copy(self) -> "QueryShape":
        """The same shape without the replies that were made for it."""
        return QueryShape(
            self.flags,
            rcode=self.rcode,
            qtype=self.qtype,
            silent=self.silent,
            has_question=self.has_question,
            has_opt=self.has_opt,
            udp_size=self.limit,
            dnssec_ok=self.dnssec_ok,
            stream=self.limit == TCP_SIZE,
        )


class ReplyTemplate:
    """What replies of one shape, with the same flags and section counts, have in common."""

    __slots__ = ("_counts", "_errors", "_flags", "_head", "_opt", "_rcode", "_shape")

    def __init__(
        self,
        shape: QueryShape,
        flags: int,
        counts: Counts,
        errors: tuple[bytes, ...] = NO_ERRORS,
        rcode: int = codes.NOERROR,
    ) -> None:
        """``flags`` is the header's; ``rcode`` matters only for its bits above the header's four.

        ``errors`` are Extended DNS Errors, each as its option's data.
        """
        self._shape = shape
        self._flags = flags
        self._counts = counts
        self._errors = errors
        self._rcode = rcode
        self._opt = self._opt_with(errors)
        self._head = _head(flags, shape, counts)

    @property
    def rcode(self) -> int:
        """The header's rcode."""
        return self._flags & codes.RCODE

    def render(self, ident: bytes, question: bytes, records: bytes) -> bytes:
        """The whole reply, with these octets as its three sections."""
        reply = ident + self._head + question + records + self._opt
        if len(reply) <= self._shape.limit:
            return reply
        return self._shortened(ident, question, records)

    def _shortened(self, ident: bytes, question: bytes, records: bytes) -> bytes:
        """The reply with shorter errors, or none, or else without its records."""
        room = self._shape.limit - HEADER - len(question)
        opt = self._opt_that_fits(room - len(records))
        if len(opt) <= room - len(records):
            return ident + self._head + question + records + opt
        head = _head(self._flags | codes.TC, self._shape, (0, 0, 0))
        return ident + head + question + self._opt_that_fits(room)

    def _opt_that_fits(self, room: int) -> bytes:
        short = self._opt_with(tuple([error[:2] for error in self._errors]))
        return short if len(short) <= room else self._opt_with(NO_ERRORS)

    def _opt_with(self, errors: tuple[bytes, ...]) -> bytes:
        """An OPT record with these errors; DO is echoed (RFC 3225 section 3)."""
        if not self._shape.has_opt:
            return b""
        options = b"".join([b"\x00\x0f" + len(each).to_bytes(2, "big") + each for each in errors])
        return (
            b"\x00\x00\x29"
            + UDP_SIZE.to_bytes(2, "big")
            + bytes((self._rcode >> 4, 0, 0x80 if self._shape.dnssec_ok else 0, 0))
            + len(options).to_bytes(2, "big")
            + options
        )


def _head(flags: int, shape: QueryShape, counts: Counts) -> bytes:
    """A reply's header after its ID."""
    answers, authorities, additionals = counts
    questions = 1 if shape.has_question else 0
    return _HEADER.pack(flags, questions, answers, authorities, additionals + shape.has_opt)


class Sections:
    """The records of a reply, rendered, with their counts."""

    __slots__ = ("answer", "answers", "authorities", "authority")

    def __init__(
        self, answer: bytes = b"", answers: int = 0, authority: bytes = b"", authorities: int = 0
    ) -> None:
        self.answer = answer
        self.answers = answers
        self.authority = authority
        self.authorities = authorities


EMPTY: Final = Sections()


def extended_error(code: int, text: str = "") -> bytes:
    """An Extended DNS Error's option data (RFC 8914 section 2)."""
    return code.to_bytes(2, "big") + text.encode()


def record(owner: bytes, rtype: int, ttl: int, data: bytes) -> bytes:
    """One record of class IN; ``owner`` may be a pointer."""
    return (
        owner
        + rtype.to_bytes(2, "big")
        + b"\x00\x01"
        + ttl.to_bytes(4, "big")
        + len(data).to_bytes(2, "big")
        + data
    )


_RNAME: Final = b"\x06nobody\x07invalid\x00"  # as RFC 6303 section 3 has it
_SOA_TIMERS: Final = b"".join([n.to_bytes(4, "big") for n in (1, 3600, 1200, 604800)])


class NegativeSoa:
    """The SOA that lets a negative answer be cached for ``ttl`` seconds (RFC 2308)."""

    __slots__ = ("_made", "_ttl")

    def __init__(self, ttl: int) -> None:
        self._ttl = ttl
        self._made: dict[int, bytes] = {}

    def record(self, name: bytes, zone: int) -> bytes:
        """The record, owned by the last ``zone`` octets of the qname ``name``."""
        at = QNAME_AT + len(name) - zone
        place = at if zone > 1 else 0
        made = self._made.get(place)
        if made is None:
            owner = (0xC000 | at).to_bytes(2, "big") if zone > 1 else b"\x00"
            data = owner + _RNAME + _SOA_TIMERS + self._ttl.to_bytes(4, "big")
            made = self._made[place] = record(owner, codes.SOA, self._ttl, data)
        return made
