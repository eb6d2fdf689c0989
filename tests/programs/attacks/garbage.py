"""Malformed packets: from clients, and from the upstream; and what each exact kind gets."""

import struct
from collections.abc import Iterator
from random import Random

import dnslib

from resolver.dns import response
from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import Heard, Shot, ask, ask_raw, percentile, volley
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest
from tests.programs.attacks.real_server import behind
from tests.programs.fuzz.mutation import mutated

_MUTATED = 3000
_PROBES = 60


def _rich(asked: Asked) -> bytes:
    """A reply with many kinds of records, so that there is much to break."""
    below = b"\x01a" + wire.AT_QUESTION
    parent = (0xC000 | 13 + asked.packet[12]).to_bytes(2, "big")
    answer = [
        wire.record(wire.AT_QUESTION, wire.CNAME, below),
        wire.address(below, TRUE),
        wire.record(below, wire.TXT, b"\x05hello\x03you"),
        wire.record(below, 33, struct.pack("!3H", 1, 2, 53) + wire.wire("srv.example")),
    ]
    authority = [wire.record(parent, wire.NS, b"\x02ns" + parent), wire.soa(parent)]
    option = struct.pack("!HHH", wire.EDE, 6, 3) + b"late"
    return wire.reply(asked.packet, answer, authority, [wire.opt(data=option)])


def unreadable(packet: bytes) -> bool:
    """Whether a reply cannot be read by everybody who is asked."""
    if response.scan(packet) is None:
        return True
    try:
        wire.read(packet)
        dnslib.DNSRecord.parse(packet)
    except (IndexError, RecursionError, struct.error):
        return True
    except dnslib.DNSError as error:  # it does not take a legal label that is no UTF-8
        if "Invalid label" not in str(error):
            return True
    return not all(_is_text(text) for text in wire.error_texts(packet))


