"""The short way against the careful one: whatever is asked, in whatever order, they agree."""

from dnslib import CNAME, HTTPS, QTYPE, RR, SOA, TXT, A, DNSHeader, DNSRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolver.dns import names
from resolver.engine.cache import Key
from resolver.engine.entry import Entry
from resolver.engine.labels import Path, Tally
from resolver.engine.prepared import TELLINGS, VARIANTS
from resolver.engine.quick import quick_entry
from resolver.engine.transaction import Drop, Forward, Reply, Source
from tests.scenarios.file import Scenario
from tests.scenarios.stage import BOOT, Stage

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
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


def told(key: Key, now: float) -> Entry:
    """What the upstream says: the same to whoever asks."""
    text = names.text(key.name)
    reply = DNSRecord(DNSHeader(id=0, qr=1, rd=1, ra=1, ad=len(text) % 2), None)
    reply.add_question(dnslib_question(text, key.qtype))
    match text.partition(".")[0], key.qtype:
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
    careful = quick_entry(packet, len(key.name) + 4, key.qtype, now)
    assert careful is not None, "an upstream's usual answers are read the short way"
    return careful


def dnslib_question(text: str, qtype: int) -> object:
    return DNSRecord.question(text, QTYPE[qtype]).q


Asked = tuple[float, str, bool, bytes]


@st.composite
def conversations(draw: st.DrawFn) -> list[Asked]:
    """A few questions, asked again and again: forms and entries are known the second time."""
    pool = draw(st.lists(packets(), min_size=1, max_size=4))
    clients = draw(st.lists(CLIENTS, min_size=1, max_size=2))
    once = st.tuples(
        st.sampled_from([0.0, 0.3, 1.0, 2.0]),
        st.sampled_from(clients),
        st.sampled_from([False, False, True]),
        st.sampled_from(pool),
    )
    return draw(st.lists(once, min_size=4, max_size=60))


@given(conversations())
@settings(unhurried, max_examples=400)
def test_replies_are_the_same_and_counted_the_same(asked: list[Asked]) -> None:
    assert played(asked, short_ways=True) == played(asked, short_ways=False)


def played(asked: list[Asked], *, short_ways: bool) -> list[tuple[bytes, Tally]]:
    stage = Stage(Scenario("any", [], more=MORE), short_ways=short_ways)
    resolver, came, now = stage.resolver, [], BOOT
    for later, client, stream, packet in asked:
        now += later
        resolver.advance(0.0, now)
        result: object = resolver.answer(packet, Source(client, stream), now)
        while isinstance(result, Forward):
            kept = resolver.remember(result.key, told(result.key, now), now)
            result = resolver.conclude(result, kept, now)
        if isinstance(result, Reply) and result.refresh is not None:
            resolver.remember(result.refresh, told(result.refresh, now), now)
        came.append(_shown(result))
    return came


def _shown(result: object) -> tuple[bytes, Tally]:
    match result:
        case Reply(packet=packet, tally=tally):
            pass
        case Drop(tally=tally):
            packet = b""
        case (packet, counted):
            tally = counted.tally
    return packet, tally._replace(path=Path.CACHE)


def test_what_a_shelf_remembers_of_forms_is_bounded() -> None:
    resolver = Stage(Scenario("any", [])).resolver
    resolver.advance(0.0, BOOT)
    source = Source("10.10.0.5", True)
    for size in range(600):
        opt = b"\x00\x00\x29" + size.to_bytes(2, "big") + bytes(6)
        txt = b"\x00\x00\x10\x00\x01" + bytes(4) + b"\xea\x60" + bytes(60_000)
        for more in (opt, txt + opt):
            counts = b"\x00\x01\x00\x00\x00\x00\x00" + bytes([1 + (more is not opt)])
            asked = b"\x01t\x02me\x00\x00\x01\x00\x01" + more
            resolver.answer(b"\x00\x01\x01\x00" + counts + asked, source, BOOT)
    forms = resolver.client(source).shelf.forms
    assert forms
    assert len(forms) <= 512
    assert max(len(mark) for mark in forms) < 50


def test_an_entry_is_prepared_anew_however_many_generations_it_outlives() -> None:
    resolver = Stage(Scenario("any", [])).resolver
    resolver.advance(0.0, BOOT)
    source = Source("10.10.0.5", False)
    asked = b"\x03www\x07example\x03org\x00\x00\x01\x00\x01"
    packet = b"\x00\x01\x01\x00\x00\x01" + bytes(6) + asked
    first = resolver.answer(packet, source, BOOT)
    assert isinstance(first, Forward)
    resolver.remember(first.key, told(first.key, BOOT), BOOT)
    for _ in range(2 * VARIANTS):
        resolver.flush(names.parse("other.org"))
        for _ in range(2 + TELLINGS):  # its form is known, it is told, prepared, and told so
            reply = resolver.answer(packet, source, BOOT)
        assert isinstance(reply, Reply)
        assert reply.tally.path is Path.PREPARED
