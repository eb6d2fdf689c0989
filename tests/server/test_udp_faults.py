"""A fault of ours in one query costs that query, and nothing of what came with it."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator

import pytest
from dnslib import RCODE, RR, DNSRecord

import resolver
from resolver.dns.query import Query
from resolver.engine.cache import AnswerCache
from resolver.engine.client import Client
from resolver.engine.engine import Engine
from resolver.engine.observer import Observer
from resolver.engine.result import PendingReply
from resolver.exchange.exchange import Exchange
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.servers import Server
from resolver.policy.verdict import Verdict
from resolver.server.udp import UdpServer
from resolver.transport.loop import Loop
from resolver.upstream.udp_sockets import LIFE
from tests.server.assembled import Assembled

interpreted = pytest.mark.skipif(
    resolver.build() == "compiled", reason="a compiled class cannot be patched"
)

pytestmark = pytest.mark.interpreted


class _Faulty:
    """It has a fault that one name shows."""

    wants_questions = True
    wants_verdicts = False

    def asked(self, client: Client, query: Query) -> None:  # noqa: ARG002 - as it is called
        if query.name.startswith(b"\x05fault"):
            raise LookupError("the fault")

    def decided(self, client: Client, query: Query, verdict: Verdict) -> None:
        pass

    def refused(self, address: bytes) -> None:
        pass


class _FaultyUpstreams:
    """Whatever has to be asked fails."""

    def forward(self, pending: PendingReply, now: float) -> None:  # noqa: ARG002 - as it is called
        raise LookupError("the fault")

    def refresh(self, question: UpstreamQuestion) -> None:  # noqa: ARG002 - as it is called
        raise LookupError("the fault")


def _asked_together(
    names: list[str],
    replies: int,
    upstream: tuple[str, int] | None = None,
    observer: Observer | None = None,
    upstreams: _FaultyUpstreams | None = None,
) -> list[DNSRecord]:
    """What is answered when all are asked at once."""

    loop = Loop()

    async def asked() -> list[DNSRecord]:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
        ):
            for item in (listening, client):
                item.bind(("127.0.0.1", 0))
                item.setblocking(False)
            client.connect(listening.getsockname())
            for name in names:
                client.send(DNSRecord.question(name).pack())
            servers = {} if upstream is None else {"upstream": Server(*upstream, "upstream")}
            assembled = Assembled(loop, servers, observer)
            if upstreams is not None:
                assembled.handler.upstreams = upstreams
            # Served only now, so that all of them are one batch.
            UdpServer(loop, listening, assembled.handler, assembled.counters).start()
            came = [
                await asyncio.wait_for(loop.sock_recv(client, 4096), 30) for _ in range(replies)
            ]
            assembled.forwarder.sweep(loop.time() + LIFE)
            assert not assembled.forwarder.busy
        return [DNSRecord.parse(octets) for octets in came]

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(asked())


def _fault(*_: object) -> None:
    raise LookupError("the fault")


def _names(replies: list[DNSRecord]) -> list[str]:
    return [str(reply.q.qname) for reply in replies]


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
    replies = _asked_together(names, 3, observer=_Faulty())
    assert _names(replies) == ["localhost.", "a.localhost.", "b.localhost."]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)
    assert "127.0.0.1" not in record.getMessage()


def test_a_fault_beyond_the_engine_takes_no_reply_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = ["open.example.", "denied.example.", "open.example.", "localhost."]
    replies = _asked_together(asked, 2, upstreams=_FaultyUpstreams())
    assert _names(replies) == ["denied.example.", "localhost."]
    assert len(caplog.records) == 2


@interpreted
@pytest.mark.parametrize(
    ("whose", "what"),
    [
        (Exchange, "__init__"),
        (Exchange, "begin"),
        (Exchange, "received"),
        (AnswerCache, "remember"),
        (Engine, "conclude"),
    ],
)
def test_a_fault_after_an_upstream_was_asked_is_answered_by_servfail(
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


@interpreted
def test_a_fault_about_an_upstream_that_refuses_is_answered_by_servfail(
    upstream: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Exchange, "refused", _fault)
    address = upstream.getsockname()
    upstream.close()  # nobody is there now: the kernel refuses
    (reply,) = _asked_together(["open.example."], 1, upstream=address)
    assert reply.header.rcode == RCODE.SERVFAIL
    assert len(caplog.records) == 1


@interpreted
def test_a_fault_when_time_is_up_is_answered_by_servfail(
    upstream: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Exchange, "expired", _fault)
    asked = ["open.example.", "other.example."]
    replies = _asked_together(asked, 2, upstream=upstream.getsockname())
    assert sorted(_names(replies)) == asked
    assert {reply.header.rcode for reply in replies} == {RCODE.SERVFAIL}
    assert len(caplog.records) == 2
