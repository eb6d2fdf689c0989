"""Reply templates: whatever is asked, in whatever order, they change no reply."""

from dnslib import CNAME, HTTPS, QTYPE, RR, SOA, TXT, A, DNSHeader, DNSRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.dns import names
from resolver.dns.response import scan
from resolver.dns.transport import TCP, UDP, Transport
from resolver.engine.labels import QueryLabels
from resolver.engine.result import PendingReply, Reply
from resolver.exchange.entry import CacheEntry, make_entry
from resolver.exchange.question import UpstreamQuestion
from resolver.policy.prefixes import packed
from tests.scenarios.file import Scenario
from tests.scenarios.stage import BOOT, Stage

MORE = """
[policies.watched]
block = ["@messenger"]
mode = "audit"
allow = ["status.telegram.org"]
deny = ["games.example.org"]

[policies.told]
block = ["@messenger", "@encrypted-dns"]
answer = "nxdomain"
directives = ["1595"]

[vlans.watched]
prefixes = ["10.30.0.0/16"]
policy = "watched"

[vlans.told]
prefixes = ["10.40.0.0/16"]
policy = "told"
"""
CLIENTS = st.sampled_from(["10.10.0.5", "10.20.0.5", "10.30.0.5", "10.40.0.5", "192.0.2.99"])
NAMES = st.sampled_from(
    [
        *("web.telegram.org", "T.me", "t.ME", "status.telegram.org", "a.games.example.org"),
        *("www.example.org", "WWW.example.org", "alias.example.org", "led.example.org"),
        *("missing.example.org", "use-application-dns.net", "localhost", "x" * 60 + ".example.org"),
    ]
)
TYPES = st.sampled_from([1, 28, 65, 16, 255])
FLAGS = st.sampled_from([0x0100, 0x0000, 0x0120, 0x0110, 0x8100])
OPTS = st.sampled_from(
    [
        b"",
        b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00",
        b"\x00\x00\x29\x02\x00\x00\x00\x80\x00\x00\x00",
        b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0c\x00\x0a\x00\x0812345678",
    ]
)


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    opt = draw(OPTS)
    name = b"".join(bytes([len(label)]) + label.encode() for label in draw(NAMES).split("."))
    head = draw(st.integers(0, 3)).to_bytes(2, "big") + draw(FLAGS).to_bytes(2, "big")
    counts = b"\x00\x01\x00\x00\x00\x00\x00" + bytes([bool(opt)])
    packet = head + counts + name + b"\x00" + draw(TYPES).to_bytes(2, "big") + b"\x00\x01" + opt
    at = draw(st.integers(2, 12 * len(packet)))  # one in twelve is spoilt
    return packet[:at] + b"\x07" + packet[at + 1 :] if at < len(packet) else packet


def said(question: UpstreamQuestion, now: float) -> CacheEntry:
    """What the upstream says: the same to everybody."""
    text = names.text(question.name)
    reply = DNSRecord(DNSHeader(id=0, qr=1, rd=1, ra=1, ad=len(text) % 2), None)
    reply.add_question(dnslib_question(text, question.qtype))
    match text.partition(".")[0], question.qtype:
        case "missing", _:
            reply.header.rcode = 3
            reply.add_auth(RR("example.org", QTYPE.SOA, ttl=60, rdata=SOA("ns.org", "a.org")))
        case "alias", 1:
            reply.add_answer(RR(text, QTYPE.CNAME, ttl=9, rdata=CNAME("www.example.org")))
            reply.add_answer(RR("www.example.org", QTYPE.A, ttl=4, rdata=A("192.0.2.1")))
        case "led", 1:
            reply.add_answer(RR(text, QTYPE.CNAME, ttl=30, rdata=CNAME("web.telegram.org")))
            reply.add_answer(RR("web.telegram.org", QTYPE.A, ttl=30, rdata=A("192.0.2.1")))
        case _, 1:
            reply.add_answer(RR(text, QTYPE.A, ttl=20, rdata=A("192.0.2.1")))
            reply.add_answer(RR(text, QTYPE.A, ttl=3, rdata=A("192.0.2.2")))
        case _, 65:
            reply.add_answer(RR(text, QTYPE.HTTPS, ttl=2, rdata=HTTPS(1, "", [])))
        case _, 16:
            reply.add_answer(RR(text, QTYPE.TXT, ttl=5, rdata=TXT([b"x" * 250] * 3)))
        case _:
            reply.add_auth(RR("example.org", QTYPE.SOA, ttl=60, rdata=SOA("ns.org", "a.org")))
    packet = bytes(reply.pack())
    response = scan(packet)
    assert response is not None
    return make_entry(response, now, dnssec_ok=False)


def dnslib_question(text: str, qtype: int) -> object:
    return DNSRecord.question(text, QTYPE[qtype]).q


Asked = tuple[float, str, Transport, bytes]


@st.composite
def conversations(draw: st.DrawFn) -> list[Asked]:
    """A few questions, asked again and again: forms and entries are known the second time."""
    pool = draw(st.lists(packets(), min_size=1, max_size=4))
    clients = draw(st.lists(CLIENTS, min_size=1, max_size=2))
    once = st.tuples(
        st.sampled_from([0.0, 0.3, 1.0, 2.0]),
        st.sampled_from(clients),
        st.sampled_from([UDP, *Transport]),
        st.sampled_from(pool),
    )
    return draw(st.lists(once, min_size=4, max_size=60))


@given(conversations())
@settings(max_examples=2 * settings().max_examples)
def test_what_is_kept_of_earlier_replies_changes_none(asked: list[Asked]) -> None:
    assert played(asked, keeping=True) == played(asked, keeping=False)


def played(asked: list[Asked], *, keeping: bool) -> list[tuple[bytes, QueryLabels]]:
    engine, came, now = Stage(Scenario("any", [], more=MORE)).engine, [], BOOT
    for later, address, transport, packet in asked:
        now += later
        engine.advance(0.0, now)
        client = engine.clients.of(packed(address), transport)
        if not keeping:
            client.profiles.clear()
        result = engine.answer(client, packet, now)
        while isinstance(result, PendingReply):
            entry = said(result.question, now)
            engine.cache.remember(result.question.key, entry, now)
            result = engine.conclude(result, entry, now)
        if isinstance(result, Reply) and result.refresh is not None:
            engine.cache.remember(result.refresh.key, said(result.refresh, now), now)
        came.append((result.packet if isinstance(result, Reply) else b"", result.counter.labels))
    return came


def test_the_profiles_that_are_kept_are_bounded() -> None:
    engine = Stage(Scenario("any", [])).engine
    engine.advance(0.0, BOOT)
    client = engine.clients.of(packed("10.10.0.5"), TCP)
    for size in range(600):
        opt = b"\x00\x00\x29" + size.to_bytes(2, "big") + bytes(6)
        txt = b"\x00\x00\x10\x00\x01" + bytes(4) + b"\xea\x60" + bytes(60_000)
        for more in (opt, txt + opt):
            counts = b"\x00\x01\x00\x00\x00\x00\x00" + bytes([1 + (more is not opt)])
            asked = b"\x01t\x02me\x00\x00\x01\x00\x01" + more
            engine.answer(client, b"\x00\x01\x01\x00" + counts + asked, BOOT)
    assert client.profiles
    assert len(client.profiles) <= 512
    assert max(len(key) for key in client.profiles) < 50
