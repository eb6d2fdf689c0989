"""One question of a command, asked of the upstreams of a policy by the rules of the server.

The decisions are those of ``engine.exchange``; here are the sockets, and they may block:
a command has nothing else to do. Only the latest attempt is listened to.
"""

import asyncio
import socket
import time
from collections.abc import Mapping

from resolver.engine.entry import CacheEntry
from resolver.engine.exchange import Attempt, Exchange, Failure, Step
from resolver.engine.question import UpstreamQuestion
from resolver.engine.servers import Group, Server
from resolver.policy.compiled import Terms
from resolver.upstream.addresses import UpstreamAddresses
from resolver.upstream.random_ids import RandomIds

_LONGEST = 65535


class BlockingForwarder:
    """The upstreams of a snapshot, to be asked by a command."""

    def __init__(self, terms: Terms) -> None:
        self._groups = asyncio.run(_groups(terms))
        self._said: dict[bytes, CacheEntry | Failure] = {}
        self._numbers = RandomIds()

    def ask(self, question: UpstreamQuestion) -> CacheEntry | Failure:
        """What the upstreams say to a question; each is asked once."""
        said = self._said.get(question.key)
        if said is None:
            said = self._said[question.key] = self._ask(question)
        return said

    def _ask(self, question: UpstreamQuestion) -> CacheEntry | Failure:
        now = time.monotonic()
        exchange = Exchange(question, self._groups[question.group.decode()], now)
        step: Step = exchange.begin(now)
        while isinstance(step, Attempt):
            step = self._made(exchange, step)
        return step

    def _made(self, exchange: Exchange, attempt: Attempt) -> Step:
        """What comes of an attempt: the next one, or the end."""
        ident = self._numbers.u16()
        message = ident.to_bytes(2, "big") + attempt.message
        step: Step | None
        try:
            packet = (_over_tcp if attempt.stream else _over_udp)(attempt, message)
        except TimeoutError:
            step = exchange.expired(attempt, time.monotonic())
        except OSError:
            step = exchange.unreachable(attempt, time.monotonic())
            if step is None:
                time.sleep(_left(attempt))
                step = exchange.waited(attempt, time.monotonic())
        else:
            step = exchange.received(attempt, packet, ident, time.monotonic())
        assert step is not None, "of the latest attempt something always comes"
        return step


async def _groups(terms: Terms) -> Mapping[str, Group]:
    hosts = UpstreamAddresses(terms)
    if hosts.named:
        await hosts.resolve()
    return {
        name: Group(name, [Server(s["address"], s["port"], s["name"]) for s in servers])
        for name, servers in hosts.groups().items()
    }


def _left(attempt: Attempt) -> float:
    return max(attempt.until - time.monotonic(), 0.001)


def _over_udp(attempt: Attempt, message: bytes) -> bytes:
    server = attempt.server
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as end:
        end.settimeout(_left(attempt))
        end.connect((server.address, server.port))
        end.send(message)
        return end.recv(_LONGEST)


def _over_tcp(attempt: Attempt, message: bytes) -> bytes:
    server = attempt.server
    with socket.create_connection((server.address, server.port), _left(attempt)) as end:
        end.sendall(len(message).to_bytes(2, "big") + message)
        length = int.from_bytes(_exactly(attempt, end, 2), "big")
        return _exactly(attempt, end, length)


def _exactly(attempt: Attempt, end: socket.socket, octets: int) -> bytes:
    read = b""
    while len(read) < octets:
        end.settimeout(_left(attempt))
        piece = end.recv(octets - len(read))
        if not piece:
            raise ConnectionError
        read += piece
    return read
