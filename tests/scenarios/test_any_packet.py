"""Whatever octets come, what goes back is a DNS reply to them, or nothing."""

import itertools

from dnslib import DNSHeader, DNSQuestion, DNSRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.dns.transport import TLS, UDP, Transport
from resolver.engine.result import Drop, PendingReply, Reply
from resolver.policy.prefixes import packed
from tests.scenarios.file import Scenario
from tests.scenarios.stage import BOOT, Stage

IDENTITY = '[server]\nidentity = "dns1.administration.agency.example"\n'
STAGE = Stage(Scenario("any packet", [], more=IDENTITY))
MOMENTS = itertools.count(BOOT)
"""A second for each query: none is over a rate limit."""
CLIENTS = st.sampled_from(["10.10.0.5", "fd00:20::1", "192.0.2.99"])
NAMES = st.sampled_from(
    [
        *("web.telegram.org", "t.me", "use-application-dns.net", "www.example.org", "localhost"),
        *("a.onion", "1.0.0.127.in-addr.arpa", "_dns.resolver.arpa", "."),
    ]
)
TYPES = st.sampled_from([1, 2, 5, 6, 16, 28, 41, 64, 65, 250, 252, 255, 65280])
OPTS = st.sampled_from(
    [
        b"",
        b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00",
        b"\x00\x00\x29\x00\x64\x00\x00\x80\x00\x00\x00",
        b"\x00\x00\x29\xff\xff\x00\x01\x00\x00\x00\x00",
        b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0c\x00\x0a\x00\x0812345678",
        b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x04\x00\x03\x00\x00",
        b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x07\x00\x0c\x00\x03\x00\x00\x00",
    ]
)


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    header = DNSHeader(id=draw(st.integers(0, 65535)), q=1, rd=1)
    question = DNSQuestion(draw(NAMES), draw(TYPES))
    packet = bytearray(DNSRecord(header, q=question).pack() + (opt := draw(OPTS)))
    packet[11] = bool(opt)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(2, len(packet)))
        packet[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(packet)


@given(packets() | st.binary(max_size=60), CLIENTS, st.sampled_from(Transport))
@settings(max_examples=10 * settings().max_examples)
def test_any_octets_get_a_reply_of_their_own_or_silence(
    packet: bytes, client: str, transport: Transport
) -> None:
    now = next(MOMENTS)
    STAGE.engine.advance(0.0, now)
    asking = STAGE.engine.clients.of(packed(client), transport)
    result = STAGE.engine.answer(asking, packet, now)
    if isinstance(result, Drop):
        assert len(packet) < 12 or packet[2] & 0x80
    elif isinstance(result, PendingReply):
        name = result.question.name
        assert name == packet[12 : 12 + len(name)].lower()
    else:
        check_reply(packet, result, transport)
        if client == "192.0.2.99":
            assert result.packet[3] & 15 == 5
            assert transport is TLS or len(result.packet) <= len(packet)


def check_reply(packet: bytes, result: Reply, transport: Transport) -> None:
    came = result.packet
    assert came[:2] == packet[:2]
    assert came[2] & 0x80
    assert not came[2] & 0x04  # never authoritative
    assert came[2] & 0x78 == packet[2] & 0x78
    assert len(came) <= (1232 if transport is UDP else 65535)
    question = question_of(came)
    assert packet[12:].startswith(question)
    if question.isascii():  # dnslib takes no label that is not UTF-8
        DNSRecord.parse(came)


def question_of(packet: bytes) -> bytes:
    if packet[4:6] == bytes(2):
        return b""
    at = 12
    while length := packet[at]:
        at += 1 + length
    return packet[12 : at + 5]
