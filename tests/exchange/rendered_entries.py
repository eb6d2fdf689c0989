"""Replies that cache entries make, and the TTLs that entries hold."""

from resolver.dns import codes
from resolver.dns.render import QueryProfile, ReplyTemplate
from resolver.dns.response import scan
from resolver.dns.transport import TCP
from resolver.exchange.entry import CacheEntry, make_entry


def entry_of(packet: bytes, now: float = 0.0, dnssec_ok: bool = True) -> CacheEntry:
    """The entry of a response that can be read."""
    response = scan(packet)
    assert response is not None
    return make_entry(response, now, dnssec_ok)


def ttls_of(entry: CacheEntry) -> list[int]:
    """The TTLs in an entry's records, by its own offsets."""
    octets, places = entry.records, entry.ttl_offsets
    at = [int.from_bytes(places[n : n + 2], "big") for n in range(0, len(places), 2)]
    return [int.from_bytes(octets[place : place + 4], "big") for place in at]


def reply(entry: CacheEntry, question: bytes, now: float) -> bytes:
    """The reply over TCP to a question section that asks what the entry answers."""
    qtype = int.from_bytes(question[-4:-2], "big")
    profile = QueryProfile(codes.RD, qtype=qtype, has_question=True, transport=TCP)
    template = ReplyTemplate(profile, profile.reply_flags | entry.rcode, entry.counts)
    return template.render(b"\x00\x07", question, entry.aged(now))
