"""Ports towards upstream servers: what leaves at a round's end, and what is told of it."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from resolver.engine.servers import Server
from resolver.server.loop import Loop
from resolver.upstream.udp_sockets import LIFE, OPEN, Port, Ports

LONG = 30.0
TOO_LONG = bytes(70_000)
"""Octets that no datagram can carry."""
Told = list[tuple[str, Any]]
Play = Callable[[Loop, Ports[str], Server, Told], None]


def _told(play: Play, until: int) -> Told:
    """What is told when this is played with ports to a server that sends everything back."""
    loop = Loop()
    told: Told = []
    enough = asyncio.Event()

    def tell(what: str, of: object) -> None:
        told.append((what, of))
        if len(told) >= until:
            enough.set()

    def received(port: Port[str], ident: int, packet: bytes, now: float) -> None:
        tell("received", (ports.take_from(port, ident), packet[2:], now <= loop.time()))

    def refused(port: Port[str]) -> None:
        tell("refused", [ports.take_from(port, ident) for ident in list(port.waiting)])

    ports = Ports[str](
        loop,
        received,
        refused,
        lambda port, ident: tell("unsent", ports.take_from(port, ident)),
    )

    async def played() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
            echo.bind(("127.0.0.1", 0))
            echo.setblocking(False)
            loop.attend(echo.fileno(), lambda: echo.sendto(*echo.recvfrom(100)))
            server = Server("127.0.0.1", echo.getsockname()[1], "echo")
            play(loop, ports, server, told)
            await asyncio.wait_for(enough.wait(), LONG)
            ports.sweep(loop.time() + LIFE)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(played())
    return told


@contextmanager
def _nobody() -> Iterator[Server]:
    """A server that refuses: a connected socket holds its port, so that nobody else gets it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        held.connect(("127.0.0.1", 9))
        yield Server("127.0.0.1", held.getsockname()[1], "gone")


def test_what_is_sent_leaves_at_the_round_s_end_and_what_comes_is_told_with_its_id() -> None:
    def play(loop: Loop, ports: Ports[str], server: Server, told: Told) -> None:
        for each in ("one", "two"):
            ports.send(server, each.encode(), each, loop.time())
        assert not told

    assert sorted(_told(play, 2)) == [
        ("received", ("one", b"one", True)),
        ("received", ("two", b"two", True)),
    ]


def test_a_query_that_cannot_go_is_told_of_and_the_others_go() -> None:
    def play(loop: Loop, ports: Ports[str], server: Server, told: Told) -> None:  # noqa: ARG001
        ports.send(server, TOO_LONG, "too long", loop.time())
        ports.send(server, b"short", "short", loop.time())

    assert _told(play, 2) == [
        ("unsent", "too long"),
        ("received", ("short", b"short", True)),
    ]


def test_a_port_that_is_closed_before_its_query_leaves_is_told_of_as_well() -> None:
    def play(loop: Loop, ports: Ports[str], server: Server, told: Told) -> None:  # noqa: ARG001
        port, ident = ports.send(server, b"never", "never", loop.time(), alone=True)
        ports.take_from(port, ident)

    assert _told(play, 1) == [("unsent", None)]


def test_a_refusal_that_shows_when_the_next_query_leaves_is_everybody_s() -> None:
    def play(loop: Loop, ports: Ports[str], server: Server, told: Told) -> None:  # noqa: ARG001
        now = loop.time()
        for number in range(OPEN + 1):  # so that two of them share a port
            ports.send(nobody, b"anybody?", str(number), now)

    with _nobody() as nobody:
        told = _told(play, OPEN)
    assert {what for what, _ in told} == {"refused"}, told
    asked = sorted(str(number) for number in range(OPEN + 1))
    assert sorted(each for _, waiting in told for each in waiting) == asked


def test_a_server_that_does_not_listen_is_told_of_with_all_who_wait() -> None:
    def play(loop: Loop, ports: Ports[str], server: Server, told: Told) -> None:  # noqa: ARG001
        ports.send(nobody, b"anybody?", "somebody", loop.time())

    with _nobody() as nobody:
        assert _told(play, 1) == [("refused", ["somebody"])]
