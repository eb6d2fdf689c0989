"""Rendering replies: header, question as it was asked, sections, OPT.

What must stay true:
- An OPT stands in a reply only when the query had one (RFC 6891 section 6.1.1).
- An Extended DNS Error never makes a reply too large: its text goes first, then the
  option, and only what is then still too large is truncated (RFC 8914 section 3).
- The question is echoed byte for byte, so a pointer to ``QNAME_AT`` is the qname.
"""

import functools
import struct
from typing import NamedTuple

from resolver.dns import codes
from resolver.dns.query import HEADER, MIN_UDP_SIZE, Edns, Fault, Query

UDP_SIZE = 1232
"""The largest UDP payload sent or asked for, in octets (DNS flag day 2020)."""
TCP_SIZE = 65535
QNAME_AT = HEADER
QNAME_POINTER = b"\xc0\x0c"

_NEGATIVE_SOA = b"\x06nobody\x07invalid\x00"  # RNAME, as RFC 6303 section 3 has it
_SOA_TIMERS = b"".join(n.to_bytes(4, "big") for n in (1, 3600, 1200, 604800))


class Sections(NamedTuple):
    """The records of a reply, rendered, with their counts."""

    answer: bytes = b""
    answers: int = 0
    authority: bytes = b""
    authorities: int = 0


EMPTY = Sections()


def udp_limit(edns: Edns | None) -> int:
    """The largest UDP reply for a query, in octets (RFC 6891 section 6.2.3)."""
    if edns is None:
        return MIN_UDP_SIZE
    return max(MIN_UDP_SIZE, min(edns.size, UDP_SIZE))


def reply(
    query: Query,
    rcode: int,
    sections: Sections,
    limit: int,
    errors: tuple[bytes, ...] = (),
    flags: int = 0,
) -> bytes:
    """Render the reply to a query; ``flags`` are set besides QR, RA and the echoed RD and CD."""
    flags |= codes.QR | codes.RA | query.flags & (codes.RD | codes.CD) | rcode & codes.RCODE
    counts = (sections.answers, sections.authorities, 0)
    body = query.question + sections.answer + sections.authority
    return finish(query.id, flags, body, counts, query.edns, errors, limit, len(query.question))


_HEADER = struct.Struct(">6H")


def finish(
    ident: int,
    flags: int,
    body: bytes | bytearray,
    counts: tuple[int, int, int],
    edns: Edns | None,
    errors: tuple[bytes, ...],
    limit: int,
    question: int,
    rcode: int = 0,
) -> bytes:
    """Put header and OPT around a body, and truncate it to its question where it must be.

    ``body`` is all after the header, its first ``question`` octets the question section;
    ``counts`` has the records of its answer, authority and additional section; ``rcode``
    matters only for its bits above the header's four.
    """
    opt = b"" if edns is None else _opt(edns.dnssec_ok, errors, rcode)
    room = limit - HEADER - len(body)
    if len(opt) > room:
        opt = _opt_that_fits(edns, errors, room, rcode)
        if len(opt) > room:
            flags |= codes.TC
            body = body[:question]
            counts = (0, 0, 0)
            opt = _opt_that_fits(edns, errors, limit - HEADER - question, rcode)
    answers, authorities, additionals = counts
    header = _HEADER.pack(
        ident,
        flags,
        1 if question else 0,
        answers,
        authorities,
        additionals + 1 if opt else additionals,
    )
    return header + body + opt


def fault(fault: Fault, limit: int) -> bytes:
    """Render the reply to a query that could not be taken."""
    flags = codes.QR | codes.RA | fault.flags & (codes.OPCODE | codes.RD | codes.CD)
    flags |= fault.rcode & codes.RCODE
    return finish(
        fault.id,
        flags,
        fault.question,
        (0, 0, 0),
        fault.edns,
        (),
        limit,
        len(fault.question),
        fault.rcode,
    )


def _opt_that_fits(edns: Edns | None, errors: tuple[bytes, ...], room: int, rcode: int) -> bytes:
    """The fullest OPT that leaves the reply whole; the bare one where none does."""
    if edns is None:
        return b""
    short = _opt(edns.dnssec_ok, tuple([error[:2] for error in errors]), rcode)
    return short if len(short) <= room else _opt(edns.dnssec_ok, (), rcode)


@functools.lru_cache(maxsize=4096)
def _opt(dnssec_ok: bool, errors: tuple[bytes, ...], rcode: int) -> bytes:
    """An OPT record with these Extended DNS Errors; DO is echoed (RFC 3225 section 3)."""
    options = b"".join([b"\x00\x0f" + len(error).to_bytes(2, "big") + error for error in errors])
    return (
        b"\x00\x00\x29"
        + UDP_SIZE.to_bytes(2, "big")
        + bytes((rcode >> 4, 0, 0x80 if dnssec_ok else 0, 0))
        + len(options).to_bytes(2, "big")
        + options
    )


def bare_opt(edns: Edns) -> bytes:
    """The OPT of a reply that has nothing to tell in it."""
    return _opt(edns.dnssec_ok, (), 0)


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


def negative_soa(query: Query, zone: bytes, ttl: int) -> bytes:
    """The SOA that lets a negative answer be cached for ``ttl`` seconds (RFC 2308).

    ``zone`` is its owner; it must be the qname or stand above it.
    """
    start = QNAME_AT + len(query.name) - len(zone)
    return _soa_record(zone if zone == b"\x00" else (0xC000 | start).to_bytes(2, "big"), ttl)


@functools.lru_cache(maxsize=4096)
def _soa_record(owner: bytes, ttl: int) -> bytes:
    data = owner + _NEGATIVE_SOA + _SOA_TIMERS + ttl.to_bytes(4, "big")
    return record(owner, codes.SOA, ttl, data)
