"""A fault of ours in one query costs that query, and nothing of what came with it."""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Iterator

import pytest
from dnslib import RCODE, RR, DNSRecord

from resolver.config.load import load
from resolver.engine.cache import Cache
from resolver.engine.engine import Resolver
from resolver.engine.exchange import Exchange
from resolver.engine.loaded_snapshot import Regime
from resolver.engine.servers import Group, Server
from resolver.engine.transaction import Client, Drop, Forward, Reply
from resolver.metrics.counters import Counters
from resolver.metrics.layout import MEMORY, CounterLayout
from resolver.policy.index import Index
from resolver.server.handler import Desk, Ticket
from resolver.server.loop import Loop
from resolver.server.udp import serve
from resolver.snapshot.policy import compile_snapshot
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.udp_sockets import LIFE

CONFIG = """
[policies.open]
deny = ["denied.example"]
[vlans.here]
prefixes = ["127.0.0.0/8"]
policy = "open"
"""

pytestmark = pytest.mark.interpreted


class _OneFile:
    def read(self, path: str) -> str:  # noqa: ARG002 - there is but one
        return CONFIG

    def glob(self, pattern: str) -> list[str]:
        return [pattern]


class _Faulty(Resolver):
    """It has a fault that one name shows."""

    def with_care(self, client: Client, packet: bytes, now: float) -> Reply | Forward | Drop:
        if b"\x05fault" in packet:
            raise LookupError("the fault")
        return super().with_care(client, packet, now)


class _FaultyDesk(Desk):
    """Whatever has to be carried further fails."""

    def follow(self, *_: object) -> None:
        raise LookupError("the fault")


def _serve(
    loop: Loop, listening: socket.socket, kind: type[Desk], upstream: tuple[str, int] | None
) -> Forwarder[Ticket]:
    loaded = load("config.toml", _OneFile())
    snapshot, _ = compile_snapshot(loaded.config, loaded.provenance, [])
    memory = os.memfd_create("counters")
    os.ftruncate(memory, MEMORY)
    counters = Counters(memory)
    os.close(memory)
    counters.follow(CounterLayout().plan(snapshot.terms, []))
    regime = Regime(snapshot.terms, Index(snapshot.trie, snapshot.rules), 0.0)
    resolver = _Faulty(regime, Cache(1 << 20), counters.cell)
    desk = kind(resolver, counters)
    forwarder = Forwarder[Ticket](loop, resolver, counters, desk.deliver)
    desk.upstreams = forwarder
    if upstream is not None:
        forwarder.use({"": Group("", [Server(*upstream, "upstream")])})
    serve(loop, listening, desk, resolver, counters)
    return forwarder


def _asked_together(
    names: list[str],
    replies: int,
    kind: type[Desk] = Desk,
    upstream: tuple[str, int] | None = None,
) -> list[DNSRecord]:
    """What is answered when all are asked at once."""

    loop = Loop()

    async def asked() -> list[DNSRecord]:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
        ):
            for each in (listening, client):
                each.bind(("127.0.0.1", 0))
                each.setblocking(False)
            client.connect(listening.getsockname())
            for name in names:
                client.send(DNSRecord.question(name).pack())
            forwarder = _serve(loop, listening, kind, upstream)  # so that all of them are one batch
            came = [
                await asyncio.wait_for(loop.sock_recv(client, 4096), 30) for _ in range(replies)
            ]
            forwarder.sweep(loop.time() + LIFE)
            assert not forwarder.busy
        return [DNSRecord.parse(each) for each in came]

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(asked())


def _fault(*_: object) -> None:
    raise LookupError("the fault")


def _names(replies: list[DNSRecord]) -> list[str]:
    return [str(each.q.qname) for each in replies]


@pytest.fixture
def upstream() -> Iterator[socket.socket]:
    """Where an upstream is; nobody reads there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        yield server


@pytest.fixture
def answering_upstream(upstream: socket.socket) -> Iterator[socket.socket]:
    """An upstream that answers."""

    def answer() -> None:
        while True:
            query, client = upstream.recvfrom(4096)
            if not query:
                return
            reply = DNSRecord.parse(query).reply()
            reply.add_answer(*RR.fromZone("open.example. 60 A 192.0.2.1"))
            upstream.sendto(reply.pack(), client)

    answering = threading.Thread(target=answer)
    answering.start()
    yield upstream
    upstream.sendto(b"", upstream.getsockname())
    answering.join()


def test_a_fault_in_one_query_takes_no_reply_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = ["fault.example.", "localhost.", "a.localhost.", "b.localhost."]
    assert _names(_asked_together(names, 3)) == ["localhost.", "a.localhost.", "b.localhost."]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)
    assert "127.0.0.1" not in record.getMessage()


def test_a_fault_beyond_the_core_takes_no_reply_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = ["denied.example.", "localhost.", "denied.example."]
    # Of a form that is known and blocked: that needs no desk, and the others do.
    assert _names(_asked_together(asked, 1, _FaultyDesk)) == ["denied.example."]
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("whose", "what"),
    [
        (Exchange, "__init__"),
        (Exchange, "begin"),
        (Exchange, "received"),
        (Resolver, "remember"),
        (Resolver, "conclude"),
    ],
)
def test_a_fault_after_an_upstream_was_asked_is_told_as_servfail(
    whose: type,
    what: str,
    answering_upstream: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(whose, what, _fault)
    asked = ["open.example."]
    (reply,) = _asked_together(asked, 1, upstream=answering_upstream.getsockname())
    assert _names([reply]) == asked
    assert reply.header.rcode == RCODE.SERVFAIL
    assert any(r.exc_info and isinstance(r.exc_info[1], LookupError) for r in caplog.records)


def test_a_fault_about_an_upstream_that_refuses_is_told_as_servfail(
    upstream: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Exchange, "unreachable", _fault)
    address = upstream.getsockname()
    upstream.close()  # nobody is there now: the kernel refuses
    (reply,) = _asked_together(["open.example."], 1, upstream=address)
    assert reply.header.rcode == RCODE.SERVFAIL
    assert len(caplog.records) == 1


def test_a_fault_when_time_is_up_is_told_as_servfail(
    upstream: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Exchange, "expired", _fault)
    (reply,) = _asked_together(["open.example."], 1, upstream=upstream.getsockname())
    assert reply.header.rcode == RCODE.SERVFAIL
    assert len(caplog.records) == 1