def _is_text(text: bytes) -> bool:
    """Whether it is UTF-8, as an Extended DNS Error's text has to be (RFC 8914 section 2)."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def mutated_replies() -> Seen:
    """3,000 replies are damaged on their way; good names are asked for meanwhile."""
    random = Random(3000)

    def script(asked: Asked) -> Iterator[Say]:
        if asked.name.startswith("good"):
            yield from honest(asked)
        else:
            packet = mutated(random, _rich(asked)[2:])
            yield Say(asked.packet[:2] + packet)

    with behind(script) as (server, _):
        bad = [
            Shot(n / 600, wire.question(f"m{n}.b{n % 97}.example", edns=wire.opt(4096)))
            for n in range(_MUTATED)
        ]
        step = _MUTATED / 600 / _PROBES
        good = [Shot(n * step, wire.question(f"good{n}.fine.example")) for n in range(_PROBES)]
        replies = volley(server.port, bad + good, 4)
    told, probed = replies[:_MUTATED], replies[_MUTATED:]
    answered = sum(bool(heard and wire.read(heard.packet).addresses == [TRUE]) for heard in probed)
    passed = sum(bool(heard and unreadable(heard.packet)) for heard in told)
    silent = sum(heard is None for heard in told)
    text = f"{answered} of {_PROBES} probes answered, {passed} unreadable replies passed on, "
    text += f"{silent} clients untold"
    return Seen(answered == _PROBES and not passed and not silent, text)


_QUERIES = 10_000


def _damaged_query(random: Random, n: int) -> bytes:
    options = struct.pack("!HH", 10, 8) + bytes(8)
    edns = wire.opt(random.choice((0, 512, 1232, 65535)), data=options if n % 3 else b"")
    packet = wire.question(f"q{n % 50}.mutated.example", random.choice((1, 28, 65, 255)), edns=edns)
    return packet[:2] + mutated(random, packet[2:])


def mutated_queries() -> Seen:
    """10,000 damaged queries at 1,000 a second, with a good one 20 times a second."""
    random = Random(10_000)
    with behind(honest) as (server, _):
        bad = [Shot(n / 1000, _damaged_query(random, n)) for n in range(_QUERIES)]
        good = [
            Shot(n / 20, wire.question(f"p{n}.probe.example"), "127.0.21.5")
            for n in range(_QUERIES // 50)
        ]
        before = server.memory()
        replies = volley(server.port, bad + good, 3)
        grown = server.memory() - before
    probes = replies[_QUERIES:]
    lost = sum(probe is None or not wire.read(probe.packet).addresses for probe in probes)
    slow = percentile([probe.took for probe in probes if probe], 0.99) * 1000
    odd = sum(_is_odd(reply) for reply in replies[:_QUERIES])
    text = f"0 crashes, {lost} of {len(probes)} probes lost, p99 {slow:.0f} ms, "
    text += f"{grown:+.1f} MiB ({before:.0f} before), {odd} unreadable replies"
    return Seen(not lost and not odd and grown < 16, text)


def _is_odd(heard: Heard | None) -> bool:
    """Whether a reply is one that no server should send."""
    if heard is None:
        return False
    packet = heard.packet
    sound = packet[4:6] == b"\x00\x00" or not unreadable(packet)
    return len(packet) < 12 or not packet[2] & 0x80 or not sound


def _edit(packet: bytes, at: int, value: bytes) -> bytes:
    return packet[:at] + value + packet[at + len(value) :]


def _kinds() -> dict[str, tuple[bytes, int | None]]:
    """Packets, and the rcode that each must get; None is silence."""
    plain = wire.question("kind.example")
    with_opt = wire.question("kind.example", edns=wire.opt())
    asked = plain[12:]
    two_opts = _edit(with_opt, 11, b"\x02") + wire.opt()
    tsig = wire.record(wire.wire("key"), 250, wire.wire("hmac-sha256") + bytes(16))
    pointing = plain[:12] + b"\xc0\x0c" + plain[-4:]
    long_name = b"".join(b"\x3f" + b"a" * 63 for _ in range(4)) + b"\x00"
    return {
        "QDCOUNT 0": (plain[:4] + b"\x00\x00" + plain[6:12], wire.FORMERR),
        "QDCOUNT 2": (_edit(plain, 5, b"\x02") + asked, wire.FORMERR),
        "EDNS 1": (wire.question("kind.example", edns=wire.opt(version=1)), wire.BADVERS),
        "two OPT": (two_opts, wire.FORMERR),
        "OPT cut short": (with_opt[:-1], wire.FORMERR),
        "options that do not fit": (_edit(with_opt, len(with_opt) - 1, b"\x03"), wire.FORMERR),
        "answer in a query": (_edit(plain, 7, b"\x01") + tsig, wire.FORMERR),
        "octets behind": (plain + b"\x00", wire.FORMERR),
        "no octets left": (plain[:-1], wire.FORMERR),
        "pointer in the question": (pointing, wire.FORMERR),
        "name of 257 octets": (plain[:12] + long_name + plain[-4:], wire.FORMERR),
        "label of 64": (plain[:12] + b"\x40" + b"a" * 64 + b"\x00" + plain[-4:], wire.FORMERR),
        "TSIG of an unknown key": (_edit(plain, 11, b"\x01") + tsig, 9),
        "NOTIFY": (_edit(plain, 2, b"\x21"), wire.NOTIMP),
        "UPDATE": (_edit(plain, 2, b"\x29"), wire.NOTIMP),
        "IQUERY": (_edit(plain, 2, b"\x09"), wire.NOTIMP),
        "AXFR over UDP": (wire.question("kind.example", 252), wire.REFUSED),
        "class CH": (plain[:-1] + b"\x03", wire.REFUSED),
        "RD=0 and unknown": (wire.question("rd.example", flags=0), wire.REFUSED),
        "QR=1": (_edit(plain, 2, b"\x81"), None),
        "11 octets": (plain[:11], None),
        "nothing": (b"", None),
    }


def exact_rcodes() -> Seen:
    """Each kind of malformed query, then a live probe."""
    wrong, probes = [], 0
    kinds = _kinds()
    with behind(honest) as (server, _):
        for kind, (packet, wanted) in kinds.items():
            seconds = 0.15 if wanted is None else 3.0
            got = ask_raw(server.port, packet, seconds=seconds)
            rcode = None if got is None else wire.read(got).rcode
            if rcode != wanted:
                wrong.append(f"{kind}: {rcode}")
            reply = ask(server.port, wire.question("alive.example"))
            probes += bool(reply and reply.addresses == [TRUE])
    text = f"{len(kinds) - len(wrong)} of {len(kinds)} kinds as wanted, {probes} probes answered"
    return Seen(not wrong and probes == len(kinds), "; ".join([text, *wrong]))


ATTACKS = (
    Attack(
        "mutated-replies",
        "all probes answered, 0 unreadable replies passed on",
        mutated_replies,
        quick=False,
    ),
    Attack("malformed", "each kind its rcode or silence, every probe answered", exact_rcodes),
    Attack(
        "mutated-queries",
        "0 crashes, 0 probes lost, memory within 16 MiB",
        mutated_queries,
        quick=False,
    ),
)
