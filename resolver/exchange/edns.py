"""EDNS with a server: without the OPT where the server rejected it, and over TLS with padding."""

from typing import Final

from resolver.dns import codes
from resolver.dns.response import Response
from resolver.exchange.attempt import Attempt

_BLOCK: Final = 128
"""Octets, of which a query over TLS has a multiple (RFC 8467 section 4.1)."""
_PADDING: Final = codes.PADDING.to_bytes(2, "big")


def without_edns(query: bytes) -> bytes:
    """The same query (without its ID) without its OPT."""
    return query[:8] + b"\x00\x00" + query[10:-11]


def has_edns(query: bytes) -> bool:
    """Whether a query (without its ID) has an OPT."""
    return query[9] != 0


def padded(query: bytes) -> bytes:
    """The same query (without its ID) with padding in its OPT, if it has one, at its end."""
    if not has_edns(query):
        return query
    fill = -(len(query) + 2 + 4) % _BLOCK  # with the ID, and the option's code and length
    option = _PADDING + fill.to_bytes(2, "big") + bytes(fill)
    return query[:-2] + len(option).to_bytes(2, "big") + option


def rejects_edns(response: Response, attempt: Attempt, name: bytes) -> bool:
    """Whether a response rejects the EDNS of its query; note a server that answers without.

    FORMERR may have an OPT that the server has copied from the query.
    """
    rcode, server = response.rcode, attempt.server
    if has_edns(attempt.message):
        if rcode == codes.FORMERR:
            return True
        if response.has_opt:
            server.note_edns(attempt.began)
        return rcode == codes.NOTIMP and not response.has_opt
    if rcode in (codes.NOERROR, codes.NXDOMAIN):
        server.note_no_edns(name, attempt.began)
    return False
