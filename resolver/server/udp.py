"""The UDP edge: drain the readable socket, hand each packet in, send what comes back.

A socket of one address needs nothing more. One that listens on all of a host's addresses
must learn of each packet which of them was asked, since the reply has to leave from there.
"""

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


class WildcardUdpServer(UdpServer):
    """One UDP socket that listens on every address of its family."""

    def start(self) -> None:
        """Take packets from now on, with the address that each was sent to."""
        if self._socket.family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        super().start()

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet, ancillary, _, client = self._socket.recvmsg(_LARGEST, _ANCILLARY)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue
            asked = [_reply_from(*each) for each in ancillary]
            send = functools.partial(self._send_from, asked, client)
            self._desk.take(packet, Source(client[0], False), send, _nothing)

    def _send_from(
        self, asked: list[tuple[int, int, bytes]], client: tuple[str, int], packet: bytes
    ) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendmsg((packet,), asked, 0, client)


_IP_PKTINFO = 8  # Linux's number; the socket module of Python 3.11 does not have it
_ANCILLARY = 128


def _reply_from(level: int, kind: int, data: bytes) -> tuple[int, int, bytes]:
    """The control message that makes a reply leave from where its query arrived.

    IPv4's struct in_pktinfo is index, local address, header's destination: sent back, the
    second is the source, and the third must not be set. IPv6's is address and index.
    """
    if level == socket.IPPROTO_IP:
        return level, kind, bytes(4) + data[8:12] + bytes(4)
    return level, kind, data


def serve(loop: asyncio.AbstractEventLoop, listening: socket.socket, desk: Desk) -> UdpServer:
    """Serve a socket as its address needs, from now on."""
    wildcard = listening.getsockname()[0] in ("0.0.0.0", "::")
    server = (WildcardUdpServer if wildcard else UdpServer)(loop, listening, desk)
    server.start()
    return server


def _nothing() -> None:
    """A datagram has nothing to tidy up after its reply."""
