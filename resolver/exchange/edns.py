"""EDNS with a server that may not understand it: where it rejected the OPT it is asked without."""

from resolver.dns import codes
from resolver.dns.response import Response
from resolver.exchange.attempt import Attempt


def without_edns(query: bytes) -> bytes:
    """The same query (without its ID) without its OPT."""
    return query[:8] + b"\x00\x00" + query[10:-11]


def has_edns(query: bytes) -> bool:
    """Whether a query (without its ID) has an OPT."""
    return query[9] != 0


def rejects_edns(response: Response, attempt: Attempt, name: bytes) -> bool:
    """Whether a response rejects the EDNS of its query; note a server that answers without."""
    rcode, server = response.rcode, attempt.server
    if has_edns(attempt.message):
        if response.has_opt:
            server.note_edns(attempt.began)
        return rcode in (codes.FORMERR, codes.NOTIMP) and not response.has_opt
    if rcode in (codes.NOERROR, codes.NXDOMAIN):
        server.note_no_edns(name, attempt.began)
    return False
