"""Sizes: replies that must be cut for UDP, and upstreams that cut theirs."""

import time
from collections.abc import Iterator

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import ask, ask_raw, ask_stream
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest
from tests.programs.attacks.real_server import behind

_MOST = 1232
_SIZES = (None, 0, 1, 100, 511, 512, 513, 600, 1000, 1231, 1232, 1233, 1500, 4096, 65535)


def _of_size(asked: Asked) -> Iterator[Say]:
    """``s400.example`` has a TXT of about 400 octets; what UDP does not carry comes over TCP."""
    octets = int(asked.name.split(".")[0][1:])
    strings = b"".join(bytes((200,)) + b"x" * 200 for _ in range(octets // 201 + 1))
    packet = wire.reply(asked.packet, [wire.record(wire.AT_QUESTION, wire.TXT, strings)])
    if not asked.stream and len(packet) > _MOST:
        packet = wire.reply(asked.packet, flags=wire.TC)
    yield Say(packet)


def sizes() -> Seen:
    """Every size a client may name, for replies of every size: none too large, none too small."""
    wrong = []
    tried = 0
    with behind(_of_size) as (server, _):
        for octets in (100, 400, 500, 700, 1000, 1100, 1400, 3000, 60000):
            name = f"s{octets}.example"
            full = ask_stream(server.port, wire.question(name, wire.TXT, edns=wire.opt()))
            assert full is not None
            for size in _SIZES:
                tried += 1
                edns = b"" if size is None else wire.opt(size)
                got = ask_raw(server.port, wire.question(name, wire.TXT, edns=edns))
                limit = max(512, min(size or 0, _MOST))
                whole = len(full) - (0 if edns else len(wire.opt()))
                if got is None or len(got) > limit:
                    wrong.append(f"{octets} for {size}: {len(got or b'')} octets")
                elif bool(got[2] & 2) != (whole > limit):
                    wrong.append(f"{octets} for {size}: TC {got[2] >> 1 & 1}")
    text = f"{tried - len(wrong)} of {tried} replies of the right size"
    return Seen(not wrong, "; ".join([text, *wrong[:3]]))


def to_tcp() -> Seen:
    """An upstream that says TC, with half an answer: the whole one is fetched over TCP."""

    def script(asked: Asked) -> Iterator[Say]:
        if asked.stream:
            yield from honest(asked)
        else:
            half = [wire.address(wire.AT_QUESTION, "192.0.2.99")]
            yield Say(wire.reply(asked.packet, half, flags=wire.TC))

    with behind(script) as (server, upstream):
        reply = ask(server.port, wire.question("cut.example"))
        ways = [each.stream for each in upstream.asked]
    good = reply is not None and reply.addresses == [TRUE] and ways == [False, True]
    return Seen(good, f"{reply.addresses if reply else 'nothing'} by {len(ways)} upstream queries")


def hanging_tcp() -> Seen:
    """TC over UDP and silence over TCP: SERVFAIL in time, and the next query is answered."""
    hanging = [True]

    def script(asked: Asked) -> Iterator[Say]:
        if not asked.stream:
            half = [wire.address(wire.AT_QUESTION, "192.0.2.99")]
            yield Say(wire.reply(asked.packet, half, flags=wire.TC))
        elif not hanging[0]:
            yield from honest(asked)

    with behind(script) as (server, _):
        packet = wire.question("hangs.example", edns=wire.opt())
        began = time.monotonic()
        reply = ask(server.port, packet, seconds=5)
        took = time.monotonic() - began
        hanging[0] = False
        again = ask(server.port, packet, seconds=5)
    rcode = "nothing" if reply is None else f"rcode {reply.rcode}, EDE {reply.errors}"
    answered = again is not None and again.addresses == [TRUE]
    text = f"{rcode} after {took:.1f} s; the next query {'' if answered else 'NOT '}answered"
    good = reply is not None and reply.rcode == wire.SERVFAIL and took < 4.15
    return Seen(good and answered, text)


def cut_on_tcp() -> Seen:
    """TC even over TCP: the client must not take half an answer for the whole."""

    def script(asked: Asked) -> Iterator[Say]:
        half = [wire.address(wire.AT_QUESTION, "192.0.2.99")]
        yield Say(wire.reply(asked.packet, half, flags=wire.TC))

    with behind(script) as (server, _):
        replies = [ask(server.port, wire.question("half.example"), seconds=4) for _ in range(2)]
    honest_ones = sum(
        bool(each and (each.flags & wire.TC or each.rcode == wire.SERVFAIL)) for each in replies
    )
    return Seen(honest_ones == 2, f"{honest_ones} of 2 replies say TC or SERVFAIL")


ATTACKS = (
    Attack("sizes", "every reply at most min(size, 1232), TC where cut", sizes),
    Attack("tc-to-tcp", "the whole answer, by 2 upstream queries", to_tcp),
    Attack("tc-hanging", "SERVFAIL within 4 s, then the answer", hanging_tcp, quick=False),
    Attack("tc-on-tcp", "TC or SERVFAIL", cut_on_tcp),
)
