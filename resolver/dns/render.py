"""Render replies (header, echoed question, sections, OPT), and the parts of queries.

What must stay true:
- A reply has an OPT only if the query had one (RFC 6891 section 6.1.1).
- An Extended DNS Error never makes a reply too large: first its text is left out, then the
  option. Only a reply that is still too large is truncated (RFC 8914 section 3).
- Over TLS the reply to a padded query is padded (RFC 8467), and no other reply is.
- The question is echoed byte for byte, so a pointer to ``QNAME_AT`` points to the qname.
"""

import struct
from typing import Final

from resolver.dns import codes
from resolver.dns.codes import HEADER
from resolver.dns.transport import TLS, UDP, Transport

MIN_UDP_SIZE: Final = 512
UDP_SIZE: Final = 1232
"""The largest UDP payload, in octets, that is sent or asked for (DNS flag day 2020)."""
TCP_SIZE: Final = 65535
PADDED_TO: Final = 468
"""The octets of a padded reply are a multiple of this (RFC 8467 section 4.1)."""
QNAME_AT: Final = HEADER
QNAME_POINTER: Final = b"\xc0\x0c"

_HEADER: Final = struct.Struct(">5H")
"""A header without its ID."""
_IN: Final = codes.IN.to_bytes(2, "big")
DO: Final = 0x8000
"""The bit in the TTL of an OPT (RFC 3225)."""
_OPT: Final = 11
"""Octets of an OPT without options; the last two say how many these have."""
_OPTION: Final = 4
"""Octets of an option without data."""
_ECHOED_FLAGS: Final = codes.OPCODE | codes.RD | codes.CD
NO_ERRORS: Final[tuple[bytes, ...]] = ()
Counts = tuple[int, int, int]
"""The numbers of answer, authority and additional records, without the OPT."""


PROFILE_KEY: Final = 3
"""Octets of ``QueryProfile.key``."""


class QueryProfile:
    """All of a query except its ID and its name; and the reply templates for such queries.

    A profile belongs to one transport and to one owner of ``templates``.
    """

    __slots__ = (
        "dnssec_ok",
        "flags",
        "has_opt",
        "has_question",
        "key",
        "limit",
        "nsid",
        "pads",
        "qtype",
        "rcode",
        "reply_flags",
        "silent",
        "templates",
        "transport",
        "upstream_type",
        "wants_ad",
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
        transport: Transport = UDP,
        padded: bool = False,
        nsid: bytes = b"",
    ) -> None:
        self.flags = flags
        self.rcode = rcode
        """NOERROR if the question can be answered, else the error of the query."""
        self.silent = silent
        """Whether a packet of this profile gets no reply."""
        self.has_question = has_question
        self.qtype = qtype
        self.upstream_type = codes.A if qtype == codes.ANY else qtype
        """The type that an upstream is asked for; ANY gets a minimal answer (RFC 8482)."""
        self.has_opt = has_opt
        self.dnssec_ok = dnssec_ok
        self.nsid = nsid
        """The identifier of this server, if a reply has it (RFC 5001)."""
        self.transport = transport
        self.pads = padded and transport is TLS
        """Whether replies are padded. Without encryption padding hides nothing (RFC 7830)."""
        datagram = max(MIN_UDP_SIZE, min(udp_size, UDP_SIZE))
        self.limit = datagram if transport is UDP else TCP_SIZE
        """The largest reply, in octets (RFC 6891 section 6.2.3)."""
        self.wants_ad = bool(flags & codes.AD or dnssec_ok)
        """Whether a reply may have AD (RFC 6840 section 5.8)."""
        self.reply_flags = codes.QR | codes.RA | flags & _ECHOED_FLAGS
        """The flags of every reply."""
        bits = (1 if dnssec_ok else 0) | (2 if flags & codes.CD else 0)
        self.key = self.upstream_type.to_bytes(2, "big") + bits.to_bytes(1, "big")
        """Upstream type, DO and CD: two questions for one name are the same if these are equal."""
        self.templates: dict[int, ReplyTemplate] = {}
        """Reply templates by a key that the owner defines."""


