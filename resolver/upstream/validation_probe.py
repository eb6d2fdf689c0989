"""Probe an upstream server: whether it answers rightly, and whether it validates DNSSEC.

It is asked for a name that exists. An answer with an error is wrong, and so is one that says
nothing about the name: the server refuses these queries, or knows other zones alone.

A server that validates sets AD on the signed name, answers the bogus one with SERVFAIL, and gives
its records where CD disables checking (RFC 4035 section 3.2.2). Any other result proves nothing:
the names may have changed, or the network may be down.
"""

import asyncio
import secrets
import socket
from typing import Final, NamedTuple

from resolver.dns import codes, render
from resolver.dns.response import ANSWER, Response, scan
from resolver.exchange.upstream_query import answers, is_lame
from resolver.upstream.server_address import ServerAddress, socket_address
from resolver.upstream.source import bind_source

_ANSWER: Final = 5.0
"""Seconds to wait for an answer; the server may have to recurse."""
_MAX_PACKET: Final = 4096


class Probed(NamedTuple):
    """What the probe of a server has found."""

    validates: bool
    wrong: str
    """What is wrong with the answer for a name that exists; empty without an answer, too."""


async def probe(server: ServerAddress, exists: bytes, signed: bytes, bogus: bytes) -> Probed:
    """Probe a server, by names in wire form."""
    found = await asyncio.gather(
        *(_ask(server, exists, codes.AD), _ask(server, signed, codes.AD)),
        *(_ask(server, bogus, codes.AD), _ask(server, bogus, codes.CD)),
    )
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


async def _ask(server: ServerAddress, name: bytes, flag: int) -> Response | None:
    """The answer for the A records of a name; None without one."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in server["address"] else socket.AF_INET
    ident = secrets.randbits(16)
    question = render.question(name, codes.A)
    header = ident.to_bytes(2, "big") + render.query_head(codes.RD | flag, False)
    try:
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as udp:
            if server["source"]:
                bind_source(udp, server["source"])
            udp.connect(socket_address(server["address"], server["port"]))
            async with asyncio.timeout(_ANSWER):
                await loop.sock_sendall(udp, header + question)
                packet = await loop.sock_recv(udp, _MAX_PACKET)
    except (OSError, TimeoutError):
        return None
    return scan(packet) if answers(packet, ident, question) else None
