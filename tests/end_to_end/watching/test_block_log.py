"""The block log of a real server: exactly what was blocked, and DNS whatever becomes of it."""

import datetime as dt
import json
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live.clients import ask
from tests.live.commands import darban
from tests.live.configs import shipped
from tests.live.server import Server
from tests.live.small_disk import small_disk
from tests.live.waiting import wait_for

MORE = """
[[exemptions]]
id = "pr-2031"
prefixes = ["127.0.10.7/32"]
services = ["telegram"]
until = 2199-03-20T23:59:59+03:30
approver = "Head of PR"
ticket = "PR-2031"
[policies.trial]
block = ["@messenger", "@encrypted-dns"]
mode = "audit"
deny = ["denied.example"]
[vlans.trial]
prefixes = ["127.0.30.0/24"]
policy = "trial"
[block_log]
enabled = true
"""
FIELDS = (
    *("version", "time", "vlan", "client", "name", "type", "transport"),
    *("service", "rule", "list", "outcome", "target"),
)


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(shipped([upstream], workers=2) + MORE)


def log_of(server: Server) -> Path:
    return server.state / "blocks.jsonl"


def records(path: Path, number: int, after: int = 0) -> list[dict[str, Any]]:
    """So many records, once they are there, after so many others."""
    lines = wait_for(lambda: _lines(path, after + number), f"{number} records")
    assert len(lines) == after + number
    return [json.loads(line) for line in lines[after:]]


def written_so_far(server: Server) -> int:
    return len(_lines(log_of(server), 0) or [])


def _lines(path: Path, number: int) -> list[str] | None:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return lines if len(lines) >= number else None


def told(server: Server, client: str, name: str, rtype: str = "A") -> None:
    assert ask(server.port, name, rtype, client=client) is not None


def _expected() -> list[dict[str, Any]]:
    """The records of the queries below, without their times and the lists of services."""
    administration = {
        "vlan": "administration",
        "client": "administration",
        "outcome": "blocked",
        "type": "A",
        "transport": "udp",
        "target": "",
    }
    telegram = {"service": "telegram", "rule": "||telegram.org^"}
    web = {**administration, **telegram, "name": "web.telegram.org"}
    trial = {"vlan": "trial", "client": "trial", "outcome": "would_block", "target": ""}
    trial["transport"] = "udp"
    return [
        *[web] * 3,
        {
            **administration,
            "name": "wa.me",
            "type": "AAAA",
            "service": "whatsapp",
            "rule": "||wa.me^",
        },
        {**administration, **telegram, "name": "alias.scene", "target": "web.telegram.org"},
        {
            **administration,
            "service": "telegram",
            "name": "range.scene",
            "rule": "149.154.160.0/20",
            "target": "149.154.167.99",
        },
        {**trial, **telegram, "name": "web.telegram.org", "type": "HTTPS"},
        {
            **trial,
            "name": "a.denied.example",
            "type": "A",
            "service": "",
            "rule": "||denied.example^",
            "list": "",
        },
    ]


def test_each_blocked_query_is_written_and_no_other(server: Server) -> None:
    began = time.time()
    before = written_so_far(server)
    told(server, "127.0.20.5", "web.telegram.org")
    told(server, "127.0.10.7", "web.telegram.org")
    told(server, "127.0.10.5", "www.agency.example")
    told(server, "127.0.99.5", "web.telegram.org")
    for _ in range(3):  # a record for each query, however popular the name is
        told(server, "127.0.10.5", "Web.Telegram.org")
    told(server, "127.0.10.7", "wa.me", "AAAA")
    told(server, "127.0.10.5", "alias.scene")
    told(server, "127.0.10.5", "range.scene")
    told(server, "127.0.30.5", "web.telegram.org", "TYPE65")
    told(server, "127.0.30.5", "a.denied.example")
    written = records(log_of(server), 8, before)
    for record in written:
        assert tuple(record) == FIELDS
        moment = dt.datetime.fromisoformat(record["time"]).timestamp()
        assert began - 1 <= moment <= time.time()
        assert record.pop("time").endswith("Z")
        assert record.pop("version") == 1
        assert record["list"] == "" or Path(record.pop("list")).stem == record["service"]
    # Workers write as queries come to them.
    assert sorted(written, key=_parts) == sorted(_expected(), key=_parts)
    assert stat.S_IMODE(log_of(server).stat().st_mode) == 0o640
    assert server.scrape().value("darban_block_log_lost_total") == 0


def _parts(record: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(record.items())


def test_it_is_off_by_default(make_shipped: Callable[..., Server]) -> None:
    server = make_shipped(workers=1).start()
    told(server, "127.0.10.5", "web.telegram.org")
    assert server.stop().code == 0
    assert not log_of(server).exists()


def test_a_reload_switches_it_off_and_on(server: Server) -> None:
    before, logged = written_so_far(server), len(server.err)
    told(server, "127.0.10.5", "web.telegram.org")
    records(log_of(server), 1, before)
    text = server.config.read_text(encoding="utf-8")
    off = text.replace("enabled = true", "enabled = false")
    for number, config in ((1, off), (2, text)):
        server.config.write_text(config, encoding="utf-8")
        server.signal(signal.SIGHUP)
        wait_for(
            lambda n=number: server.err[logged:].count("SIGHUP: applied") == n,
            "the reload is done",
        )
        for _ in range(3):
            told(server, "127.0.10.5", "web.telegram.org")
    records(log_of(server), 4, before)


def test_the_last_records_are_written_when_it_ends(server: Server) -> None:
    before = written_so_far(server)
    for _ in range(50):
        told(server, "127.0.10.5", "web.telegram.org")
    assert server.stop().code == 0
    assert written_so_far(server) == before + 50


def _lost(server: Server) -> float:
    return server.scrape().value("darban_block_log_lost_total")


def test_a_disk_is_filled_and_emptied(make_shipped: Callable[..., Server], tmp_path: Path) -> None:
    server = make_shipped(workers=1)
    server.state.mkdir()
    server.config.write_text(server.config.read_text(encoding="utf-8") + MORE, encoding="utf-8")
    with small_disk(tmp_path / "disk", "64k") as disk:
        log_of(server).symlink_to(disk / "blocks.jsonl")
        server.start()
        server.expect_error("blocks.jsonl: the block log cannot be written")
        asked = 1000  # at least twice as many as find room
        for _ in range(asked):
            told(server, "127.0.10.5", "web.telegram.org")
        wait_for(lambda: "No space left" in server.err, "the disk is full")
        log = disk / "blocks.jsonl"

        def accounted() -> float:
            return log.read_text(encoding="utf-8").count("\n") + _lost(server)

        wait_for(lambda: accounted() == asked, "each record is written or counted as lost")
        status = darban("status", "--json", at=server.directory).json
        assert status["block_log"]["problem"] == "No space left on device"
        full = log.read_text(encoding="utf-8")
        assert full.endswith("}\n"), "no half record"
        log.unlink()
        told(server, "127.0.10.5", "web.telegram.org")
        wait_for(log.exists, "it works anew")
        wait_for(lambda: full.count("\n") + accounted() == asked + 1, "the record is written")
        # A record may have found room where several had not: so often it was told of both.
        often = server.err.count("the block log cannot be written")
        wait_for(
            lambda: server.err.count("the block log is written again") == often,
            "it is told that the log is written again",
        )
        assert server.stop().code == 0
