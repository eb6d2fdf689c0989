"""Ask the upstreams for a command, by the same exchanges as the server.

``exchange.exchange`` decides; this module sends and receives. The sockets block, since a command
has nothing else to do. Only the current attempt can be answered.
"""

import asyncio
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from resolver.exchange.attempt import Attempt
from resolver.exchange.edns import padded
from resolver.exchange.entry import CacheEntry
from resolver.exchange.exchange import Exchange, Step
from resolver.exchange.failure import Failure
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.servers import Group, Server
from resolver.policy.compiled import CompiledConfig
from resolver.policy.filter_addresses import FilterAddresses
from resolver.transport.stream import framed
from resolver.upstream.addresses import UpstreamAddresses
from resolver.upstream.client_socket import open_client_socket
from resolver.upstream.random_ids import RandomIds
from resolver.upstream.server_address import arguments_of, socket_address
from resolver.upstream.tls_client import context_for

_MAX_MESSAGE: Final = 65535


class _Refused(OSError):
    """An ICMP error came for a query over UDP."""


class BlockingForwarder:
    """Asks the upstreams of a snapshot, for a command."""

    def __init__(self, compiled: CompiledConfig) -> None:
        self._groups = asyncio.run(_groups(compiled))
        self._results: dict[bytes, CacheEntry | Failure] = {}
        self._numbers = RandomIds()

    def ask(self, question: UpstreamQuestion) -> CacheEntry | Failure:
        """The result of the exchange about a question; each question is asked once."""
        result = self._results.get(question.key)
        if result is None:
            result = self._results[question.key] = self._ask(question)
        return result

    def _ask(self, question: UpstreamQuestion) -> CacheEntry | Failure:
        now = time.monotonic()
        exchange = Exchange(question)
        step: Step = exchange.begin(self._groups[question.group.decode()], now)
        while isinstance(step, Attempt):
            step = self._send(exchange, step)
        return step

    def _send(self, exchange: Exchange, attempt: Attempt) -> Step:
        """Send an attempt and wait for its answer: the next attempt, or the result."""
        ident = self._numbers.u16()
        over_tls = attempt.server.tls_name != ""
        query = padded(attempt.message) if over_tls else attempt.message
        message = ident.to_bytes(2, "big") + query
        step: Step | None
        try:
            packet = (_over_stream if attempt.stream else _over_udp)(attempt, message)
        except TimeoutError:
            step = exchange.expired(attempt, time.monotonic())
        except OSError as error:
            report = exchange.refused if isinstance(error, _Refused) else exchange.unreachable
            step = report(attempt, time.monotonic())
            if step is None:
                time.sleep(_time_left(attempt))
                step = exchange.waited(attempt, time.monotonic())
        else:
            step = exchange.received(attempt, packet, ident, time.monotonic())
        return exchange.end() if step is None else step


async def _groups(compiled: CompiledConfig) -> Mapping[str, Group]:
    addresses = UpstreamAddresses(compiled)
    if addresses.named:
        await addresses.resolve()
    of_filter = FilterAddresses(compiled.filter_ranges)
    return {
        name: Group(name, [Server(*arguments_of(server)) for server in servers], (), of_filter)
        for name, servers in addresses.groups().items()
    }


def _time_left(attempt: Attempt) -> float:
    """In seconds."""
    return max(attempt.until - time.monotonic(), 0.001)


def _connected(attempt: Attempt, kind: socket.SocketKind) -> socket.socket:
    """A socket that is connected to the server, and blocks for the time that is left; OSError."""
    server = attempt.server
    made = open_client_socket(server.address, server.source_address, kind)
    try:
        made.settimeout(_time_left(attempt))
        made.connect(socket_address(server.address, server.port))
    except OSError:
        made.close()
        raise
    return made


def _over_udp(attempt: Attempt, message: bytes) -> bytes:
    with _connected(attempt, socket.SOCK_DGRAM) as udp:
        udp.send(message)
        try:
            return udp.recv(_MAX_MESSAGE)
        except TimeoutError:
            raise
        except OSError as error:
            raise _Refused from error


def _over_stream(attempt: Attempt, message: bytes) -> bytes:
    """Ask over TCP, or over TLS where the server has that."""
    server = attempt.server
    with ExitStack() as opened:
        stream = opened.enter_context(_connected(attempt, socket.SOCK_STREAM))
        if server.tls_name:
            stream = opened.enter_context(
                context_for(server.authorities).wrap_socket(stream, server_hostname=server.tls_name)
            )
        stream.sendall(framed(message))
        with stream.makefile("rb") as received:
            length = int.from_bytes(received.read(2), "big")
            packet = received.read(length)
    if len(packet) < max(length, 1):
        raise ConnectionError
    return packet
