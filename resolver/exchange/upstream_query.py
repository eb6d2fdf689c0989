"""Render the query to an upstream, match its response, and tell whether that is of use.

The query is a new message: a random ID, the question in lower case, RD and AD set (with AD the
response says whether it is authentic, RFC 6840 section 5.7), CD and DO of the client's query, and
an OPT of this server, since OPT is hop by hop.
"""

from typing import Final

from resolver.dns import codes, render
from resolver.dns.codes import HEADER
from resolver.dns.response import Response
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.scrub import OTHER, authority_kinds

QUESTION_AT: Final = 10
"""The offset of the question in a query without its ID."""


def render_query(question: UpstreamQuestion) -> bytes:
    """Render the query to an upstream, without its ID."""
    return (
        (_HEADER_CD if question.checking_disabled else _HEADER)
        + question.name
        + question.key[len(question.name) : len(question.name) + 2]
        + _IN
        + (_OPT_DO if question.dnssec_ok else _OPT)
    )


_HEADER: Final = render.query_head(codes.RD | codes.AD, True)
_HEADER_CD: Final = render.query_head(codes.RD | codes.AD | codes.CD, True)
_OPT: Final = render.query_opt(dnssec_ok=False)
_OPT_DO: Final = render.query_opt(dnssec_ok=True)
_IN: Final = codes.IN.to_bytes(2, "big")


def answers(packet: bytes, ident: int, question: bytes) -> bool:
    """Whether a packet is the response to a query with this ID (RFC 5452 section 9.1).

    The socket checks address and port. This function checks ID, QR, opcode and question; the case
    of the name does not matter.
    """
    end = HEADER + len(question)
    echoed = packet[HEADER:end]
    return (
        len(packet) >= end
        and (echoed == question or echoed[:-4].lower() + echoed[-4:] == question)
        and packet[0] << 8 | packet[1] == ident
        and packet[2] & 0xF8 == 0x80
        and packet[4:6] == b"\x00\x01"
    )


def is_bare_error(packet: bytes, ident: int) -> bool:
    """Whether a packet is an error response to this ID that is only a header, without a question.

    Old servers answer so to an OPT (RFC 6891 section 7).
    """
    return (
        len(packet) == HEADER
        and packet[0] << 8 | packet[1] == ident
        and packet[2] & 0xFA == 0x80
        and packet[3] & codes.RCODE not in (codes.NOERROR, codes.NXDOMAIN)
        and packet[6:] == bytes(6)
    )


def is_lame(response: Response) -> bool:
    """Whether a response without answers is no statement about the name (RFC 2308 section 2.2).

    It is a referral, or comes from a server that neither recurses nor is authoritative.
    """
    return (
        response.rcode == codes.NOERROR
        and not response.soa_at
        and not response.flags & codes.AA
        and (authority_kinds(response) & OTHER != 0 or not response.flags & codes.RA)
    )
