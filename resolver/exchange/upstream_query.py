"""Render the query to an upstream, and tell whether its response is of use.

The query is a new message: a random ID, the question in lower case, RD and AD set (with AD the
response says whether it is authentic, RFC 6840 section 5.7), CD and DO of the client's query, and
an OPT of this server, since OPT is hop by hop.
"""

from typing import Final

from resolver.dns import codes, render
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
