"""The minimal answer to ANY (RFC 8482 section 4.2), made from the entry of the name's type A."""

from typing import Final

from resolver.dns import codes, render
from resolver.dns.render import Sections
from resolver.dns.scanned_record import answer_rrsets
from resolver.engine.chain import response_of
from resolver.exchange.entry import CacheEntry

_HINFO: Final = Sections(
    render.record(render.QNAME_POINTER, codes.HINFO, 3600, b"\x07RFC8482\x00"), 1
)


def minimal_any(question: bytes, entry: CacheEntry, most: int, now: float) -> Sections | None:
    """The CNAME of the name if it has one, else HINFO; None if the entry has an error for the name.

    The TTL of the CNAME is at most ``most`` seconds. The end of a chain says nothing of the name.
    """
    response = response_of(question[:-4] + codes.A.to_bytes(2, "big") + question[-2:], entry, now)
    name = response.name
    for each in answer_rrsets(response):
        if each.rtype == codes.CNAME and each.owner == name:
            ttl = min(each.ttl, most)
            return Sections(render.record(render.QNAME_POINTER, codes.CNAME, ttl, each.target), 1)
    return None if entry.rcode != codes.NOERROR else _HINFO
