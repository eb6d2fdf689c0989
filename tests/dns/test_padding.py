"""Replies to padded queries over TLS are padded; no other reply changes."""

import pytest
from dnslib import EDNS0, DNSRecord, EDNSOption
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import codes, names
from resolver.dns.query import scan
from resolver.dns.render import PADDED_TO, TCP_SIZE, ReplyTemplate, extended_error, question, record
from resolver.dns.transport import TLS, Transport

NAME = names.parse("www.example.org")
PADDING = EDNSOption(codes.PADDING, bytes(50))
COOKIE = EDNSOption(codes.COOKIE, b"12345678")


def query(*options: EDNSOption, with_opt: bool = True) -> bytes:
    asked = DNSRecord.question("www.example.org", "TXT")
    asked.header.id = 7
    if with_opt:
        asked.add_ar(EDNS0(udp_len=1232, opts=list(options)))
    return bytes(asked.pack())


def reply(
    packet: bytes, transport: Transport, text: bytes, error: bytes = b"", nsid: bytes = b""
) -> bytes:
    """The reply to a query, with TXT records of so many octets."""
    asked = scan(packet, {}, transport, nsid)
    assert asked is not None
    parts = [text[at : at + 200] for at in range(0, len(text), 200)]
    data = [bytes([len(part)]) + part for part in parts]
    records = b"".join([record(b"\xc0\x0c", codes.TXT, 60, octets) for octets in data])
    errors = (extended_error(codes.EDE_BLOCKED, error.decode()),) if error else ()
    template = ReplyTemplate(asked.profile, asked.profile.reply_flags, (len(parts), 0, 0), errors)
    return template.render(asked.ident, question(NAME, codes.TXT), records)


def options(packet: bytes) -> dict[int, bytes]:
    (opt,) = (item for item in DNSRecord.parse(packet).ar if item.rtype == codes.OPT)
    return {option.code: bytes(option.data) for option in opt.rdata}


@given(
    st.binary(max_size=70_000), st.text(max_size=30), st.binary(max_size=20),
    st.permutations([PADDING, COOKIE, EDNSOption(codes.NSID, b"")]),
)  # fmt: skip
def test_a_padded_query_over_tls_gets_a_padded_reply(
    text: bytes, error: str, nsid: bytes, asked: list[EDNSOption]
) -> None:
    packet = query(*asked)
    padded = reply(packet, TLS, text, error.encode(), nsid)
    assert len(padded) % PADDED_TO == 0 or len(padded) <= TCP_SIZE < len(padded) + PADDED_TO
    if padded[2] & 2:  # truncated
        return
    plain = reply(packet, Transport.TCP, text, error.encode(), nsid)
    found = options(padded)
    assert not any(found.pop(codes.PADDING, b""))
    assert found == options(plain)
    sections = [DNSRecord.parse(octets) for octets in (padded, plain)]
    assert sections[0].rr == sections[1].rr
    assert sections[0].header.rcode == sections[1].header.rcode


def test_a_reply_that_fits_a_block_exactly_is_not_enlarged_by_another() -> None:
    sizes = {len(reply(query(PADDING), TLS, b"x" * octets)) for octets in range(1, 180)}
    assert sizes == {PADDED_TO}


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_without_encryption_nothing_is_padded(transport: Transport) -> None:
    packet = reply(query(PADDING), transport, b"text")
    assert packet[2:] == reply(query(), transport, b"text")[2:]


@pytest.mark.parametrize(
    "packet",
    [query(), query(COOKIE), query(with_opt=False)],
    ids=["no options", "cookie", "no OPT"],
)
def test_a_query_without_padding_gets_none(packet: bytes) -> None:
    assert reply(packet, TLS, b"text") == reply(packet, Transport.TCP, b"text")


def test_a_query_that_is_wrong_in_form_gets_a_padded_error() -> None:
    packet = bytearray(query(PADDING))
    packet[4:6] = b"\x00\x02"
    asked = scan(bytes(packet), {}, TLS)
    assert asked is not None
    assert asked.profile.rcode == codes.FORMERR
    assert asked.profile.has_opt == asked.profile.pads
