"""The UDP edge: drain the readable socket, hand each packet in, send what comes back."""

import asyncio
import contextlib
import functools
import socket

from resolver.query import Source
from resolver.server.desk import Desk

_AT_ONCE = 64
"""Packets taken before other sockets get their turn."""
_LARGEST = 65535


class UdpServer:
    """One listening UDP socket."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, listening: socket.socket, desk: Desk
    ) -> None:
        self._loop = loop
        self._socket = listening
        self._desk = desk

    def start(self) -> None:
        """Take packets from now on."""
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def stop(self) -> None:
        """Take no more; what is on its way is still answered."""
        self._loop.remove_reader(self._socket.fileno())

    def _readable(self) -> None:
        receive = self._socket.recvfrom
        for _ in range(_AT_ONCE):
            try:
                packet, client = receive(_LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # an ICMP error of an earlier reply; the socket itself is well
            send = functools.partial(self._send, client)
            self._desk.take(packet, Source(client[0], False), send, _nothing)

    def _send(self, client: tuple[str, int], packet: bytes) -> None:
        # A reply that cannot go is lost, as any datagram may be; the client asks again.
        with contextlib.suppress(OSError):
            self._socket.sendto(packet, client)


def _nothing() -> None:
    """A datagram has nothing to tidy up after its reply."""
