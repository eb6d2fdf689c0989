"""Protection against DNS rebinding, before a real NSD: answers, counts, block log and explain."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.clients import Asker
from tests.live.commands import GOOD, NO, darban
from tests.live.configs import edited, small
from tests.live.nsd import nsd
from tests.live.ports import free_port
from tests.live.server import Server
from tests.live.waiting import wait_for

PUBLICITY = "127.0.20.5"
OFF, ON = "rebinding_protection = false", "rebinding_protection = true"
_ZONE = """
$ORIGIN .
$TTL 300
@ SOA ns.scene. hostmaster.scene. 1 3600 600 86400 60
@ NS ns.scene.
ns.scene. A 127.0.0.1
page.scene. A 192.0.2.80
page.scene. A 10.0.0.30
filtered.scene. A 10.10.34.34
"""


@pytest.fixture
def server(make: Callable[[str], Server], nsd_program: Path, tmp_path: Path) -> Iterator[Server]:
    """Not started."""
    port = free_port()
    zones = tmp_path / "zones"
    zones.mkdir()
    with nsd(nsd_program, zones, port, zone=_ZONE):
        keys = f'{OFF}\nrebinding_allow = ["10.10.34.34/31"]'
        log = "[block_log]\nenabled = true\n"
        server = make(small([f"127.0.0.1:{port}"], upstream=keys, more=log))
        yield server


def test_private_addresses_are_withheld_while_the_protection_is_on(
    server: Server, dig_program: Path
) -> None:
    ask = Asker(dig_program, server.start().port)
    assert ask(PUBLICITY, "page.scene").data
    for before, after in ((OFF, ON), (ON, OFF)):
        edited(server.config, before, after)
        assert darban("reload", at=server.directory).code == GOOD
        answer = ask(PUBLICITY, "page.scene")  # which the cache has
        assert answer.status == "NOERROR"
        assert bool(answer.data) == (after == OFF)
        assert [code for code, _ in answer.errors] == ([] if after == OFF else [15])
        assert ask(PUBLICITY, "filtered.scene").data == ["10.10.34.34"]
    labels = {"vlan": "publicity", "outcome": "rebinding", "service": ""}
    assert server.scrape().value("darban_queries_total", **labels) == 1
    [line] = wait_for(lambda: _logged(server), "the block log has it")
    told = line["name"], line["type"], line["outcome"], line["target"]
    assert told == ("page.scene", "A", "rebinding", "10.0.0.30")


def _logged(server: Server) -> list[dict[str, str]]:
    files = sorted(server.state.glob("blocks*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_explain_says_why(server: Server) -> None:
    edited(server.config, OFF, ON)
    asked = ("explain", "--config", server.config, "--live", "--vlan", "publicity")
    done = darban(*asked, "page.scene", "--json", at=server.directory)
    assert done.code == NO
    told = done.json
    assert (told["outcome"], told["matched"]) == ("rebinding", "10.0.0.30")
    assert str(told["decided_by"]).startswith("rebinding_protection of [upstream]")
    assert darban(*asked, "filtered.scene", at=server.directory).code == GOOD
