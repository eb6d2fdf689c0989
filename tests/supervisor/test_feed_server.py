"""The server of feeds: no list where it may be wrong, and another when something begins or ends."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.metrics import kernel
from resolver.metrics.part_states import PartStates, SelfTestState
from resolver.metrics.served_config import ServedConfig
from resolver.policy.settings import Endpoint
from resolver.snapshot.clock_note import note_time
from resolver.supervisor.feed_server import FeedServer
from resolver.supervisor.http_socket import HttpSocket
from resolver.supervisor.notify import ServiceManager
from tests.config.tables import FAR, exemption, vlan
from tests.policy.networks import snapshot_of

LISTS = {"one": "! Category: messenger\n||one.example^\n", "one.ip": "91.108.4.0/22\n"}
CONFIG = """
[feeds]
listen = ["127.0.0.1:9154"]
from = ["127.0.0.0/8"]
[policies.blocks]
block = ["one"]
""" + vlan("office", "blocks", "10.10.0.0/16")
EXEMPTION = exemption("pr", "one", vlan="office", until=FAR)
LIST = "/one/clients-ipv4.txt"


def got(
    config: str,
    tmp_path: Path,
    wrong: tuple[str, ...] = (),
    path: str = LIST,
) -> tuple[int, str]:
    """The status and the text of a response."""
    compiled = snapshot_of(config, LISTS).compiled
    served = ServedConfig(tmp_path / "config.toml", tmp_path, compiled, tmp_path, 0.0)

    async def play() -> tuple[int, str]:
        socket = HttpSocket("feeds", Endpoint("127.0.0.1", 0), {}, ServiceManager())
        states = PartStates([SelfTestState("untested", wrong)])
        await FeedServer([socket], served, lambda: states).run()
        where = (await socket.opened()).getsockname()
        reader, writer = await asyncio.open_connection(*where)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: feeds\r\n\r\n".encode())
        head, _, text = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        return int(head.split()[1]), text

    return asyncio.run(play())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Says whether the clock is synchronised."""
    return lambda synchronised: monkeypatch.setattr(
        kernel, "clock_synchronised", lambda: synchronised
    )


def test_a_clock_that_is_behind_serves_nothing_that_depends_on_it(
    clock: Callable[[bool], None], tmp_path: Path
) -> None:
    clock(False)
    note_time(tmp_path, time.time() + 86400, synchronised=False)
    assert got(CONFIG, tmp_path) == (200, "10.10.0.0/16\n")
    status, text = got(CONFIG + EXEMPTION, tmp_path)
    assert status == 503
    assert "behind a moment that the server has seen" in text
    clock(True)
    assert got(CONFIG + EXEMPTION, tmp_path) == (200, "192.0.2.0/24\n")


def test_a_clock_that_nothing_synchronises_serves_what_dns_decides(
    clock: Callable[[bool], None], tmp_path: Path
) -> None:
    """The kernel says so some hours after the last time server answered."""
    clock(False)
    assert got(CONFIG + EXEMPTION, tmp_path) == (200, "192.0.2.0/24\n")
    note_time(tmp_path, time.time() - 86400, synchronised=True)
    assert got(CONFIG + EXEMPTION, tmp_path) == (200, "192.0.2.0/24\n")


def test_a_worker_that_decides_wrongly_stops_the_feeds(
    clock: Callable[[bool], None], tmp_path: Path
) -> None:
    clock(True)
    assert got(CONFIG, tmp_path, ("10.10.0.5 one.example A: expected blocked",))[0] == 503
    assert got(CONFIG, tmp_path)[0] == 200


def test_others_than_the_firewalls_get_nothing(tmp_path: Path) -> None:
    config = CONFIG.replace('from = ["127.0.0.0/8"]', 'from = ["10.0.0.1/32"]')
    for path in (LIST, "/", "/nothing"):
        assert got(config, tmp_path, path=path)[0] == 403


def test_the_names_of_all_lists_are_at_the_root(tmp_path: Path) -> None:
    status, text = got(CONFIG, tmp_path, path="/")
    assert status == 200
    assert LIST.lstrip("/") in text.splitlines()
    assert got(CONFIG, tmp_path, path="/one/../config.toml")[0] == 404


def test_what_begins_later_is_in_the_list_when_it_begins(
    clock: Callable[[bool], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock(True)
    during = 'during = [{ hours = "office", block = ["one"] }]'
    hours = """
[hours.office]
days = ["sat", "sun", "mon", "tue", "wed"]
from = "08:00"
to = "16:00"
time_zone = "Asia/Tehran"
"""
    config = CONFIG.replace('block = ["one"]', during) + hours
    saturday = 1796446800.0  # 2026-12-05T08:30+03:30
    for wall, clients in ((saturday, "10.10.0.0/16\n"), (saturday + 43200, "192.0.2.0/24\n")):
        monkeypatch.setattr(time, "time", lambda now=wall: now)
        assert got(config, tmp_path) == (200, clients)
