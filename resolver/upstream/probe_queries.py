"""Ask an upstream server some questions from sockets of its own, beside what clients ask."""

import asyncio
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from resolver.dns import codes, render
from resolver.dns.response import Response, scan
from resolver.exchange.upstream_query import answers
from resolver.server.stream import framed
from resolver.upstream.server_address import ServerAddress, socket_address
from resolver.upstream.source_address import bind_source_address
from resolver.upstream.tls_client import context_for

_ANSWER: Final = 5.0
"""Seconds to wait for an answer; the server may have to recurse."""
_MAX_PACKET: Final = 4096


class ProbeQuery:
    """A query for the A records of a name."""

    def __init__(self, name: bytes, flag: int = 0) -> None:
        self._ident = secrets.randbits(16)
        self._question = render.question(name, codes.A)
        header = render.query_head(codes.RD | flag, False)
        self.packet = self._ident.to_bytes(2, "big") + header + self._question

    def response(self, packet: bytes) -> Response | None:
        """The response to it that a packet is; None if the packet is none."""
        return scan(packet) if answers(packet, self._ident, self._question) else None


async def ask(server: ServerAddress, queries: Sequence[ProbeQuery]) -> Sequence[Response | None]:
    """The answers of a server, each None where it did not come in time.

    Raises:
        ssl.SSLError: TLS failed, as where the server could not be verified.
    """
    if server["tls_name"]:
        return await _ask_over_tls(server, queries)
    return await asyncio.gather(*(_ask_over_udp(server, each) for each in queries))


def _opened(server: ServerAddress, kind: socket.SocketKind) -> socket.socket:
    """A socket that does not block and has the source of the server; OSError."""
    family = socket.AF_INET6 if ":" in server["address"] else socket.AF_INET
    made = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    try:
        if server["source_address"]:
            bind_source_address(made, server["source_address"])
    except OSError:
        made.close()
        raise
    return made


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
    return query.response(packet)


async def _ask_over_tls(
    server: ServerAddress, queries: Sequence[ProbeQuery]
) -> Sequence[Response | None]:
    """The answers over one connection, each None where it did not come in time.

    Raises:
        ssl.SSLError: TLS failed, as where the server could not be verified.
    """
    found: dict[ProbeQuery, Response] = {}
    try:
        async with asyncio.timeout(_ANSWER), _connection(server) as (reader, writer):
            for query in queries:
                writer.write(framed(query.packet))
            while len(found) < len(queries):
                length = int.from_bytes(await reader.readexactly(2), "big")
                packet = await reader.readexactly(length)
                found |= {each: got for each in queries if (got := each.response(packet))}
    except ssl.SSLError:
        raise
    except (OSError, EOFError, TimeoutError):
        pass
    return [found.get(each) for each in queries]


@asynccontextmanager
async def _connection(
    server: ServerAddress,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection over TLS to a server that was verified."""
    to = socket_address(server["address"], server["port"])
    with _opened(server, socket.SOCK_STREAM) as tcp:
        await asyncio.get_running_loop().sock_connect(tcp, to)
        context = context_for(server["authorities"])
        reader, writer = await asyncio.open_connection(
            sock=tcp, ssl=context, server_hostname=server["tls_name"]
        )
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
