"""The scan of responses: total, linear, and in agreement with dnslib on what it takes."""

from collections.abc import Callable

import pytest
from dnslib import DNSError, DNSRecord
from hypothesis import given

from resolver.dns import codes, names
from resolver.dns.assembly import Assembly, content
from resolver.dns.codes import HEADER
from resolver.dns.response import MAX_RECORDS, Response, scan
from resolver.dns.scanned_record import all_records
from tests.dns.made_packets import (
    COSTLY,
    Counted,
    any_bytes,
    many_starts,
    pointer_chain,
    response_of,
    responses,
)

EDE = codes.EDE


@given(responses())
def test_a_valid_response_is_read_as_dnslib_reads_it(packet: bytes) -> None:
    response = scan(packet)
    assert response is not None
    agrees(response, DNSRecord.parse(packet))


def agrees(response: Response, expected: DNSRecord) -> None:
    others = [record for record in expected.ar if record.rtype != codes.OPT]
    sections = [expected.rr, expected.auth, others]
    opts = [record for record in expected.ar if record.rtype == codes.OPT]
    extended = opts[0].ttl >> 24 if opts else 0
    assert response.flags == expected.header.bitmap
    assert response.rcode == expected.header.rcode | extended << 4
    assert response.name == wire(expected.q.qname.label)
    assert response.counts == tuple(map(len, sections))
    assert response.qtype == expected.q.qtype
    got = [(r.owner, r.rtype, r.ttl) for r in all_records(response)]
    wanted = [(wire(r.rname.label), r.rtype, kept(r.ttl)) for section in sections for r in section]
    assert got == wanted
    assert response.has_opt == bool(opts)
    errors = [
        option.data if is_text(option.data[2:]) else option.data[:2]
        for opt in opts
        for option in opt.rdata
        if option.code == EDE and len(option.data) >= 2
    ]
    assert response.errors == errors


def is_text(octets: bytes) -> bool:
    """Whether an Extended DNS Error may have this text (RFC 8914 section 2)."""
    return octets.decode(errors="ignore").encode() == octets


def wire(labels: tuple[bytes, ...]) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels).lower() + b"\x00"


def kept(ttl: int) -> int:
    return 0 if ttl >= 2**31 else ttl


@given(any_bytes(responses))
def test_any_bytes_are_a_response_or_nothing(packet: bytes) -> None:
    response = scan(packet)
    if response is None:
        return
    assert 12 < response.end <= len(packet)
    assert sum(response.counts) == len(all_records(response))
    for record in all_records(response):
        assert record.ttl < 2**31
        assert len(record.owner) <= 255


@given(any_bytes(responses))
def test_what_is_taken_is_taken_by_dnslib_too(packet: bytes) -> None:
    response = scan(packet)
    if response is None or any(not length for length in rdlengths(response)):
        return  # dnslib takes no record without RDATA
    expected = parsed(packet)
    if expected is not None:
        agrees(response, expected)


def parsed(packet: bytes) -> DNSRecord | None:
    """What dnslib makes of a packet, if all its labels are UTF-8; it takes no others."""
    try:
        return DNSRecord.parse(packet)
    except (DNSError, UnicodeDecodeError) as error:
        if isinstance(error, UnicodeDecodeError) or "Invalid label" in str(error):
            return None
        raise


def rdlengths(response: Response) -> list[int]:
    places = [record.rdata_at for record in all_records(response)]
    return [int.from_bytes(response.packet[at - 2 : at], "big") for at in places]


@given(responses())
def test_a_response_that_is_cut_short_is_none(packet: bytes) -> None:
    for end in range(len(packet)):
        assert scan(packet[:end]) is None


@given(responses())
def test_assembled_records_mean_the_same_to_dnslib_too(packet: bytes) -> None:
    response = scan(packet)
    assert response is not None
    again = assembled(response)
    assert len(again.packet) <= 12 + len(response.question) + uncompressed(response)
    wanted = [(r.section, r.ttl, content(r)) for r in all_records(response)]
    assert [(r.section, r.ttl, content(r)) for r in all_records(again)] == wanted
    agrees(again, DNSRecord.parse(again.packet))


def assembled(response: Response) -> Response:
    assembly = Assembly(response.question)
    for record in all_records(response):
        assembly.add(record)
    return assembly.response(response.flags)


def uncompressed(response: Response) -> int:
    """The octets of all records, without compression."""
    return sum(len(o) + 10 + len(data) for o, _, data in map(content, all_records(response)))


