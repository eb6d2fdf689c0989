"""Clients that hold as many TCP connections as they can, and take what these cost the server."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import ADMINISTRATION, Stream, ask_stream
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest
from tests.programs.attacks.real_server import behind

_HOARDERS = [f"127.0.20.{n}" for n in range(1, 6)]
_NEIGHBOUR = "127.0.20.9"
_PROBES = 18


def _sticky(asked: Asked) -> Iterator[Say]:
    """Good names are answered, slow ones after a second, others never."""
    if asked.name.startswith(("good", "slow")):
        yield from honest(asked, after=1.0 if asked.name.startswith("slow") else 0.0)


def stuck() -> Seen:
    """Five addresses hold 1,250 connections, each with a query that is never answered."""
    answered = dict.fromkeys((ADMINISTRATION, _NEIGHBOUR), 0)
    with behind(_sticky) as (server, _), ExitStack() as stack:
        before = stack.enter_context(Stream(server.port, ADMINISTRATION))
        before.send(wire.question("slow.example"))
        for n in range(1250):
            stream = stack.enter_context(Stream(server.port, _HOARDERS[n % 5]))
            stream.send(wire.question(f"stuck{n}.z{n}.example"))
        for n in range(_PROBES):
            for client in answered:
                question = wire.question(f"good{n}.example")
                answered[client] += _is_true(ask_stream(server.port, question, client))
            time.sleep(0.02)
        kept = _is_true(before.receive())
        held = server.descriptors()
    text = f"of {_PROBES} answered: {answered[ADMINISTRATION]} in another VLAN, "
    text += f"{answered[_NEIGHBOUR]} in the same; a connection from before "
    text += f"{'kept' if kept else 'CLOSED'}; {held} descriptors"
    return Seen(kept and set(answered.values()) == {_PROBES} and held > 1000, text)


def _is_true(packet: bytes | None) -> bool:
    return packet is not None and wire.read(packet).addresses == [TRUE]


ATTACKS = (
    Attack("tcp-stuck", "18 of 18 in another VLAN and in the same, none of theirs closed", stuck),
)
