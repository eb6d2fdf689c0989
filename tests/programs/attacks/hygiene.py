"""The cache between VLANs, and records that nobody asked for."""

import random
from collections.abc import Iterator

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import (
    ADMINISTRATION,
    NOBODY,
    PUBLICITY,
    Shot,
    ask,
    volley,
)
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest
from tests.programs.attacks.real_server import BLOCKED, behind

_INTERLEAVED = 1000
_NAMES = 100


def _leading(asked: Asked) -> Iterator[Say]:
    """Names with an odd number are aliases of the blocked name, the others of a harmless one."""
    odd = int("0" + "".join(filter(str.isdigit, asked.name))) % 2
    target = wire.wire(f"cdn.{BLOCKED}" if odd else "cdn.harmless.example")
    middle = wire.wire("middle.example")
    yield Say(
        wire.reply(
            asked.packet,
            [
                wire.record(wire.AT_QUESTION, wire.CNAME, middle, 1),
                wire.record(middle, wire.CNAME, target, 1),
                wire.address(target, TRUE, 1),
            ],
        ),
        0.02,
    )


def two_vlans() -> Seen:
    """Both ask the same names, at once and in turn, while entries come and go."""
    order = random.Random(20)
    chosen = [
        (order.choice((ADMINISTRATION, PUBLICITY)), f"n{order.randrange(_NAMES)}.cross.example")
        for _ in range(_INTERLEAVED)
    ]
    with behind(_leading) as (server, _):
        shots = [
            Shot(n / 500, wire.question(name), client) for n, (client, name) in enumerate(chosen)
        ]
        replies = volley(server.port, shots)
    crossed = untold = 0
    for (client, name), reply in zip(chosen, replies, strict=True):
        if reply is None:
            untold += 1
            continue
        blocked = client == ADMINISTRATION and int(name.split(".")[0][1:]) % 2
        crossed += wire.read(reply.packet).addresses != (["0.0.0.0"] if blocked else [TRUE])
    text = f"{crossed} of {_INTERLEAVED} answers crossed, {untold} untold"
    return Seen(not crossed and not untold, text)


def _beside(asked: Asked) -> Iterator[Say]:
    """A true answer, and records of somebody else's in every section."""
    if asked.name == "victim.example":
        yield from honest(asked)
        return
    victim = wire.wire("victim.example")
    yield Say(
        wire.reply(
            asked.packet,
            [
                wire.address(victim, "6.6.6.6", 86400),
                wire.address(wire.AT_QUESTION, TRUE),
                wire.record(victim, wire.CNAME, wire.wire("evil.example"), 86400),
            ],
            [wire.record(victim, wire.NS, wire.wire("ns.evil.example"), 86400)],
            [wire.address(victim, "6.6.6.6", 86400)],
        )
    )


def beside_the_chain() -> Seen:
    """Answers beside the chain: told to nobody, and believed for no later question."""
    with behind(_beside) as (server, upstream):
        asked = [ask(server.port, wire.question(f"q{n}.example", edns=wire.opt())) for n in (0, 0)]
        later = ask(server.port, wire.question("victim.example"))
        fetched = len(upstream.of("victim.example"))
    passed = sum(
        told.owner == "victim.example" for reply in asked if reply for told in reply.answer
    )
    answered = all(reply and reply.addresses == [TRUE] for reply in asked)
    believed = later is None or later.addresses != [TRUE] or fetched != 1
    text = f"{passed} passed on in the answer, {'1' if believed else '0'} believed later"
    return Seen(not passed and not believed and answered, text)


def aliases_in_circles() -> Seen:
    """Aliases that lead to each other, to themselves, and on for ever."""

    def script(asked: Asked) -> Iterator[Say]:
        name = asked.name
        if name.startswith("endless"):
            target = f"endless{int(name[7:].split('.')[0]) + 1}.example"
        else:
            target = {"a.circle": "b.circle", "b.circle": "a.circle"}.get(name, name)
        yield Say(wire.reply(asked.packet, [wire.record(wire.AT_QUESTION, 5, wire.wire(target))]))

    with behind(script) as (server, upstream):
        replies = [
            ask(server.port, wire.question(name)) for name in ("a.circle", "self.x", "endless0.x")
        ]
        queries = len(upstream.asked)
    told = [str(reply.rcode) if reply else "nothing" for reply in replies]
    text = f"rcodes {', '.join(told)}; {queries} upstream queries"
    return Seen("nothing" not in told and queries <= 30, text)


_BURST = 1000
_REPLIES = 60


def unlisted() -> Seen:
    """1,000 queries of every shape in a burst from a source in no VLAN; some want the NSID."""
    packets = [
        wire.question("x.example"),
        wire.question("x.example", wire.ANY, edns=wire.opt(65535)),
        wire.question("x.example", edns=wire.opt(version=1)),
        wire.question("x.example")[:-1],
        wire.question("x.example", edns=wire.opt(data=b"\x00\x0a\x00\x08" + bytes(8))),
        wire.question("x.example")[:12],
        wire.question("x.example", 41),
        wire.question("x.example", edns=wire.opt(data=wire.NSID)),
    ]
    with behind(honest) as (server, upstream):
        shots = [Shot(n / 20000, packets[n % len(packets)], NOBODY) for n in range(_BURST)]
        replies = volley(server.port, shots, 0.5)
        probe = ask(server.port, wire.question("alive.example"))
        queries = len(upstream.of("x.example"))
    heard = [(s, r) for s, r in zip(shots, replies, strict=True) if r]
    larger = sum(len(reply.packet) > len(shot.packet) for shot, reply in heard)
    rcodes = sorted({wire.rcode_of(reply.packet) for _, reply in heard})
    text = f"{len(heard)} of {_BURST} replied to, {larger} larger than the query, "
    text += f"rcodes {rcodes}, {queries} upstream queries"
    return Seen(len(heard) <= _REPLIES and not larger and not queries and probe is not None, text)


ATTACKS = (
    Attack("two-vlans", "0 of 1000 answers crossed", two_vlans),
    Attack("beside", "0 passed on in the answer, 0 believed later", beside_the_chain),
    Attack("circles", "a reply each, 30 upstream queries at most", aliases_in_circles),
    Attack("unlisted", "60 replies at most, none larger than its query", unlisted),
)
