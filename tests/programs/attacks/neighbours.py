"""A host with many addresses, beside another host of the same prefix, and beside another VLAN."""

from collections.abc import Iterator
from contextlib import ExitStack

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import (
    ADMINISTRATION,
    Heard,
    Shot,
    Stream,
    ask_stream,
    volley,
)
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest
from tests.programs.attacks.real_server import behind

_HOST = [f"127.0.20.{n}" for n in range(1, 11)]
_NEIGHBOUR = "127.0.20.99"
_RATE = 5000
"""Queries a second over UDP; what a server without compiled code can handle."""
_QUESTIONS = 25


def _sticky(asked: Asked) -> Iterator[Say]:
    if asked.name.startswith("good"):
        yield from honest(asked)


def neighbour() -> Seen:
    """Ten addresses of a /24 ask for stuck names over UDP and TCP; one more asks for good ones."""
    stuck = [
        Shot(n / _RATE, wire.question(f"a.b.z{n}.u{n}"), _HOST[n % 10]) for n in range(3 * _RATE)
    ]
    stuck += [  # so that the server does not give its upstream up
        Shot(n / 20, wire.question(f"good{n}.other.example"), ADMINISTRATION) for n in range(60)
    ]
    asked = [
        Shot(1.5 + n / 20, wire.question(f"good{n}.udp.example"), _NEIGHBOUR)
        for n in range(_QUESTIONS)
    ]
    with behind(_sticky) as (server, _), ExitStack() as stack:
        for number, address in enumerate(_HOST):
            stream = stack.enter_context(Stream(server.port, address))
            stream.send(*(wire.question(f"a.b.z{n}.t{number}-{n}") for n in range(100)))
        replies = volley(server.port, stuck + asked, 0.3)
        over_tcp = [
            ask_stream(server.port, wire.question(f"good{n}.tcp.example"), _NEIGHBOUR)
            for n in range(_QUESTIONS)
        ]
    full = sum(_has_no_room(reply) for reply in replies[: len(stuck)])
    if not full:
        return Seen(True, "not tried: this machine is too slow to fill the share of a prefix")
    udp = sum(_is_true(reply.packet) for reply in replies[len(stuck) :] if reply is not None)
    tcp = sum(_is_true(octets) for octets in over_tcp if octets is not None)
    text = f"{udp} of {_QUESTIONS} answered over UDP, {tcp} over TCP; "
    text += f"{full} of {len(stuck)} stuck ones found no room"
    return Seen(udp == tcp == _QUESTIONS, text)


def _has_no_room(heard: Heard | None) -> bool:
    """Whether a question failed at once."""
    return heard is not None and heard.took < 1.0 and wire.rcode_of(heard.packet) == wire.SERVFAIL


def _is_true(packet: bytes) -> bool:
    return wire.read(packet).addresses == [TRUE]


def crowd() -> Seen:
    """A VLAN asks 1,500 times for a name that takes 2.5 s; then 100 of another VLAN ask for it."""
    question = wire.question("portal.example")
    first = [Shot(n / 2000, question, _HOST[n % 10]) for n in range(1500)]
    others = [Shot(1 + n / 200, question, f"127.0.10.{1 + n}") for n in range(100)]
    with behind(lambda asked: honest(asked, after=2.5)) as (server, _):
        replies = volley(server.port, first + others, 4.5)
    full = sum(_has_no_room(reply) for reply in replies[: len(first)])
    if not full:
        return Seen(True, "not tried: this machine is too slow to ask so often")
    answered = sum(_is_true(reply.packet) for reply in replies[len(first) :] if reply is not None)
    text = f"{answered} of {len(others)} answered; {full} of {len(first)} found no room"
    return Seen(answered == len(others), text)


ATTACKS = (
    Attack("neighbour", "25 of 25 answered over UDP and over TCP", neighbour, quick=False),
    Attack("crowd", "100 of 100 of another VLAN answered", crowd, quick=False),
)