def test_a_name_is_written_once() -> None:
    names_at = [b"\x01a", b"\x01b", b"\x01a"]
    owner = b"\x03www\x07example\x00"
    aliases = [n + owner + b"\x00\x05\x00\x01" + bytes(4) + b"\x00\x02\xc0\x0c" for n in names_at]
    response = scan(
        b"\x00\x00\x80\x00\x00\x01\x00\x03"
        + bytes(4)
        + owner
        + b"\x00\x01\x00\x01"
        + b"".join(aliases)
    )
    assert response is not None
    fixed = 10 + 2
    assert len(assembled(response).packet) == 12 + len(response.question) + 3 * fixed + 4 + 4 + 2


def looks(packet: bytes) -> int:
    counted = Counted(packet)
    scan(counted)
    return counted.looks


@pytest.mark.parametrize("made", COSTLY)
def test_the_work_is_linear_in_the_length(made: Callable[[int], bytes]) -> None:
    assert looks(made(16000)) <= 12 * len(made(16000))
    assert looks(made(16000)) <= 2.2 * looks(made(8000))


def names_of_names(count: int) -> bytes:
    """SOA records whose names are all pointers to the name before them."""
    records, at, before = [], 17, 12
    for _ in range(count):
        names_at = before, at, at + 12
        owner, server, mailbox = ((0xC000 | number).to_bytes(2, "big") for number in names_at)
        fixed = b"\x00\x06\x00\x01" + bytes(4) + b"\x00\x18"
        records.append(owner + fixed + server + mailbox + bytes(20))
        before = at + 14
        at += len(records[-1])
    return response_of(records)


def names_of_many_labels(count: int) -> bytes:
    """Aliases whose names begin at ever other labels of the longest name."""
    head = b"\x00\x00\x80\x00\x00\x01" + count.to_bytes(2, "big") + bytes(4)
    records = [
        (0xC00C + 2 * (number % 127)).to_bytes(2, "big")
        + b"\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02"
        + (0xC00C + 2 * (number * 5 % 127)).to_bytes(2, "big")
        for number in range(count)
    ]
    return head + b"\x01a" * 127 + b"\x00\x00\x01\x00\x01" + b"".join(records)


@pytest.mark.parametrize("made", [names_of_names, names_of_many_labels])
def test_building_names_is_linear_in_the_length(made: Callable[[int], bytes]) -> None:
    packet = Counted(made(400))
    response = scan(packet)
    assert response is not None
    packet.looks = 0
    assert len(all_records(response)) == 400
    assert packet.looks <= 6 * len(packet)


def test_writing_records_out_is_linear_as_well() -> None:
    packet = Counted(addresses(MAX_RECORDS))
    response = scan(packet)
    assert response is not None
    packet.looks = 0
    assembled(response)
    assert packet.looks <= 6 * len(packet)


@pytest.mark.parametrize("made", [pointer_chain, many_starts])
def test_a_pointer_into_what_is_no_name_is_refused(made: Callable[[int], bytes]) -> None:
    assert scan(made(160)) is None
    assert scan(made(16000)) is None


def test_of_an_extended_error_without_a_good_text_the_code_is_kept() -> None:
    """RFC 8914 section 2: the text is UTF-8."""
    head = b"\x00\x00\x80\x00\x00\x01" + bytes(5) + b"\x01" + b"\x00\x00\x01\x00\x01"
    option = b"\x00\x0f\x00\x05\x00\x06l\xffe"
    response = scan(head + b"\x00\x00\x29\x04\xd0" + bytes(4) + b"\x00\x09" + option)
    assert response is not None
    assert response.errors == [b"\x00\x06"]


def test_no_name_leads_through_a_ttl() -> None:
    head = b"\x00\x00\x80\x00\x00\x01\x00\x02" + bytes(4) + b"\x00\x00\x01\x00\x01"
    first = b"\x00\x00\x01\x00\x01\x02aa\x00\x00\x04" + bytes(4)  # its TTL reads as a label
    second = b"\x00\x01\x00\x01" + bytes(4) + b"\x00\x04" + bytes(4)
    assert scan(head + first + b"\x00" + second) is not None
    assert scan(head + first + b"\xc0\x16" + second) is None


def test_an_rrset_of_addresses_has_as_many_records_as_a_message_holds() -> None:
    packet = addresses(4094)
    response = scan(packet)
    assert response is not None
    assert response.counts == (4094, 0, 0)
    assert [r.owner for r in all_records(response)] == [b"\x00"] * 4094
    assert not response.is_indirect
    assert (response.min_ttl, response.max_ttl) == (60, 60)


REPEATED = b"\xc0\x0c\x00\x02\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c"
OTHER = b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x02\x01x"


