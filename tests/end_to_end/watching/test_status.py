"""``darban status`` of a real server: what it tells is what was asked."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, UNREACHABLE, Done, darban
from tests.live.configs import BLOCKLISTS, shipped
from tests.live.server import Server
from tests.live.waiting import wait_for

pytestmark = pytest.mark.core

ASKED = {
    ("127.0.10.5", "web.telegram.org"): 5,
    ("127.0.10.5", "web.whatsapp.com"): 2,
    ("127.0.10.7", "web.telegram.org"): 3,
    ("127.0.20.5", "web.telegram.org"): 4,
    ("127.0.20.5", "www.agency.example"): 1,
    ("127.0.20.5", "dc.agency.local"): 2,
    ("127.0.99.5", "www.agency.example"): 6,
    ("127.0.98.5", "www.agency.example"): 1,
}
EXEMPTIONS = """
[[exemptions]]
id = "pr-2031"
prefixes = ["127.0.10.7/32"]
services = ["telegram"]
until = 2199-03-20T23:59:59+03:30
approver = "رئیس روابط عمومی"
ticket = "PR-2031"

[[exemptions]]
id = "pr-old"
vlan = "publicity"
services = ["@messenger"]
until = 2020-03-20T23:59:59+03:30
approver = "Head of [red]PR"
ticket = "PR-1"
"""


def run(server: Server, *arguments: str, columns: int = 80) -> Done:
    return darban("status", *arguments, at=server.directory, COLUMNS=str(columns), NO_COLOR="")


def told(server: Server, *arguments: str) -> dict[str, Any]:
    done = run(server, "--json", *arguments)
    assert done.code == GOOD, done.err
    return done.json


@pytest.fixture(scope="module")
def asked_once(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    server = make_lasting(shipped([upstream]) + EXEMPTIONS)
    server.start()
    for (client, name), times in ASKED.items():
        for _ in range(times):
            assert ask(server.port, name, client=client) is not None
    return server


@pytest.fixture
def asked(asked_once: Server) -> Iterator[Server]:
    """A server that was asked what ASKED says.

    The tests at the end of this file ask it more, and reload it.
    """
    with asked_once.checked() as server:
        yield server


def test_json_is_what_was_asked(asked: Server) -> None:
    # Workers tell of their caches twice a second.
    status = wait_for(lambda: _with_cache(told(asked)), "the caches are told of")
    wait_for(lambda: told(asked)["missing_forward_queries"] == 2, "the workers tell of them")
    vlans = {vlan["name"]: vlan for vlan in status["vlans"]}
    administration = vlans["administration"]
    assert (administration["id"], administration["policy"]) == (10, "administrative")
    assert administration["mode"] == "enforce"
    assert administration["queries"] == 10
    assert administration["outcomes"] == {"blocked": 7, "exempted": 3}
    counts = {(s["service"], s["outcome"]): s["queries"] for s in administration["services"]}
    assert counts == {
        ("telegram", "blocked"): 5,
        ("whatsapp", "blocked"): 2,
        ("telegram", "exempted"): 3,
    }
    assert vlans["publicity"]["outcomes"] == {"passed": 7}
    assert vlans["unknown"]["outcomes"] == {"refused": 7}
    assert sum(vlan["queries"] for vlan in vlans.values()) == sum(ASKED.values())
    [upstream] = status["upstreams"]
    assert upstream["up"] is True
    # Each worker has a cache of its own, so that more than one may have had to ask; and where the
    # host stood still, a worker has asked again.
    assert 2 <= upstream["answered"] <= upstream["queries"] <= 8
    assert 0 < upstream["latency"] < 5
    assert status["cache"]["entries"] == upstream["answered"]
    states = {exemption["id"]: exemption["state"] for exemption in status["exemptions"]}
    assert states == {"pr-2031": "in force", "pr-old": "ended"}
    entries = {item["service"]: item["entries"] for item in status["lists"]}
    assert set(entries) == {path.stem for path in BLOCKLISTS.glob("*.txt")}
    assert status["pid"] == asked.pid
    assert status["config"] == str(asked.config.resolve())
    assert status["config_ok"] is True
    assert status["workers"] == status["workers_expected"] == len(asked.workers())
    assert Path(str(status["snapshot"])).name == status["hash"]
    assert float(str(status["started"])) <= float(str(status["at"])) <= time.time()


def _with_cache(status: dict[str, Any]) -> dict[str, Any] | None:
    [upstream], cache = status["upstreams"], status["cache"]
    return status if cache["entries"] == upstream["answered"] else None


def test_the_forgotten_vlan_is_found(asked: Server) -> None:
    assert told(asked, "--unknown") == {
        "prefixes": [
            {"prefix": "127.0.99.0/24", "refused": 6},
            {"prefix": "127.0.98.0/24", "refused": 1},
        ],
        "missed": 0,
    }
    done = run(asked, "--unknown")
    assert re.search(r"127\.0\.99\.0/24 +6\b.*\n127\.0\.98\.0/24 +1\b", done.out)
    assert "add its prefix to a [vlans.*]" in done.out


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--unknown"]])
def test_without_a_server(tmp_path: Path, arguments: list[str]) -> None:
    done = run(Server(tmp_path / "config.toml"), *arguments)
    assert done.code == UNREACHABLE
    assert "no server answers on" in done.err
    assert done.out == ""


def test_the_last_reload_and_that_the_config_is_not_in_force(asked: Server) -> None:
    assert told(asked)["last_reload"] is None
    asked.config.write_text("[server\n", encoding="utf-8")
    asked.expect_error("config.toml|reload by SIGHUP: invalid")
    asked.signal(signal.SIGHUP)
    status = wait_for(lambda: _reloaded(told(asked)), "the reload is told of")
    assert status["config_ok"] is False
    last = status["last_reload"]
    assert (last["result"], last["by"]) == ("invalid", "SIGHUP")  # type: ignore[index]
    assert "config.toml:1" in last["report"][0]  # type: ignore[index]
    shown = run(asked).out
    assert "by SIGHUP: invalid" in shown
    assert "the config is not in force" in shown


def _reloaded(status: dict[str, object]) -> dict[str, object] | None:
    return status if status["last_reload"] else None
