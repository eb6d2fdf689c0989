"""A VLAN whose names get no answer takes nothing from the names of another VLAN."""

import asyncio
from contextlib import closing, suppress

import pytest
from dnslib import RCODE, DNSRecord

from resolver.exchange import admission, in_flight
from resolver.exchange.exchange import LATE
from resolver.exchange.round import PATIENCE
from resolver.transport.loop import Loop
from resolver.upstream import attempt_sender, tcp_connections
from resolver.upstream.forwarder import TICK
from tests.upstream.forwarding import ELSEWHERE, Stage, good, stage, truncated
from tests.upstream.virtual_time import run

pytestmark = pytest.mark.interpreted  # a compiled module takes no other constant


@pytest.fixture(autouse=True)
def _little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("UNCOUNTED", 10), ("COMMON", 100), ("OWN", 40)):
        monkeypatch.setattr(admission, name, size)
    monkeypatch.setattr(attempt_sender, "MAX_LATE", 50)


def _sticky(query: DNSRecord) -> bytes | None:
    return None if str(query.q.qname).startswith("stuck") else good(query)


async def _flood(on: Stage, seconds: float) -> None:
    """Ask for stuck names, from many addresses of one VLAN, more than the room is for."""
    end, number = on.loop.time() + seconds, 0
    while on.loop.time() < end:
        for _ in range(5):
            number += 1
            on.client.ask(f"stuck{number}.z{number}.", bytes((127, 0, number % 8, 1)))
        await asyncio.sleep(0.01)


def _rcodes(on: Stage, prefix: str) -> list[int]:
    replies = [reply for _, reply in on.client.replies]
    return [item.header.rcode for item in replies if str(item.q.qname).startswith(prefix)]


def test_another_vlan_finds_room_for_its_names() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, _sticky) as on:
            flood = asyncio.create_task(_flood(on, 2 * PATIENCE))
            await asyncio.sleep(PATIENCE)
            for number in range(48):
                on.client.ask(f"good{number}.example.", ELSEWHERE)
                await asyncio.sleep(TICK)
            await flood
            await on.until_idle()
            assert RCODE.SERVFAIL in _rcodes(on, "stuck")
            assert _rcodes(on, "good") == [RCODE.NOERROR] * 48

    run(play)


def test_another_vlan_gets_its_late_answers() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, _sticky) as on:
            flood = asyncio.create_task(_flood(on, 3 * PATIENCE))
            await asyncio.sleep(PATIENCE)
            on.upstream.delay = 1.5 * PATIENCE
            for number in range(5):
                on.client.ask(f"good{number}.example.", ELSEWHERE)
            await flood
            await on.until_idle()
            assert len(on.assembled.forwarder._sender.late) == 0
            assert _rcodes(on, "good") == [RCODE.NOERROR] * 5

    run(play)


def test_another_vlan_waits_for_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_flight, "WAITERS", 10)

    async def play(loop: Loop) -> None:
        with stage(loop, good) as on:
            on.upstream.delay = 1.0
            for _ in range(30):
                on.client.ask("crowd.example.")
            assert _rcodes(on, "crowd") == [RCODE.SERVFAIL] * 20
            for number in range(7):
                on.client.ask("CROWD.example.", ELSEWHERE[:3] + bytes((number,)))
            assert _rcodes(on, "CROWD") == [RCODE.SERVFAIL] * 2
            assert _rcodes(on, "crowd") == [RCODE.SERVFAIL] * 25
            await on.until_idle()
            assert _rcodes(on, "CROWD")[2:] == _rcodes(on, "crowd")[25:] == [RCODE.NOERROR] * 5

    run(play)


async def _serve_sticky(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer over TCP, but for stuck names, until the client closes the connection."""
    with closing(writer), suppress(asyncio.IncompleteReadError):
        while True:
            size = int.from_bytes(await reader.readexactly(2), "big")
            response = _sticky(DNSRecord.parse(await reader.readexactly(size)))
            if response is not None:
                writer.write(len(response).to_bytes(2, "big") + response)


def test_another_vlan_finds_room_on_tcp_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_connections, "MAX_WAITING", 4)
    monkeypatch.setattr(admission, "COMMON", 1000)

    async def play(loop: Loop) -> None:
        with stage(loop, truncated) as on:
            at = on.upstream.socket.getsockname()
            async with await asyncio.start_server(_serve_sticky, *at):
                flood = asyncio.create_task(_flood(on, 2 * PATIENCE))
                await asyncio.sleep(PATIENCE)
                for number in range(20):
                    on.client.ask(f"good{number}.example.", ELSEWHERE)
                    await asyncio.sleep(TICK)
                await flood
                await on.until_idle()
                assert _rcodes(on, "good") == [RCODE.NOERROR] * 20
                await asyncio.sleep(LATE + 6)  # until all connections are closed

    run(play)


def _dead_below(query: DNSRecord) -> bytes | None:
    return None if ".dead" in str(query.q.qname) else good(query)


def test_four_addresses_below_dead_domains_take_no_name_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Eight dead domains of co.ir, and new names of co.ir for others, in this VLAN and another."""
    monkeypatch.setattr(admission, "COMMON", 1000)
    monkeypatch.setattr(admission, "PER_PARENT", 80)

    async def play(loop: Loop) -> None:
        with stage(loop, _dead_below) as on:
            for number in range(400):
                below = f"r{number}.dead{number % 8}.co.ir."
                on.client.ask(below, bytes((127, 0, 0, 1 + number % 4)))
            others = {"near": bytes((127, 0, 0, 99)), "beside": bytes((127, 0, 1, 5))}
            for number in range(15):
                for what, client in {**others, "there": ELSEWHERE}.items():
                    on.client.ask(f"{what}{number}.co.ir.", client)
                await asyncio.sleep(TICK)
            await on.until_idle()
            for what in ("near", "beside", "there"):
                assert _rcodes(on, what) == [RCODE.NOERROR] * 15
            assert RCODE.SERVFAIL in _rcodes(on, "r")

    run(play)
