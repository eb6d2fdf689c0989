"""A fault of ours in one query costs that query, and nothing of what came with it."""

import asyncio
import logging
import os
import socket

import pytest
from dnslib import DNSRecord

from resolver.answers.cache import Cache
from resolver.config.load import load
from resolver.lists.index import Index
from resolver.loop import Loop
from resolver.policy.compile import compile_snapshot
from resolver.query import Resolver
from resolver.regime import Regime
from resolver.server.desk import Desk
from resolver.server.udp import serve
from resolver.telemetry.counters import Counters
from resolver.telemetry.slots import MEMORY, Registry
from resolver.transaction import Client, Drop, Forward, Reply

CONFIG = """
[policies.open]
deny = ["denied.example"]
[vlans.here]
prefixes = ["127.0.0.0/8"]
policy = "open"
"""


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


def _serve(loop: Loop, listening: socket.socket, desk: type[Desk]) -> None:
    loaded = load("config.toml", _OneFile())
    snapshot, _ = compile_snapshot(loaded.config, loaded.places, [])
    memory = os.memfd_create("counters")
    os.ftruncate(memory, MEMORY)
    counters = Counters(memory)
    os.close(memory)
    counters.follow(Registry().plan(snapshot.terms, []))
    regime = Regime(snapshot.terms, Index(snapshot.trie, snapshot.rules), 0.0)
    resolver = _Faulty(regime, Cache(1 << 20), counters.cell)
    serve(loop, listening, desk(loop, resolver, counters), resolver, counters)


def _asked_together(names: list[str], replies: int, desk: type[Desk] = Desk) -> list[str]:
    """The names that are answered when all are asked at once."""

    loop = Loop()

    async def asked() -> list[str]:
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
            _serve(loop, listening, desk)  # so that all of them are one batch
            came = [
                await asyncio.wait_for(loop.sock_recv(client, 4096), 30) for _ in range(replies)
            ]
        return [str(DNSRecord.parse(each).q.qname) for each in came]

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(asked())


def test_a_fault_in_one_query_takes_no_reply_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = ["fault.example.", "localhost.", "a.localhost.", "b.localhost."]
    assert _asked_together(names, 3) == ["localhost.", "a.localhost.", "b.localhost."]
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
    assert _asked_together(asked, 1, _FaultyDesk) == ["denied.example."]
    assert len(caplog.records) == 2