def with_records(*records: bytes) -> bytes:
    head = b"\x00\x00\x80\x00\x00\x01" + len(records).to_bytes(2, "big") + bytes(4)
    return head + b"\x00\x00\x02\x00\x01" + b"".join(records)


def test_more_records_than_can_be_read_in_time_are_refused() -> None:
    most = 1705
    assert scan(with_records(*[REPEATED] * most)) is not None
    assert scan(with_records(*[REPEATED] * (most + 1))) is None
    alternating = [REPEATED, OTHER] * (MAX_RECORDS // 2)
    assert scan(with_records(*alternating)) is not None
    assert scan(with_records(*alternating, REPEATED)) is None


@pytest.mark.parametrize(
    "broken",
    [
        REPEATED[:10] + b"\x00\x03\xc0\x0c\x00",  # RDATA behind the name
        REPEATED[:10] + b"\x00\x02\xff\xff",  # a pointer to no name
        REPEATED[:-1],
        REPEATED[:5],
    ],
)
def test_a_malformed_record_among_many_is_found(broken: bytes) -> None:
    good = [REPEATED] * (MAX_RECORDS + 1)
    assert scan(with_records(*good)) is not None
    assert scan(with_records(*good, broken)) is None


def test_names_may_lead_to_an_owner_that_is_repeated() -> None:
    owner = b"\x01a\x00" + REPEATED[2:]
    first = HEADER + 5
    again = (0xC000 | first).to_bytes(2, "big") + REPEATED[2:]
    last = first + len(owner) + len(again) * (MAX_RECORDS - 1)
    into = REPEATED[:-2] + (0xC000 | last).to_bytes(2, "big")
    many = [again] * MAX_RECORDS
    response = scan(with_records(owner, *many, into))
    assert response is not None
    assert response.name_at(response.owner_offsets[-2]) == b"\x01a\x00"
    assert response.name_at(len(response.packet) - 2) == b"\x01a\x00"


def addresses(count: int) -> bytes:
    head = b"\x00\x00\x80\x00\x00\x01" + count.to_bytes(2, "big") + b"\x00\x00\x00\x00"
    record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
    return head + b"\x00\x00\x01\x00\x01" + record * count


@pytest.mark.parametrize(
    "name",
    {
        "to itself": b"\xc0\x11",
        "forwards": b"\xc0\x20",
        "into the header": b"\xc0\x04",
        "past the end": b"\xff\xff",
        "back into its own labels": b"\x01a\xc0\x11",
        "a label of 64": b"\x40" + b"a" * 64 + b"\x00",
        "a label type of old": b"\x80\x00",
        "256 octets": (b"\x3f" + b"a" * 63) * 3 + b"\x3e" + b"a" * 62 + b"\x00",
    }.values(),
)
def test_a_name_that_leads_nowhere_is_none(name: bytes) -> None:
    head = b"\x00\x00\x80\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x01\x00\x01"
    rest = b"\xff\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    assert scan(head + b"\x00" + rest) is not None
    assert scan(head + name + rest) is None


def test_a_pointer_may_lead_to_a_pointer_to_the_question() -> None:
    fixed = b"\x00\x02\x00\x01" + bytes(4) + b"\x00\x02"
    to_own_owner = b"\xc0\x0c" + fixed + b"\xc0\x11"
    to_the_second = b"\xc0\x1f" + fixed + b"\xc0\x1f"
    response = scan(response_of([to_own_owner, to_own_owner, to_the_second]))
    assert response is not None
    assert [record.owner for record in all_records(response)] == [b"\x00"] * 3


def test_a_dot_in_a_label_is_no_boundary() -> None:
    packet = b"\x00\x00\x80\x00\x00\x01" + bytes(6) + b"\x03a.b\x00\x00\x01\x00\x01"
    response = scan(packet)
    assert response is not None
    assert names.labels(response.name) == [b"a.b"]


def test_the_ttls_of_many_records_are_noted() -> None:
    others = [REPEATED[:6] + ttl.to_bytes(4, "big") + REPEATED[10:] for ttl in (30, 90)]
    response = scan(with_records(*[REPEATED] * MAX_RECORDS, *others))
    assert response is not None
    assert (response.min_ttl, response.max_ttl) == (30, 90)
    zero = REPEATED[:6] + b"\x80\x00\x00\x00" + REPEATED[10:]
    response = scan(with_records(*[REPEATED] * MAX_RECORDS, zero, *others))
    assert response is not None
    assert (response.min_ttl, response.max_ttl) == (0, 1 << 31)
