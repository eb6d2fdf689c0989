"""The scan of queries: total, and in agreement with dnslib on what it takes."""

from dnslib import DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import codes, names
from resolver.dns.query import Profiles, Query, scan
from resolver.dns.transport import UDP, Transport
from tests.dns.made_packets import any_bytes, mutated, queries


@given(any_bytes(queries), st.sampled_from(Transport))
def test_any_bytes_are_a_query_or_nothing(packet: bytes, transport: Transport) -> None:
    query = scan(packet, {}, transport)
    answered = len(packet) >= 12 and not packet[2] & 0x80
    assert (query is not None) == answered
    if query is not None:
        assert query.ident == packet[:2]
        assert packet[12:].startswith(query.question)
        assert query.profile.has_question == bool(query.question)


@given(any_bytes(queries))
def test_a_query_has_one_question_and_nothing_unread(packet: bytes) -> None:
    query = scan(packet, {})
    if query is None or query.profile.rcode != codes.NOERROR:
        return
    assert query.question[:-4].lower() == query.name
    assert query.question.endswith(b"\x00\x01")
    assert len(query.name) <= 255
    assert not query.profile.flags & 0xF800
    if not query.profile.has_opt and packet[10:12] == b"\x00\x00":
        assert len(packet) == 12 + len(query.question)


@given(queries(), st.sampled_from(Transport))
def test_a_valid_query_is_read_as_dnslib_reads_it(packet: bytes, transport: Transport) -> None:
    query = scan(packet, {}, transport)
    expected = DNSRecord.parse(packet)
    assert query is not None
    profile = query.profile
    assert profile.rcode == codes.NOERROR
    assert query.ident == expected.header.id.to_bytes(2, "big")
    assert profile.qtype == expected.q.qtype
    assert bool(profile.flags & codes.CD) == bool(expected.header.cd)
    assert names.labels(query.name) == [label.lower() for label in expected.q.qname.label]
    opt = expected.ar[-1] if expected.ar else None
    assert profile.has_opt == (opt is not None)
    assert profile.dnssec_ok == (opt is not None and bool(opt.edns_do))
    assert profile.wants_ad == (bool(expected.header.ad) or profile.dnssec_ok)
    size = 512 if opt is None else opt.edns_len
    assert profile.limit == (max(512, min(size, 1232)) if transport is UDP else 65535)


@given(queries())
def test_a_query_that_is_cut_short_is_malformed(packet: bytes) -> None:
    for end in range(12, len(packet)):
        query = scan(packet[:end], {})
        assert query is not None
        assert query.profile.rcode == codes.FORMERR


def facts(query: Query | None) -> tuple[object, ...] | None:
    if query is None:
        return None
    profile = query.profile
    return (
        *(query.ident, query.name, query.question, profile.flags, profile.rcode, profile.qtype),
        *(profile.silent, profile.has_question, profile.has_opt, profile.dnssec_ok, profile.limit),
        *(profile.wants_ad, profile.reply_flags, profile.key, profile.pads),
    )


@given(st.lists(any_bytes(queries), max_size=4), st.data(), st.sampled_from(Transport))
def test_what_was_scanned_before_changes_nothing(
    before: list[bytes], data: st.DataObject, transport: Transport
) -> None:
    profiles: Profiles = {}
    for packet in before:
        scan(packet, profiles, transport)
    packet = data.draw(queries())
    scan(packet, profiles, transport)
    renamed = with_name(packet, data.draw(st.sampled_from([b"\x00", b"\x01a\x00", b"\x03WWW\x00"])))
    for later in (packet, renamed, data.draw(mutated(st.just(renamed)))):
        assert facts(scan(later, profiles, transport)) == facts(scan(later, {}, transport))


def with_name(packet: bytes, name: bytes) -> bytes:
    """The same query for another name."""
    end = 13 + packet[12:].index(0)
    return packet[:12] + name + packet[end:]


def test_profiles_are_kept_for_queries_that_differ_in_id_and_name_alone() -> None:
    profiles: Profiles = {}
    first = scan(
        b"\x00\x01\x01" + bytes(2) + b"\x01" + bytes(6) + b"\x00\x00\x01\x00\x01", profiles
    )
    other = scan(
        b"\x00\x02\x01" + bytes(2) + b"\x01" + bytes(6) + b"\x01a\x00\x00\x01\x00\x01", profiles
    )
    assert first is not None
    assert other is not None
    assert first.profile is other.profile


def test_the_profiles_that_are_kept_are_bounded() -> None:
    profiles: Profiles = {}
    head = b"\x00\x01\x01" + bytes(2) + b"\x01" + bytes(6)
    for qtype in range(1000):
        assert scan(head + b"\x00" + qtype.to_bytes(2, "big") + b"\x00\x01", profiles) is not None
        assert len(profiles) <= 256
    profiles.clear()
    cookie = b"\x00\x00\x29\x04\xd0" + bytes(4) + b"\x00\x0c\x00\x0a\x00\x08" + bytes(8)
    scan(head[:10] + b"\x00\x01" + b"\x00\x00\x01\x00\x01" + cookie, profiles)
    assert not profiles
