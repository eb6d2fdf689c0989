"""Proxied listeners: a header names the client, and only listed servers in front send one."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest
from dnslib import RCODE, DNSRecord

from resolver.metrics import definitions
from resolver.metrics.counter_sums import CounterSums
from resolver.policy.prefix import Prefix
from resolver.policy.settings import TCP_PER_ADDRESS
from resolver.server.proxy import Proxies
from resolver.server.tcp import IDLE, TcpServer
from resolver.server.udp import UdpServer
from resolver.transport.loop import Loop
from resolver.upstream.udp_sockets import LIFE
from tests.dns.proxy_headers import LOCAL, header, is_valid
from tests.server.assembled import Assembled
from tests.server.datagrams import bound, query
from tests.server.slow_upstream import SlowUpstream
from tests.upstream.virtual_time import run

LISTED, CLIENT, STRANGER = "127.0.0.60", "127.0.10.5", "192.0.2.7"
HEALTH = "health.darban.internal."
MUTATED = 10_000
CHUNK = 100


class Proxied:
    """The parts of a worker, and the servers in front that it listens to."""

    def __init__(self, loop: Loop, upstream: SlowUpstream) -> None:
        self.assembled = Assembled(loop, {"upstream": upstream.server})
        network = ip_network(f"{LISTED}/32")
        listed = (Prefix(network.network_address.packed, network.prefixlen, 0),)
        compiled = self.assembled.engine.compiled
        self.proxies = Proxies()
        self.proxies.follow(replace(compiled, settings=replace(compiled.settings, proxies=listed)))

    def rejects(self) -> int:
        sums = CounterSums(self.assembled.layout, [self.assembled.counters.cells])
        return sums.value(definitions.PROXY_REJECTS)


def over_udp(peer: str, packets: Sequence[bytes]) -> tuple[list[DNSRecord], int]:
    """The replies that a peer gets, and how many of its packets were rejected."""
    loop = Loop()
    found: list[DNSRecord] = []

    async def play() -> int:
        upstream = await SlowUpstream.started(loop, 0.02)
        with bound("127.0.0.1") as listening, bound(peer) as asking, bound(LISTED) as last:
            made = Proxied(loop, upstream)
            counters = made.assembled.counters
            UdpServer(loop, listening, made.assembled.handler, counters, made.proxies).start()
            for at in range(0, len(packets), CHUNK):
                for packet in packets[at : at + CHUNK]:
                    asking.sendto(packet, listening.getsockname())
                last.sendto(header(CLIENT) + query("slow.example."), listening.getsockname())
                await asyncio.wait_for(loop.sock_recv(last, 4096), 30)
                found.extend(_received(asking))
            made.assembled.forwarder.sweep(loop.time() + LIFE)
        upstream.close()
        return made.rejects()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return found, runner.run(play())


def _received(asking: socket.socket) -> Iterator[DNSRecord]:
    while True:
        try:
            yield DNSRecord.parse(asking.recv(4096))
        except BlockingIOError:
            return


def test_each_datagram_is_answered_for_the_client_of_its_header() -> None:
    names = ["denied.example.", "slow.example.", "localhost."]
    packets = [header(CLIENT) + query(name, ident) for ident, name in enumerate(names)]
    packets.append(header(STRANGER) + query("localhost.", 3))
    found, rejected = over_udp(LISTED, packets)
    told = {str(r.q.qname): str(r.short()) for r in found if r.header.rcode == RCODE.NOERROR}
    assert told == dict(zip(names, ["0.0.0.0", "192.0.2.1", "127.0.0.1"], strict=True))
    assert [r.header.id for r in found if r.header.rcode == RCODE.REFUSED] == [3]
    assert rejected == 0


def test_a_server_in_front_gets_the_health_name_for_itself_and_nothing_else() -> None:
    found, _ = over_udp(LISTED, [LOCAL + query(HEALTH, 1), LOCAL + query("localhost.", 2)])
    assert {r.header.id: r.header.rcode for r in found} == {1: RCODE.NOERROR, 2: RCODE.REFUSED}


def test_a_query_without_a_header_gets_nothing() -> None:
    assert over_udp(LISTED, [query("localhost.")]) == ([], 1)


def test_who_is_not_listed_gets_nothing() -> None:
    packets = [header(CLIENT) + query("localhost."), LOCAL + query(HEALTH), query("localhost.")]
    assert over_udp("127.0.0.61", packets) == ([], 3)


def test_mutated_headers_are_rejected_where_they_are_invalid_and_only_there() -> None:
    chance = random.Random(15)
    whole = [header(CLIENT, tlvs=b"\x03\x00\x04abcd"), header("fd00:10::5"), LOCAL]
    packets = [_mutated(chance.choice(whole), chance) for _ in range(MUTATED)]
    valid = sum(map(is_valid, packets))
    assert MUTATED * 0.1 < valid < MUTATED * 0.9
    found, rejected = over_udp(LISTED, packets)
    assert rejected == MUTATED - valid
    assert 0 < len(found) <= valid


def _mutated(octets: bytes, chance: random.Random) -> bytes:
    packet = bytearray(octets + query("localhost."))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(octets))
        match chance.randint(0, 3):
            case 0:
                packet[at : at + 1] = chance.randbytes(1)
            case 1:
                packet[at:at] = chance.randbytes(chance.randint(1, 9))
            case 2:
                del packet[at : at + chance.randint(1, 9)]
            case 3:
                packet[14:16] = chance.randint(0, 80).to_bytes(2, "big")
    return bytes(packet)


class Front:
    """A server in front, with the TCP connections that it opens."""

    def __init__(self, made: Proxied, address: tuple[str, int]) -> None:
        self.made = made
        self._address = address

    @contextmanager
    def connected(self, peer: str = LISTED) -> Iterator[socket.socket]:
        with socket.create_connection(self._address, source_address=(peer, 0)) as made:
            made.setblocking(False)
            yield made


def over_tcp(play: Callable[[Loop, Front], Awaitable[None]]) -> None:
    """Play with a server in front, in virtual time."""

    async def whole(loop: Loop) -> None:
        upstream = await SlowUpstream.started(loop, 0.5)
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.bind(("127.0.0.1", 0))
        made = Proxied(loop, upstream)
        counters = made.assembled.counters
        tcp = TcpServer(loop, listening, made.assembled.handler, counters, made.proxies)
        tcp.start()
        try:
            await play(loop, Front(made, listening.getsockname()))
        finally:
            listening.close()
            await asyncio.sleep(2 * IDLE)
            made.assembled.forwarder.sweep(loop.time() + LIFE)
            upstream.close()

    run(whole)


def message(packet: bytes) -> bytes:
    return len(packet).to_bytes(2, "big") + packet


async def heard(loop: Loop, asking: socket.socket) -> bytes:
    """What comes, until the server closes the connection; it closes an idle one."""
    got = b""
    while True:
        try:
            part = await loop.sock_recv(asking, 65536)
        except ConnectionResetError:
            return got
        if not part:
            return got
        got += part


def replies(octets: bytes) -> list[DNSRecord]:
    found = []
    while octets:
        end = 2 + int.from_bytes(octets[:2], "big")
        found.append(DNSRecord.parse(octets[2:end]))
        octets = octets[end:]
    return found


def test_one_header_is_for_all_queries_of_a_connection_however_it_is_cut() -> None:
    async def play(loop: Loop, front: Front) -> None:
        octets = header(CLIENT, udp=False, tlvs=b"\x05\x00\x02id")
        octets += message(query("denied.example.", 1)) + message(query("slow.example.", 2))
        for cut in (1, 12, 16, 30, 43, 60):
            with front.connected() as asking:
                await loop.sock_sendall(asking, octets[:cut])
                await asyncio.sleep(0.1)
                await loop.sock_sendall(asking, octets[cut:])
                found = replies(await heard(loop, asking))
            told = {r.header.id: str(r.short()) for r in found}
            assert told == {1: "0.0.0.0", 2: "192.0.2.1"}

    over_tcp(play)


@pytest.mark.parametrize(
    ("peer", "octets"),
    [
        (LISTED, message(query("localhost."))),
        (LISTED, header(CLIENT)[:20]),
        (LISTED, b"\x00" * 100),
        ("127.0.0.61", header(CLIENT) + message(query("localhost."))),
        ("127.0.0.61", LOCAL + message(query(HEALTH))),
    ],
    ids=["no header", "half a header", "rubbish", "not listed", "not listed, for itself"],
)
def test_a_connection_without_a_header_of_a_listed_server_gets_nothing(
    peer: str, octets: bytes
) -> None:
    async def play(loop: Loop, front: Front) -> None:
        with front.connected(peer) as asking:
            await loop.sock_sendall(asking, octets)
            assert await heard(loop, asking) == b""
        cut_short = len(octets) == 20
        assert front.made.rejects() == (0 if cut_short else 1)

    over_tcp(play)


def test_a_health_check_over_tcp() -> None:
    async def play(loop: Loop, front: Front) -> None:
        with front.connected() as asking:
            octets = LOCAL + message(query(HEALTH, 1)) + message(query("localhost.", 2))
            await loop.sock_sendall(asking, octets)
            found = replies(await heard(loop, asking))
        rcodes = {r.header.id: r.header.rcode for r in found}
        assert rcodes == {1: RCODE.NOERROR, 2: RCODE.REFUSED}

    over_tcp(play)


def test_connections_are_limited_by_client_and_not_by_server_in_front() -> None:
    async def play(loop: Loop, front: Front) -> None:
        with contextlib.ExitStack() as stack:
            opened = []
            for number in range(TCP_PER_ADDRESS + 20):
                asking = stack.enter_context(front.connected())
                client = f"127.0.{number >> 8}.{number & 0xFF}"
                await loop.sock_sendall(asking, header(client, udp=False))
                opened.append(asking)
            await loop.sock_sendall(opened[0], message(query("localhost.")))
            assert await loop.sock_recv(opened[0], 65536)
            for asking in (
                stack.enter_context(front.connected()) for _ in range(TCP_PER_ADDRESS + 1)
            ):
                await loop.sock_sendall(asking, header(CLIENT, udp=False))
                opened.append(asking)
            await asyncio.sleep(0.1)
            oldest, newest = opened[TCP_PER_ADDRESS + 20], opened[-1]
            assert await heard(loop, oldest) == b""
            await loop.sock_sendall(newest, message(query("localhost.")))
            assert await loop.sock_recv(newest, 65536)

    over_tcp(play)
