"""Responses as most upstreams send them, and nearly such."""

from collections.abc import Sequence
from itertools import pairwise

from dnslib import EDNS0, QTYPE, RR, DNSHeader, DNSQuestion, DNSRecord
from hypothesis import strategies as st

NAMES = ("www.example.org.", "edge.example.net.", "a.b.c.example.org.", "Example.ORG.", ".")
TTLS = st.sampled_from([0, 1, 60, 300, 86400, 86401, 2**31 - 1, 2**31, 2**32 - 1])
QTYPES = ("A", "AAAA", "CNAME", "TXT", "HTTPS", "RRSIG")


def _line(name: str, rtype: str, data: str) -> RR:
    (record,) = RR.fromZone(f"{name} 1 IN {rtype} {data}")
    return record


def _with_ttl(record: RR, ttl: int) -> RR:
    record.ttl = ttl
    return record


name = st.sampled_from(NAMES)
ADDRESSES = st.builds(
    _line, name, st.just("A"), st.sampled_from(["192.0.2.1", "192.0.2.2"])
) | st.builds(_line, name, st.just("AAAA"), st.just("2001:db8::1"))
OTHERS = st.builds(
    _line,
    name,
    st.just("HTTPS"),
    st.sampled_from(["1 . alpn=h2", "0 edge.example.net.", "1 . alpn=h2,h3 ipv4hint=192.0.2.1"]),
) | st.builds(_line, name, st.just("TXT"), st.sampled_from(['"one"', '"one" "two"']))
ALIASES = st.builds(_line, name, st.just("CNAME"), name)
SERVERS = st.builds(_line, name, st.just("NS"), name)
STARTS = st.builds(
    lambda owner, server, minimum: _line(owner, "SOA", f"{server} . 1 2 3 4 {minimum}"),
    name,
    name,
    st.sampled_from([0, 30, 900]),
)
AUTHORITY = SERVERS | STARTS


@st.composite
def chain(draw: st.DrawFn) -> Sequence[RR]:
    """A question's aliases in order, then addresses, as resolvers write them."""
    names = [NAMES[0], *draw(st.lists(name, max_size=3))]
    aliases = [_line(owner, "CNAME", target) for owner, target in pairwise(names)]
    ends = draw(st.integers(0, 2))
    return [*aliases, *[_line(names[-1], "A", f"192.0.2.{n}") for n in range(ends)]]


@st.composite
def sets(draw: st.DrawFn) -> Sequence[RR]:
    """Records of the name asked for, alike but for their data."""
    kind = draw(st.sampled_from([ADDRESSES, OTHERS]))
    records = draw(st.lists(kind, min_size=1, max_size=3))
    return [
        record
        for record in records
        if record.rname == NAMES[0] and record.rtype == records[0].rtype
    ]


@st.composite
def usual_responses(draw: st.DrawFn) -> tuple[bytes, int]:
    """A response and its question section's length."""
    header = DNSHeader(id=1, qr=1, rd=1, ra=1)
    header.rcode = draw(st.sampled_from([0, 0, 0, 3, 2]))
    header.set_ad(draw(st.booleans()))
    question = DNSQuestion(NAMES[0], getattr(QTYPE, draw(st.sampled_from(QTYPES))))
    record = DNSRecord(header, q=question)
    out_of_order = chain().flatmap(st.permutations)
    answers = draw(
        chain() | out_of_order | st.lists(ALIASES | ADDRESSES | OTHERS, max_size=3) | sets()
    )
    record.add_answer(*[_with_ttl(answer, draw(TTLS)) for answer in answers])
    record.add_auth(
        *[_with_ttl(item, draw(TTLS)) for item in draw(st.lists(AUTHORITY, max_size=2))]
    )
    record.add_ar(*[_with_ttl(item, draw(TTLS)) for item in draw(st.lists(ADDRESSES, max_size=2))])
    if draw(st.booleans()):
        record.add_ar(EDNS0(udp_len=1232, flags=draw(st.sampled_from(["", "do"]))))
    return bytes(record.pack()), len(NAMES[0]) + 1 + 4
