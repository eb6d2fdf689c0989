"""Records of blocked queries on their way into the pipe: whole or not at all, and no wait."""

import json
import os
import select
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from resolver.dns import codes, names
from resolver.dns.query import Query
from resolver.policy.index import Index
from resolver.policy.judge import Judge
from resolver.policy.view import View, Views
from resolver.worker.block_records import BlockRecords, record
from tests.snapshot.texts import compile_texts

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
TERMS = SNAPSHOT.terms
JUDGE = Judge(TERMS, Index(SNAPSHOT.trie, SNAPSHOT.rules))


def _view(address: str) -> View:
    view = Views(TERMS, 0.0).of(address)
    assert view is not None
    return view


def _query(name: str) -> Query:
    return Query(1, codes.RD, names.parse(name), codes.A, codes.IN, b"", None)


def _write(records: BlockRecords, name: str = "www.blocked.example") -> None:
    query, view = _query(name), _view(CLIENT)
    records.write(CLIENT, view, query, JUDGE.check_query(view, query.name))


@dataclass
class Pipe:
    """Both ends of one that nobody waits for, and how many records found no room."""

    reading: int
    writing: int
    lost: int = 0

    def count(self) -> None:
        self.lost += 1

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
        written += 1
    lines = pipe.read().splitlines(keepends=True)
    assert len(lines) == written - 1
    assert {json.loads(line)["name"] for line in lines} == {"www.blocked.example"}
    assert all(line.endswith(b"\n") for line in lines)
    _write(records)
    assert pipe.lost == 1
    assert len(pipe.read().splitlines()) == 1


def test_the_longest_name_is_written_whole(pipe: Pipe) -> None:
    records = BlockRecords(pipe.writing, pipe.count)
    records.follow(TERMS)
    _write(records, LONGEST)
    line = pipe.read()
    assert len(line) < select.PIPE_BUF
    assert json.loads(line)["name"] == names.text(names.parse(LONGEST))
    assert pipe.lost == 0


def test_what_no_config_wants_is_not_written(pipe: Pipe) -> None:
    records = BlockRecords(pipe.writing, pipe.count)
    _write(records)
    records.follow(TERMS)
    assert not records.follow(replace(TERMS, settings=replace(TERMS.settings, block_log=None)))
    _write(records)
    with pytest.raises(BlockingIOError):
        pipe.read()
    assert pipe.lost == 0


@pytest.mark.parametrize(
    ("told", "address", "client"),
    [
        ("vlan", CLIENT, "administration"),
        ("prefix", CLIENT, "10.10.3.0/24"),
        ("prefix", "fd00:10:0:1ff::7", "fd00:10:0:100::/56"),
        ("address", CLIENT, CLIENT),
        ("address", "fd00:10::7", "fd00:10::7"),
    ],
)
def test_clients_are_told_no_more_exactly_than_chosen(told: str, address: str, client: str) -> None:
    query, view = _query("www.blocked.example"), _view(address)
    verdict = JUDGE.check_query(view, query.name)
    written = record(TERMS, told, 1_783_252_800.0125, address, view, query, verdict)
    assert written == {
        "time": "2026-07-05T12:00:00.012Z",
        "vlan": "administration",
        "client": client,
        "name": "www.blocked.example",
        "type": "A",
        "service": "",
        "rule": "||blocked.example^",
        "list": "",
        "outcome": "blocked",
        "target": "",
    }
