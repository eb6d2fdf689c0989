"""``darban explain`` says whether an address has asked this server; nothing else does."""

import datetime as dt
import os
import signal
import urllib.request
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, darban
from tests.live.configs import small
from tests.live.reloading import DENY, OPEN, reload, restored
from tests.live.server import Server
from tests.live.waiting import wait_for

pytestmark = pytest.mark.core

HERE, ELSEWHERE, OTHER = "127.0.10.231", "127.0.10.232", "127.0.77.233"
NAME = "web.telegram.org"
BLOCK_LOG = '[block_log]\nenabled = true\nclient = "vlan"\n'


@pytest.fixture
def server(lasting: Server) -> Iterator[Server]:
    """A server with two workers and a block log, which names no client."""
    with restored(lasting) as server:
        wait_for(lambda: server.scrape().value("darban_workers") == 2, "both serve")
        yield server


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(small([upstream], server="workers = 2", more=BLOCK_LOG))


def asked(server: Server, client: str) -> tuple[dt.datetime | None, dt.datetime]:
    """When it asked last, and since when that is known."""
    said = darban("explain", client, NAME, "--json", at=server.directory).json["asked"]
    last = said["last"]
    return last and dt.datetime.fromisoformat(last), dt.datetime.fromisoformat(said["since"])


def text(server: Server, client: str) -> str:
    out = darban("explain", client, NAME, at=server.directory).out
    (line,) = [
        line for line in out.replace("\n              ", " ").splitlines() if "asked" in line
    ]
    return line


def test_an_address_that_has_asked_and_one_that_has_not(server: Server) -> None:
    before = minute()
    assert ask(server.port, NAME, client=HERE) is not None
    last, since = asked(server, HERE)
    assert last is not None
    assert before <= last <= minute()
    assert since <= last
    assert asked(server, ELSEWHERE)[0] is None
    assert text(server, HERE).startswith("  asked       last at 20")
    out = darban("explain", HERE, NAME, at=server.directory).out
    assert out.splitlines()[-1].startswith("  memory      begins at 20")
    assert text(server, ELSEWHERE).startswith("  asked       not since 20")
    assert text(server, ELSEWHERE).endswith(", when this server's memory begins")


def minute() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)


def test_it_outlives_a_reload_and_a_flush_and_ends_with_the_workers(server: Server) -> None:
    assert ask(server.port, NAME, client=HERE) is not None
    config = server.config.read_text(encoding="utf-8")
    server.config.write_text(config.replace(DENY, OPEN), encoding="utf-8")
    assert reload(server).code == GOOD
    assert darban("flush", NAME, at=server.directory).code == GOOD
    assert asked(server, HERE)[0] is not None
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    wait_for(
        lambda: server.scrape().value("darban_worker_restarts_total") == 2, "the workers are new"
    )
    assert asked(server, HERE)[0] is None


@pytest.mark.parametrize("words", [("administration", NAME), ("--all-vlans", NAME)])
def test_of_a_vlan_nothing_is_said(server: Server, words: tuple[str, str]) -> None:
    assert "asked" not in darban("explain", *words, "--json", at=server.directory).json


def test_a_config_that_is_tried_and_a_moment_say_nothing(server: Server) -> None:
    tried = darban("explain", HERE, NAME, "--json", "--config", server.config, at=server.directory)
    assert "asked" not in tried.json
    later = darban("explain", HERE, NAME, "--json", "--at", "2099-01-01", at=server.directory)
    assert "asked" not in later.json


def test_a_link_local_address_without_its_link_is_no_address_that_asks(server: Server) -> None:
    done = darban("explain", "fe80::5", NAME, "--json", at=server.directory)
    assert "asked" not in done.json
    assert "not known when fe80::5 asked this server last" in done.err


def octets(directory: Path) -> Iterator[tuple[Path, bytes]]:
    """The files below a directory."""
    for path in directory.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def test_nothing_else_has_the_address(server: Server) -> None:
    for client in (HERE, OTHER):
        for name in (NAME, "agency.example"):
            assert ask(server.port, name, client=client) is not None
        assert asked(server, client)[0] is not None
    wait_for(lambda: (server.state / "blocks.jsonl").stat().st_size > 0, "the block is recorded")
    pages = {path: page(server, path) for path in ("/", "/metrics", "/status.json", "/healthz")}
    places = {**pages, **{str(path): text for path, text in octets(server.directory)}}
    for client in (HERE, OTHER):
        ways = (
            client.encode(),
            ip_address(client).packed,
            ip_address(client).packed.hex().encode(),
        )
        assert [where for where, text in places.items() if any(way in text for way in ways)] == []


def page(server: Server, path: str) -> bytes:
    url = f"http://127.0.0.1:{server.metrics_port}{path}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        content: bytes = answer.read()
        return content
