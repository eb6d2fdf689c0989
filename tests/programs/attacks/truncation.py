"""Sizes: replies that must be cut for UDP, and upstreams that cut theirs."""

import time
from collections.abc import Iterator

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import ask
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest
from tests.programs.attacks.real_server import behind


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


ATTACKS = (Attack("tc-hanging", "SERVFAIL within 4 s, then the answer", hanging_tcp, quick=False),)
