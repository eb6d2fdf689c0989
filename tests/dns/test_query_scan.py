"""The scan of queries: total, and in agreement with dnslib on what it takes."""

from dnslib import DNSRecord
from hypothesis import given

from resolver.dns import names
from resolver.dns.query import Fault, Query, scan
from tests.dns.made_packets import any_bytes, queries, unhurried


@given(any_bytes(queries))
@unhurried
def test_any_bytes_are_a_query_a_fault_or_nothing(packet: bytes) -> None:
    query = scan(packet)
    answered = len(packet) >= 12 and not packet[2] & 0x80
    assert (query is not None) == answered
    if query is not None:
        assert query.id == int.from_bytes(packet[:2], "big")
        assert packet[12:].startswith(query.question)


@given(any_bytes(queries))
@unhurried
def test_a_query_has_one_question_and_nothing_unread(packet: bytes) -> None:
    query = scan(packet)
    if not isinstance(query, Query):
        return
    assert query.question[:-4].lower() == query.name
    assert len(query.name) <= 255
    assert query.qclass == 1
    assert not query.flags & 0xF800
    if query.edns is None and packet[10:12] == b"\x00\x00":
        assert len(packet) == 12 + len(query.question)


@given(queries())
@unhurried
def test_a_valid_query_is_read_as_dnslib_reads_it(packet: bytes) -> None:
    query = scan(packet)
    expected = DNSRecord.parse(packet)
    assert isinstance(query, Query)
    assert query.id == expected.header.id
    assert query.qtype == expected.q.qtype
    assert names.labels(query.name) == [label.lower() for label in expected.q.qname.label]
    (*_, opt) = (None, *expected.ar)
    if opt is None:
        assert query.edns is None
    else:
        assert query.edns == (opt.edns_len, bool(opt.edns_do))


@given(queries())
@unhurried
def test_a_query_that_is_cut_short_is_a_fault(packet: bytes) -> None:
    for end in range(12, len(packet)):
        assert isinstance(scan(packet[:end]), Fault)
