"""A name server of the test's own, whose every word is written in a script.

It listens on one port, UDP and TCP, in a thread of its own, and perhaps on another over TLS. The
script gets each question and gives what is to be said, and when; so it can lie, forge, stay silent,
or be slow. It also learns what an attacker would have to guess: the port and the ID.
"""

import asyncio
import contextlib
import functools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tests.programs.attacks import wire


class Asked(NamedTuple):
    """A question that has come."""

    packet: bytes
    name: str
    """Lower-case text."""
    qtype: int
    peer: tuple[str, int]
    stream: bool
    at: float
    """Monotonic seconds."""

    @property
    def ident(self) -> int:
        return wire.ident_of(self.packet)


class Say(NamedTuple):
    """A packet to send back, after so many seconds."""

    packet: bytes
    after: float = 0.0


PROBE = "probe.invalid"
"""Names below are the probe's of DNSSEC validation, not an attacker's or a client's."""

Script = Callable[[Asked], Iterable[Say]]


def honest(asked: Asked, *, after: float = 0.0, ttl: int = 300) -> list[Say]:
    """Every name has the address 192.0.2.1."""
    return [Say(wire.reply(asked.packet, [wire.address(wire.AT_QUESTION, TRUE, ttl)]), after)]


TLS_PORT = 853
ANY_PORT = ("127.0.0.1", 0)
"""Where it listens, unless it is told: on loopback, on a port that is free."""
TRUE = "192.0.2.1"
"""What an honest server says."""


class Upstream:
    """A scripted name server."""

    def __init__(
        self,
        script: Script,
        *,
        tcp: bool = True,
        at: tuple[str, int] = ANY_PORT,
        tls: ssl.SSLContext | None = None,
        tls_port: int = TLS_PORT,
    ) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.faults: list[Exception] = []
        """What the script has raised; then it is the test that is wrong."""
        self.connections = 0
        """TCP connections that were made to it."""
        self.open: set[asyncio.Transport] = set()
        """Those that are open."""
        self.datagrams, self._listening = _sockets(tcp, at)
        self._address, self._tls, self._tls_port = at[0], tls, tls_port
        self.port: int = self.datagrams.getsockname()[1]
        self._over_tls: asyncio.Server | None = None
        self._serves = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def where(self) -> str:
        """Its address and port, as a config names it."""
        return f"127.0.0.1:{self.port}"

    def of(self, name: str) -> list[Asked]:
        """The questions for a name."""
        return [asked for asked in self.asked if asked.name == name]

    def start(self) -> None:
        self._thread.start()
        assert self._serves.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self.datagrams.close()
        if self._listening is not None:
            self._listening.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._serves.set()
        self._loop.run_forever()
        if self._over_tls is not None:
            self._over_tls.close()
        for transport in self.open:
            transport.abort()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _open(self) -> None:
        self._loop.add_reader(self.datagrams.fileno(), self._readable)
        if self._listening is not None:
            await self._loop.create_server(lambda: _Connection(self), sock=self._listening)
        if self._tls is not None:
            self._over_tls = await self._loop.create_server(
                lambda: _Connection(self), self._address, self._tls_port, ssl=self._tls
            )

    def _readable(self) -> None:
        for _ in range(64):
            try:
                packet, peer = self.datagrams.recvfrom(65535)
            except OSError:
                return
            self.take(packet, peer, False, functools.partial(self._send, peer))

    def _send(self, peer: tuple[str, int], packet: bytes) -> None:
        with contextlib.suppress(OSError):
            self.datagrams.sendto(packet, peer)

    def take(
        self, packet: bytes, peer: tuple[str, int], stream: bool, send: Callable[[bytes], None]
    ) -> None:
        """Do with a question as the script says; the probe's get no answer."""
        end = wire.question_end(packet)
        name, _ = wire.name_at(packet, wire.HEADER)
        if name.endswith(PROBE):
            return
        qtype = int.from_bytes(packet[end - 4 : end - 2], "big")
        asked = Asked(packet, name, qtype, peer, stream, time.monotonic())
        self.asked.append(asked)
        try:
            said = list(self.script(asked))
        except Exception as error:
            self.faults.append(error)
            return
        for say in said:
            if say.after:
                self._loop.call_later(say.after, send, say.packet)
            else:
                send(say.packet)


class _Connection(asyncio.Protocol):
    """One TCP connection to it."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._upstream.connections += 1
        self._upstream.open.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        if self._transport is not None:
            self._upstream.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        peer = self._transport.get_extra_info("peername")
        self._buffer += data
        while len(self._buffer) >= 2:
            end = 2 + int.from_bytes(self._buffer[:2], "big")
            if len(self._buffer) < end:
                return
            packet, self._buffer = self._buffer[2:end], self._buffer[end:]
            self._upstream.take(packet, peer, True, self._send)

    def _send(self, packet: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(len(packet).to_bytes(2, "big") + packet)


@contextlib.contextmanager
def upstream(
    script: Script,
    *,
    tcp: bool = True,
    at: tuple[str, int] = ANY_PORT,
    tls: ssl.SSLContext | None = None,
    tls_port: int = TLS_PORT,
) -> Iterator[Upstream]:
    """A scripted name server that serves."""
    serving = Upstream(script, tcp=tcp, at=at, tls=tls, tls_port=tls_port)
    serving.start()
    try:
        yield serving
    finally:
        serving.stop()
    if serving.faults:
        raise serving.faults[0]


def _sockets(tcp: bool, at: tuple[str, int]) -> tuple[socket.socket, socket.socket | None]:
    """A UDP socket, and a TCP socket on the same port where there is to be one."""
    while True:
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        datagrams.bind(at)
        if not tcp:
            return datagrams, None
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            listening.bind(datagrams.getsockname())
        except OSError:
            datagrams.close()
            listening.close()
            if at[1]:
                raise
            continue
        return datagrams, listening