class ReplyTemplate:
    """The common part of replies to one profile with the same flags and section counts.

    A template holds no reference to its profile, which holds the template: no cycle, so both are
    freed without a garbage collection.
    """

    __slots__ = (
        "_dnssec_ok",
        "_errors",
        "_flags",
        "_has_opt",
        "_has_question",
        "_head",
        "_limit",
        "_nsid",
        "_opt",
        "_pads",
        "_rcode",
    )

    def __init__(
        self,
        profile: QueryProfile,
        flags: int,
        counts: Counts,
        errors: tuple[bytes, ...] = NO_ERRORS,
        rcode: int = codes.NOERROR,
        with_nsid: bool = True,
    ) -> None:
        """``flags`` is the second word of the header; it holds the lower four bits of the rcode.

        Only the bits of ``rcode`` above these four are used. ``errors`` are Extended DNS Errors,
        each as the data of its option. ``with_nsid``: whether a query that wants the NSID gets it.
        """
        self._limit = profile.limit
        self._pads = profile.pads
        self._has_question = profile.has_question
        self._has_opt = profile.has_opt
        self._dnssec_ok = profile.dnssec_ok
        self._nsid = _option(codes.NSID, profile.nsid) if with_nsid and profile.nsid else b""
        self._flags = flags
        self._errors = errors
        self._rcode = rcode
        self._opt = self._opt_with(errors)
        self._head = self._head_with(flags, counts)

    @property
    def rcode(self) -> int:
        """The rcode in the header."""
        return self._flags & codes.RCODE

    def render(self, ident: bytes, question: bytes, records: bytes) -> bytes:
        """Render a whole reply; ``records`` are the octets of its three sections."""
        reply = ident + self._head + question + records + self._opt
        if len(reply) > self._limit:
            return self._shortened(ident, question, records)
        return self._padded(reply) if self._pads else reply

    def _padded(self, reply: bytes) -> bytes:
        """Add to the OPT, which is last, an option of zeros (RFC 7830 section 3)."""
        opt = self._opt
        size = min(-(-(len(reply) + _OPTION) // PADDED_TO) * PADDED_TO, self._limit)
        if size < len(reply) + _OPTION:
            return reply
        padding = _option(codes.PADDING, bytes(size - len(reply) - _OPTION))
        octets = (len(opt) - _OPT + len(padding)).to_bytes(2, "big")
        return reply[: len(reply) - len(opt)] + opt[: _OPT - 2] + octets + opt[_OPT:] + padding

    def _shortened(self, ident: bytes, question: bytes, records: bytes) -> bytes:
        """Render a reply with errors without text, with no errors, or truncated without records."""
        room = self._limit - HEADER - len(question)
        opt = self._opt_that_fits(room - len(records))
        if len(opt) <= room - len(records):
            return ident + self._head + question + records + opt
        # AD is about the records of a reply (RFC 4035 section 3.2.3).
        head = self._head_with(self._flags & ~codes.AD | codes.TC, (0, 0, 0))
        return ident + head + question + self._opt_that_fits(room)

    def _opt_that_fits(self, room: int) -> bytes:
        short = self._opt_with(tuple([error[:2] for error in self._errors]))
        return short if len(short) <= room else self._opt_with(NO_ERRORS)

    def _opt_with(self, errors: tuple[bytes, ...]) -> bytes:
        """Render an OPT record with these errors; DO is echoed (RFC 3225 section 3)."""
        if not self._has_opt:
            return b""
        options = self._nsid + b"".join([_option(codes.EDE, error) for error in errors])
        return (
            b"\x00\x00\x29"
            + UDP_SIZE.to_bytes(2, "big")
            + bytes((self._rcode >> 4, 0, 0x80 if self._dnssec_ok else 0, 0))
            + len(options).to_bytes(2, "big")
            + options
        )

    def _head_with(self, flags: int, counts: Counts) -> bytes:
        """Render the header of a reply without its ID."""
        answers, authorities, additionals = counts
        questions = 1 if self._has_question else 0
        return _HEADER.pack(flags, questions, answers, authorities, additionals + self._has_opt)


class Sections:
    """The rendered records of a reply, and their numbers."""

    __slots__ = ("answer", "answers", "authorities", "authority")

    def __init__(
        self, answer: bytes = b"", answers: int = 0, authority: bytes = b"", authorities: int = 0
    ) -> None:
        self.answer = answer
        self.answers = answers
        self.authority = authority
        self.authorities = authorities


def _option(code: int, data: bytes) -> bytes:
    """Render an EDNS option (RFC 6891 section 6.1.2)."""
    return code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def question(name: bytes, qtype: int) -> bytes:
    """Render a question section with one question of class IN."""
    return name + qtype.to_bytes(2, "big") + _IN


def query_head(flags: int, has_opt: bool) -> bytes:
    """Render the header of a query with one question, without its ID."""
    return _HEADER.pack(flags, 1, 0, 0, has_opt)


def query_opt(dnssec_ok: bool) -> bytes:
    """Render the OPT of a query."""
    flags = DO if dnssec_ok else 0
    return b"\x00\x00\x29" + UDP_SIZE.to_bytes(2, "big") + flags.to_bytes(4, "big") + b"\x00\x00"


def extended_error(code: int, text: str = "") -> bytes:
    """The option data of an Extended DNS Error (RFC 8914 section 2)."""
    return code.to_bytes(2, "big") + text.encode()


def record(owner: bytes, rtype: int, ttl: int, data: bytes, rclass: int = codes.IN) -> bytes:
    """Render one record; ``owner`` may be a pointer."""
    return (
        owner
        + rtype.to_bytes(2, "big")
        + rclass.to_bytes(2, "big")
        + ttl.to_bytes(4, "big")
        + len(data).to_bytes(2, "big")
        + data
    )


_RNAME: Final = b"\x06nobody\x07invalid\x00"  # from RFC 6303 section 3
_SOA_TIMERS: Final = b"".join([n.to_bytes(4, "big") for n in (1, 3600, 1200, 604800)])


class NegativeSoa:
    """The SOA that lets a negative answer be cached for ``ttl`` seconds (RFC 2308)."""

    __slots__ = ("_records", "_ttl")

    def __init__(self, ttl: int) -> None:
        self._ttl = ttl
        self._records: dict[int, bytes] = {}
        """Rendered records by the offset of their owner in the reply; 0 for the root."""

    def record(self, name: bytes, zone: int) -> bytes:
        """Render the record; its owner is the last ``zone`` octets of the qname ``name``."""
        at = QNAME_AT + len(name) - zone
        offset = at if zone > 1 else 0
        rendered = self._records.get(offset)
        if rendered is None:
            owner = (0xC000 | at).to_bytes(2, "big") if zone > 1 else b"\x00"
            data = owner + _RNAME + _SOA_TIMERS + self._ttl.to_bytes(4, "big")
            rendered = self._records[offset] = record(owner, codes.SOA, self._ttl, data)
        return rendered
