"""TCP as clients use it, and as they abuse it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import PUBLICITY, Stream, ask, ask_stream
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest
from tests.programs.attacks.real_server import behind

_LATEST = 5.0
_SLACK = 1.0
_MANY = 300


def _is_true(packet: bytes | None) -> bool:
    return packet is not None and wire.read(packet).addresses == [TRUE]


def one_octet() -> Seen:
    """300 connections of one octet each: a newcomer is served, and the last of them closed."""
    with behind(honest) as (server, _), ExitStack() as stack:
        streams = [stack.enter_context(Stream(server.port)) for _ in range(_MANY)]
        for stream in streams:
            stream.socket.send(b"\x00")
        began = time.monotonic()
        served = all(
            _is_true(ask_stream(server.port, wire.question("new.example"), client))
            for client in (PUBLICITY, "127.0.21.5")
        )
        closed = streams[-1].closed_within(_LATEST + _SLACK)
        after = time.monotonic() - began
    text = f"a new client {'served' if served else 'NOT served'}, "
    text += f"closed after {after:.1f} s" if closed is not None else "not closed"
    return Seen(served and closed is not None and after <= _LATEST + _SLACK, text)


def trickle() -> Seen:
    """A query of which an octet comes twice a second: an idle connection by another name."""
    packet = wire.question("www.trickle.example")
    frame = len(packet).to_bytes(2, "big") + packet
    with behind(honest) as (server, _), Stream(server.port) as stream:
        began = time.monotonic()
        try:
            for octet in frame:
                stream.socket.send(bytes((octet,)))
                stream.socket.settimeout(0.5)
                try:
                    if not stream.socket.recv(1):
                        break
                except TimeoutError:
                    pass
                if time.monotonic() - began > _LATEST + _SLACK:
                    break
        except OSError:
            pass
        after = time.monotonic() - began
    return Seen(after <= _LATEST + _SLACK, f"closed after {after:.1f} s")


_UNREAD = 500_000
"""Queries of 20 MB in all: more than the kernel takes on its own."""


def does_not_read() -> Seen:
    """A client that asks for large answers for ever and reads none: it is not read from."""

    def large(asked: Asked) -> Iterator[Say]:
        data = (b"\xff" + b"x" * 255) * 16
        whole = wire.reply(asked.packet, [wire.record(wire.AT_QUESTION, wire.TXT, data)] * 14)
        yield Say(whole if asked.stream else wire.reply(asked.packet, flags=wire.TC))

    sent = 0
    with behind(large) as (server, _), Stream(server.port) as stream:
        assert ask(server.port, wire.question("large.example", wire.TXT))
        before = server.memory()
        packet = wire.question("large.example", wire.TXT)
        stream.socket.settimeout(0.5)
        try:
            while sent < _UNREAD:
                stream.send(*[packet] * 500)
                sent += 500
        except OSError:
            pass
        grown = server.memory() - before
        probe = ask(server.port, wire.question("large.example", wire.TXT))
    text = f"{sent} queries taken before it stopped, memory {grown:+.1f} MiB"
    return Seen(grown < 16 and probe is not None and sent < _UNREAD, text)


def crowd() -> Seen:
    """1,500 idle connections of six addresses: a newcomer of another one is served."""
    clients = [f"127.0.20.{n}" for n in range(1, 7)]
    with behind(honest) as (server, _), ExitStack() as stack:
        opened = 0
        for n in range(1500):
            try:
                stack.enter_context(Stream(server.port, clients[n % 6], seconds=1))
            except OSError:
                break
            opened += 1
        began = time.monotonic()
        served = _is_true(ask_stream(server.port, wire.question("new.example"), "127.0.21.5"))
        took = time.monotonic() - began
        datagram = ask(server.port, wire.question("udp.example"))
    good = served and datagram is not None
    text = f"{opened} connections; a new client {'served' if served else 'NOT served'}"
    return Seen(good, f"{text} in {took:.1f} s, UDP {'too' if datagram else 'NOT'}")


ATTACKS = (
    Attack(
        "tcp-one-octet", "a new client served, closed after 5 s at most", one_octet, quick=False
    ),
    Attack("tcp-trickle", "closed after 5 s at most", trickle, quick=False),
    Attack("tcp-unread", "memory within 16 MiB", does_not_read),
    Attack("tcp-crowd", "a new client served", crowd),
)
