"""Ask an upstream server some questions from sockets of its own, beside what clients ask.

An answer with an address of the filter of a query is no answer: it says nothing of the server.
"""

import asyncio
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from resolver.dns import codes, render
from resolver.dns.response import Response, scan
from resolver.dns.response_match import answers
from resolver.policy.filter_addresses import FilterAddresses
from resolver.transport.stream import framed
from resolver.transport.tcp_options import has_unacknowledged
from resolver.transport.tls_session import TlsError, failure_of
from resolver.upstream.client_socket import open_client_socket
from resolver.upstream.server_address import ServerAddress, socket_address
from resolver.upstream.tls_client import context_for

_ANSWER: Final = 10.0
"""Seconds to wait for an answer, as for that to a client's question (``exchange.LATE``): the server
may have to recurse, over slow links. Slow is not cut."""
_HANDSHAKE: Final = 8.0
"""Seconds in which TLS must begin; less than ``_ANSWER``, so that it is known what failed."""
_NOT_ACKNOWLEDGED: Final = (
    "the server does not acknowledge what was sent; a filter or the path drops it"
)
_ACKNOWLEDGED: Final = (
    "the server acknowledges what was sent; it hangs, or its answer is dropped on the way"
)
_MAX_PACKET: Final = 4096


class ProbeQuery:
    """A query for the A records of a name."""

    def __init__(
        self, name: bytes, flag: int = 0, filter_addresses: FilterAddresses | None = None
    ) -> None:
        self._filter = filter_addresses
        self._ident = secrets.randbits(16)
        self._question = render.question(name, codes.A)
        header = render.query_head(codes.RD | flag, False)
        self.packet = self._ident.to_bytes(2, "big") + header + self._question

    def response(self, packet: bytes) -> Response | None:
        """The response to it that a packet is; None if the packet is none, or the filter's."""
        response = scan(packet) if answers(packet, self._ident, self._question) else None
        if response is None or self._filter is None or not self._filter.in_response(response):
            return response
        return None


async def ask(server: ServerAddress, queries: Sequence[ProbeQuery]) -> Sequence[Response | None]:
    """The answers of a server, each None where it did not come in time.

    Raises:
        TlsError: TLS failed, as where the server could not be verified.
    """
    if server["tls_name"]:
        return await _ask_over_stream(server, queries)
    return await asyncio.gather(*(_ask_over_udp(server, query) for query in queries))


def _opened(server: ServerAddress, kind: socket.SocketKind) -> socket.socket:
    """A socket to be connected to the server; OSError."""
    return open_client_socket(server["address"], server["source_address"], kind)


async def _ask_over_udp(server: ServerAddress, query: ProbeQuery) -> Response | None:
    """The answer over UDP; None without one."""
    loop = asyncio.get_running_loop()
    try:
        with _opened(server, socket.SOCK_DGRAM) as udp:
            udp.connect(socket_address(server["address"], server["port"]))
            async with asyncio.timeout(_ANSWER):
                await loop.sock_sendall(udp, query.packet)
                packet = await loop.sock_recv(udp, _MAX_PACKET)
    except (OSError, TimeoutError):
        return None
    response = query.response(packet)
    if response is None:  # it may be forged: over TCP, nobody can guess port and ID
        (response,) = await _ask_over_stream(server, [query])
    return response


async def _ask_over_stream(
    server: ServerAddress, queries: Sequence[ProbeQuery]
) -> Sequence[Response | None]:
    """The answers over one connection, each None where it did not come in time.

    Raises:
        TlsError: TLS failed, as where the server could not be verified.
    """
    answers: dict[ProbeQuery, Response] = {}
    try:
        async with asyncio.timeout(_ANSWER), _connection(server) as (reader, writer):
            for query in queries:
                writer.write(framed(query.packet))
            while len(answers) < len(queries):
                length = int.from_bytes(await reader.readexactly(2), "big")
                packet = await reader.readexactly(length)
                answers |= {query: got for query in queries if (got := query.response(packet))}
    except ssl.SSLError as error:
        raise TlsError(failure_of(error)) from None
    except (OSError, EOFError, TimeoutError):
        pass
    return [answers.get(query) for query in queries]


@asynccontextmanager
async def _connection(
    server: ServerAddress,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server; one over TLS was verified."""
    to = socket_address(server["address"], server["port"])
    with _opened(server, socket.SOCK_STREAM) as tcp:
        await asyncio.get_running_loop().sock_connect(tcp, to)
        reader, writer = await _begun(server, tcp)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def _begun(
    server: ServerAddress, tcp: socket.socket
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The streams of a connection that was made, after the handshake of TLS if it has that."""
    if not server["tls_name"]:
        return await asyncio.open_connection(sock=tcp)
    context = context_for(server["authorities"])
    with tcp.dup() as same:  # asyncio closes the other one
        try:
            async with asyncio.timeout(_HANDSHAKE):
                return await asyncio.open_connection(
                    sock=tcp, ssl=context, server_hostname=server["tls_name"]
                )
        except TimeoutError:
            why = _NOT_ACKNOWLEDGED if has_unacknowledged(same) else _ACKNOWLEDGED
            raise TlsError(f"no handshake within {_HANDSHAKE:.0f} s: {why}") from None
