"""Probe an upstream server: whether it is verified, answers rightly, and validates DNSSEC.

It is asked for a name that exists. An answer with an error is wrong, and so is one that says
nothing about the name: the server refuses these queries, or knows other zones alone.

A server that validates sets AD on the signed name, answers the bogus one with SERVFAIL, and gives
its records where CD disables checking (RFC 4035 section 3.2.2). Any other result proves nothing:
the names may have changed, or the network may be down.
"""

import asyncio
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from resolver.dns import codes, render
from resolver.dns.response import ANSWER, Response, scan
from resolver.exchange.upstream_query import answers, is_lame
from resolver.server.stream import framed
from resolver.server.tls_session import failure_of
from resolver.upstream.server_address import ServerAddress, socket_address
from resolver.upstream.source import bind_source
from resolver.upstream.tls_client import context_for

_ANSWER: Final = 5.0
"""Seconds to wait for an answer; the server may have to recurse."""
_MAX_PACKET: Final = 4096


class Probed(NamedTuple):
    """What the probe of a server has found."""

    validates: bool
    wrong: str
    """What is wrong with the answer for a name that exists; empty without an answer, too."""
    unverified: str = ""
    """Why TLS with it failed (``failure_of``); empty where it did not."""


async def probe(server: ServerAddress, exists: bytes, signed: bytes, bogus: bytes) -> Probed:
    """Probe a server, by names in wire form."""
    queries = [
        *(_Query(exists, codes.AD), _Query(signed, codes.AD)),
        *(_Query(bogus, codes.AD), _Query(bogus, codes.CD)),
    ]
    try:
        if server["tls_name"]:
            found = await _ask_over_tls(server, queries)
        else:
            found = await asyncio.gather(*(_ask(server, each) for each in queries))
    except ssl.SSLError as error:
        return Probed(False, "", failure_of(error))
    return Probed(is_passed(*found[1:]), fault_of(found[0]))


def fault_of(answer: Response | None) -> str:
    """What is wrong with an answer for a name that exists; empty where nothing is known to be."""
    if answer is None:
        return ""
    if answer.rcode != codes.NOERROR:
        return codes.rcode_text(answer.rcode)
    has_records = answer.ends[ANSWER] > answer.question_end
    return "" if has_records or not is_lame(answer) else "neither records nor a denial"


def is_passed(signed: Response | None, bogus: Response | None, unchecked: Response | None) -> bool:
    """Whether these answers prove that their server validates; None is no answer."""
    return (
        (signed is not None and signed.rcode == codes.NOERROR and signed.flags & codes.AD != 0)
        and (bogus is not None and bogus.rcode == codes.SERVFAIL)
        and (unchecked is not None and unchecked.rcode == codes.NOERROR)
    )


class _Query:
    """A query for the A records of a name."""

    def __init__(self, name: bytes, flag: int) -> None:
        self._ident = secrets.randbits(16)
        self._question = render.question(name, codes.A)
        header = render.query_head(codes.RD | flag, False)
        self.packet = self._ident.to_bytes(2, "big") + header + self._question

    def response(self, packet: bytes) -> Response | None:
        """The response to it that a packet is; None if the packet is none."""
        return scan(packet) if answers(packet, self._ident, self._question) else None


def _opened(server: ServerAddress, kind: socket.SocketKind) -> socket.socket:
    """A socket that does not block and has the source of the server; OSError."""
    family = socket.AF_INET6 if ":" in server["address"] else socket.AF_INET
    made = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    try:
        if server["source"]:
            bind_source(made, server["source"])
    except OSError:
        made.close()
        raise
    return made


async def _ask(server: ServerAddress, query: _Query) -> Response | None:
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
    server: ServerAddress, queries: Sequence[_Query]
) -> Sequence[Response | None]:
    """The answers over one connection, each None where it did not come in time.

    Raises:
        ssl.SSLError: TLS failed, as where the server could not be verified.
    """
    found: dict[_Query, Response] = {}
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
