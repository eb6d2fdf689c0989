"""What an attacker sees of the questions that go to the upstream: how many, from where, by
what ID."""

import itertools
import time
from collections import Counter
from collections.abc import Callable

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import Shot, volley
from tests.programs.attacks.fake_upstream import TRUE, Asked, Upstream, honest
from tests.programs.attacks.real_server import Darban, behind

_IDENTICAL = 200
_RETRIES = 2
"""Time-outs of one question at most while an attack lasts: the second attempt is after 0.6 s."""


def _without_retries(server: Darban, upstream: Upstream, name: str) -> int:
    """The queries for a name but those that a time-out allows: an answer is late on a busy machine.

    The scripted upstream knows no other name, so every time-out is of this one.
    """
    queries = len(upstream.of(name))
    return queries if queries <= 1 else max(1, queries - min(server.timeouts(), _RETRIES))


def _mixed(name: bytes, bits: int) -> bytes:
    """The name with capitals where the bits say so."""
    return bytes(
        octet - 32 if 97 <= octet <= 122 and bits >> place % 16 & 1 else octet
        for place, octet in enumerate(name)
    )


def identical() -> Seen:
    """200 clients ask the same at once, each with an ID and a case of its own."""
    name = wire.wire("www.same.example")
    with behind(lambda asked: honest(asked, after=0.5)) as (server, upstream):
        packets = [wire.question(_mixed(name, n)) for n in range(_IDENTICAL)]
        replies = volley(server.port, [Shot(0, packet) for packet in packets], 4)
        queries = _without_retries(server, upstream, "www.same.example")
    good = sum(
        bool(
            reply
            and wire.read(reply.packet).addresses == [TRUE]
            and reply.packet[12 : len(packet)] == packet[12:]
        )
        for packet, reply in zip(packets, replies, strict=True)
    )
    text = f"{queries} upstream query, {good} good answers"
    return Seen(queries == 1 and good == _IDENTICAL, text)


_QUERIES = 300


def _observed(pace: Callable[[int], float], delay: float) -> tuple[list[Asked], dict[str, int]]:
    """What the upstream saw of 300 queries, and the ID that the client gave each name."""
    with behind(lambda asked: honest(asked, after=delay)) as (server, upstream):
        names = [f"e{n}.entropy{n}.example" for n in range(_QUERIES)]
        shots = [Shot(pace(n), wire.question(name)) for n, name in enumerate(names)]
        volley(server.port, shots, 4)
        return list(upstream.asked), {name: n for n, name in enumerate(names)}


def _ports(asked: list[Asked], clients: dict[str, int]) -> Seen:
    uses = Counter(each.peer[1] for each in asked)
    spans = [
        max(moments) - min(moments)
        for _, group in itertools.groupby(
            sorted(asked, key=lambda each: each.peer[1]), key=lambda each: each.peer[1]
        )
        if (moments := [each.at for each in group])
    ]
    idents = len({each.ident for each in asked})
    same = sum(clients.get(each.name) == each.ident for each in asked)
    most, longest = max(uses.values()), max(spans)
    good = len(asked) == _QUERIES and len(uses) >= 60 and most <= 8 and longest <= 1.1
    good = good and idents >= _QUERIES - 8 and same <= 2
    text = f"{len(uses)} ports in {len(asked)} queries, at most {most} on one, "
    text += f"for {longest:.2f} s at most; {idents} IDs, {same} the client's own"
    return Seen(good, text)


def ports_under_load() -> Seen:
    return _ports(*_observed(lambda n: n / 2000, 0.3))


def ports_at_rest() -> Seen:
    return _ports(*_observed(lambda n: n / 150, 0.0))


_CROWD = "[limits]\nqueries_per_address = 10_000\n"
"""One address stands for a crowd."""


def waiters() -> Seen:
    """3,000 wait for one answer: those beyond the bound are told at once, and all are told."""
    with behind(lambda asked: honest(asked, after=0.4), more=_CROWD) as (server, upstream):
        began = time.monotonic()
        shots = [Shot(n / 6000, wire.question("www.crowd.example")) for n in range(3000)]
        replies = volley(server.port, shots, 4)
        took = time.monotonic() - began
        queries = _without_retries(server, upstream, "www.crowd.example")
    told = Counter(wire.rcode_of(each.packet) for each in replies if each)
    silent = sum(each is None for each in replies)
    text = f"{queries} upstream query; {told[wire.NOERROR]} answers, "
    text += f"{told[wire.SERVFAIL]} SERVFAIL, {silent} untold in {took:.1f} s"
    return Seen(queries == 1 and not silent and told[wire.NOERROR] >= 1000, text)


ATTACKS = (
    Attack("identical", "1 upstream query, 200 good answers", identical),
    Attack("ports-busy", "60 ports or more, 8 queries and 1 s each at most", ports_under_load),
    Attack(
        "ports-idle", "60 ports or more, 8 queries and 1 s each at most", ports_at_rest, quick=False
    ),
    Attack("waiters", "1 upstream query, every waiter told", waiters),
)
