"""Records of blocked queries on their way into the pipe: whole or not at all, and no wait."""

import json
import os
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from resolver.dns import codes, names
from resolver.dns.query import Query, scan
from resolver.dns.transport import UDP
from resolver.engine.cache import AnswerCache
from resolver.engine.client import Client
from resolver.engine.engine import Engine
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.policy.index import Index
from resolver.policy.prefixes import packed
from resolver.policy.verdict import Verdict
from resolver.server.block_records import BlockRecords
from tests.compiler.texts import compile_texts

CONFIG = """
[policies.administrative]
deny = ["blocked.example"]
[vlans.administration]
prefixes = ["10.10.0.0/16", "fd00:10::/32"]
policy = "administrative"
[block_log]
enabled = true
"""
CLIENT = "10.10.3.7"
LONGEST = "\\000" * 63 + "." + "\\000" * 63 + "." + "\\000" * 63 + ".blocked.example"


SNAPSHOT = compile_texts(CONFIG)
TERMS = SNAPSHOT.compiled
LOADED = LoadedSnapshot(TERMS, Index(SNAPSHOT.trie, SNAPSHOT.rules), 0.0)
ENGINE = Engine(LOADED, AnswerCache(0))


def _query(name: str) -> Query:
    head = b"\x00\x01\x01\x00\x00\x01" + bytes(6)
    query = scan(head + names.parse(name) + codes.A.to_bytes(2, "big") + b"\x00\x01", {})
    assert query is not None
    return query


def _client(address: str) -> Client:
    return ENGINE.clients.of(packed(address), UDP)


def _verdict(client: Client, query: Query) -> Verdict:
    assert client.view is not None
    _, verdict = ENGINE.check_question(client.view, query.name, query.profile.qtype)
    return verdict


def _write(records: BlockRecords, name: str = "www.blocked.example", address: str = CLIENT) -> None:
    query, client = _query(name), _client(address)
    records.write(client, query, _verdict(client, query))


@dataclass
class Pipe:
    """Both ends of one that nobody waits for, and how many records found no room."""

    reading: int
    writing: int
    lost: int = 0

    def count(self, lost: int) -> None:
        self.lost += lost

    def read(self) -> bytes:
        return os.read(self.reading, 1 << 20)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe2(os.O_NONBLOCK)
    yield Pipe(reading, writing)
    os.close(reading)
    os.close(writing)


def test_a_full_pipe_loses_records_and_nobody_waits(pipe: Pipe) -> None:
    records = BlockRecords(pipe.writing, pipe.count)
    assert records.follow(TERMS)
    written = 0
    while not pipe.lost:
        _write(records)
        records.flush()
        written += 1
    lines = pipe.read().splitlines(keepends=True)
    assert len(lines) == written - 1
    assert {json.loads(line)["name"] for line in lines} == {"www.blocked.example"}
    assert all(line.endswith(b"\n") for line in lines)
    _write(records)
    records.flush()
    assert pipe.lost == 1
    assert len(pipe.read().splitlines()) == 1


def test_records_that_gather_are_written_whole_and_those_that_are_lost_are_counted(
    pipe: Pipe,
) -> None:
    records = BlockRecords(pipe.writing, pipe.count)
    records.follow(TERMS)
    written = 0
    while not pipe.lost:
        _write(records, f"{written}.blocked.example")
        written += 1
    records.flush()
    lines = pipe.read().splitlines(keepends=True)
    assert pipe.lost > 1  # those of one write
    assert len(lines) == written - pipe.lost
    found = [json.loads(line)["name"] for line in lines]
    assert found == [f"{number}.blocked.example" for number in range(len(lines))]


def test_nothing_is_written_before_what_gathers_is_flushed(pipe: Pipe) -> None:
    records = BlockRecords(pipe.writing, pipe.count)
    records.follow(TERMS)
    _write(records)
    with pytest.raises(BlockingIOError):
        pipe.read()
    records.follow(TERMS)  # another snapshot: what was judged by the one before is written
    assert len(pipe.read().splitlines()) == 1


def test_the_longest_name_is_written_whole(pipe: Pipe) -> None:
    records = BlockRecords(pipe.writing, pipe.count)
    records.follow(TERMS)
    _write(records, LONGEST)
    records.flush()
    line = pipe.read()
    assert len(line) < select.PIPE_BUF
    assert json.loads(line)["name"] == names.text(names.parse(LONGEST))
    assert pipe.lost == 0


@pytest.mark.parametrize("first", range(0, 256, 32))
def test_a_name_of_any_octets_is_written_as_json(first: int, pipe: Pipe) -> None:
    label = "".join(f"\\{octet:03d}" for octet in range(first, first + 32))
    records = BlockRecords(pipe.writing, pipe.count)
    records.follow(TERMS)
    _write(records, f"{label}.blocked.example")
    records.flush()
    name = json.loads(pipe.read())["name"]
    assert names.parse(name) == names.parse(f"{label}.blocked.example").lower()


def test_what_no_config_wants_is_not_written(pipe: Pipe) -> None:
    records = BlockRecords(pipe.writing, pipe.count)
    _write(records)
    records.follow(TERMS)
    assert not records.follow(replace(TERMS, settings=replace(TERMS.settings, block_log=None)))
    _write(records)
    records.flush()
    with pytest.raises(BlockingIOError):
        pipe.read()
    assert pipe.lost == 0


@pytest.mark.parametrize(
    ("told", "address", "client"),
    [
        ("vlan", CLIENT, "administration"),
        ("prefix", CLIENT, "10.10.3.0/24"),
        ("prefix", "fd00:10:0:1ff::7", "fd00:10:0:1ff::/64"),
        ("address", CLIENT, CLIENT),
        ("address", "fd00:10::7", "fd00:10::7"),
    ],
)
def test_clients_are_recorded_no_more_exactly_than_chosen(
    told: str, address: str, client: str, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_783_252_800.0125)
    log = TERMS.settings.block_log
    assert log is not None
    records = BlockRecords(pipe.writing, pipe.count)
    chosen = replace(TERMS.settings, block_log=replace(log, client=told))
    records.follow(replace(TERMS, settings=chosen))
    _write(records, "www.blocked.example", address)
    records.flush()
    assert json.loads(pipe.read()) == {
        "version": 1,
        "time": "2026-07-05T12:00:00.012Z",
        "vlan": "administration",
        "client": client,
        "name": "www.blocked.example",
        "type": "A",
        "transport": "udp",
        "service": "",
        "rule": "||blocked.example^",
        "list": "",
        "outcome": "blocked",
        "target": "",
    }
