"""Packets that are no queries: the server bears them, answers afterwards, and logs nothing."""

import random
import socket
from collections.abc import Callable, Iterator, Sequence

from dnslib import EDNS0, DNSRecord

from tests.live.clients import ask, ask_tcp
from tests.live.server import Server

EACH = 1500
"""Packets over UDP, and as many over TCP."""
SEED = 1595
CLIENT = "127.0.10.5"

_A_CONNECTION = 50
_AT_ONCE = 100


def test_it_bears_rubbish(make_shipped: Callable[[], Server]) -> None:
    server = make_shipped().start()
    assert _answers(server)
    log, workers = server.err, server.workers()
    chance = random.Random(SEED)
    packets = list(_rubbish(chance, EACH))
    _send_datagrams(server, packets)
    for start in range(0, EACH, _A_CONNECTION):
        ask_tcp(server.port, packets[start : start + _A_CONNECTION], CLIENT)
    _send_broken_streams(server, chance)
    assert all(_answers(server) for _ in range(20))
    assert server.err == log
    assert server.workers() == workers
    scrape = server.scrape()
    assert scrape.value("darban_worker_restarts_total") == 0
    assert scrape.total("darban_queries_total", vlan="administration") > EACH


def test_what_nobody_waits_for_is_borne(make_small: Callable[..., Server]) -> None:
    """Connections that say nothing, half a message, or go before they are answered."""
    server = make_small().start()
    log = server.err
    held = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(50)]
    for number, connection in enumerate(held):
        connection.sendall([b"", b"\x00", b"\x00\x30half a message"][number % 3])
    query = DNSRecord.question("agency.example").pack()
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as hasty:
            hasty.sendall(len(query).to_bytes(2, "big") + query)
    assert ask(server.port, "agency.example") is not None
    for connection in held:
        connection.close()
    assert ask_tcp(server.port, [query])
    assert server.err == log


def _answers(server: Server) -> bool:
    """Whether it blocks as it should, over both transports."""
    query = DNSRecord.question("web.telegram.org")
    over_udp = ask(server.port, "web.telegram.org", client=CLIENT, seconds=5)
    over_tcp = DNSRecord.parse(ask_tcp(server.port, [query.pack()], CLIENT)[2:])
    assert over_udp is not None
    return str(over_udp.rr[0].rdata) == str(over_tcp.rr[0].rdata) == "0.0.0.0"


def _send_datagrams(server: Server, packets: Sequence[bytes]) -> None:
    """Send some at a time, and have a query answered in between, so that none is lost unread."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.bind((CLIENT, 0))
        sending.connect(("127.0.0.1", server.port))
        for start in range(0, len(packets), _AT_ONCE):
            for packet in packets[start : start + _AT_ONCE]:
                sending.send(packet)
            assert ask(server.port, "web.telegram.org", client=CLIENT, seconds=5) is not None


def _send_broken_streams(server: Server, chance: random.Random) -> None:
    """Octets over TCP that are not even framed."""
    for _ in range(20):
        with socket.create_connection(
            ("127.0.0.1", server.port), timeout=10, source_address=(CLIENT, 0)
        ) as connection:
            connection.sendall(chance.randbytes(chance.randrange(1, 300)))


def _rubbish(chance: random.Random, count: int) -> Iterator[bytes]:
    """Random octets, and good queries with some octets changed, cut off or put in."""
    good = list(_queries())
    for _ in range(count):
        if chance.random() < 0.3:
            yield chance.randbytes(chance.randrange(0, 600))
            continue
        packet = bytearray(chance.choice(good))
        for _ in range(chance.randrange(1, 5)):
            _mutate(chance, packet)
        yield bytes(packet)


def _mutate(chance: random.Random, packet: bytearray) -> None:
    place = chance.randrange(len(packet) or 1)
    match chance.randrange(5):
        case 0:
            del packet[place:]
        case 1:
            packet[place:place] = chance.randbytes(chance.randrange(1, 20))
        case 2:  # a pointer, where a label's length may be
            packet[place : place + 2] = bytes((0xC0, chance.randrange(256)))
        case 3:
            del packet[place : place + chance.randrange(1, 8)]
        case _:
            packet[place : place + 1] = chance.randbytes(1)


def _queries() -> Iterator[bytes]:
    for name in ("web.telegram.org", "agency.example", "alias.scene", "localhost", "a." * 60):
        for rtype in ("A", "AAAA", "HTTPS", "TXT", "ANY"):
            query = DNSRecord.question(name, rtype)
            yield bytes(query.pack())
            query.add_ar(EDNS0(udp_len=1232, flags="do"))
            yield bytes(query.pack())
