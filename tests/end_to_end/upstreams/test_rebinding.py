"""Protection against DNS rebinding, before a real NSD: answers, counts, block log and explain."""

import json
from collections.abc import Callable, Iterator
from ipaddress import ip_address
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
page.scene. HTTPS 1 . ipv6hint=2001:db8::1,fd00::1
page.scene. SVCB 1 . ipv4hint=192.0.2.80,192.168.1.1
page.scene. AAAA ::ffff:127.0.0.1
alias.scene. CNAME page.scene.
2.0.0.127.zen.scene. A 127.0.0.2
filtered.scene. A 10.10.34.34
public.scene. A 192.0.2.81
"""


@pytest.fixture
def server(make: Callable[[str], Server], nsd_program: Path, tmp_path: Path) -> Iterator[Server]:
    """Makes a server that lets two things through; not yet started."""
    port = free_port()
    zones = tmp_path / "zones"
    zones.mkdir()
    with nsd(nsd_program, zones, port, zone=_ZONE):
        keys = f'{OFF}\nrebinding_allow = ["zen.scene", "10.10.34.34/31"]'
        log = "[block_log]\nenabled = true\n"
        server = make(small([f"127.0.0.1:{port}"], upstream=keys, more=log))
        yield server


_PRIVATE = [
    *(("page.scene", "A"), ("page.scene", "AAAA"), ("page.scene", "HTTPS")),
    *(("page.scene", "SVCB"), ("alias.scene", "A")),
]
_LET_THROUGH = {
    "2.0.0.127.zen.scene": ["127.0.0.2"],
    "filtered.scene": ["10.10.34.34"],
    "public.scene": ["192.0.2.81"],
}


def test_private_addresses_are_withheld_while_the_protection_is_on(
    server: Server, dig_program: Path
) -> None:
    ask = Asker(dig_program, server.start().port)
    for question in _PRIVATE:
        assert ask(PUBLICITY, *question).data, question
    for before, after in ((OFF, ON), (ON, OFF)):
        edited(server.config, before, after)
        assert darban("reload", at=server.directory).code == GOOD
        for question in _PRIVATE:  # which the cache has
            answer = ask(PUBLICITY, *question)
            assert answer.status == "NOERROR"
            assert bool(answer.data) == (after == OFF), question
            assert [code for code, _ in answer.errors] == ([] if after == OFF else [15])
        for name, data in _LET_THROUGH.items():
            assert ask(PUBLICITY, name).data == data
    labels = {"vlan": "publicity", "outcome": "rebinding", "service": ""}
    assert server.scrape().value("darban_queries_total", **labels) == len(_PRIVATE)
    lines = wait_for(lambda: _logged(server, len(_PRIVATE)), "the block log has them")
    assert [(line["name"], line["type"], line["outcome"], line["target"]) for line in lines] == [
        ("page.scene", "A", "rebinding", "10.0.0.30"),
        ("page.scene", "AAAA", "rebinding", str(ip_address("::ffff:7f00:1"))),
        ("page.scene", "HTTPS", "rebinding", "fd00::1"),
        ("page.scene", "SVCB", "rebinding", "192.168.1.1"),
        ("alias.scene", "A", "rebinding", "10.0.0.30"),
    ]


def _logged(server: Server, lines: int) -> list[dict[str, str]]:
    files = sorted(server.state.glob("blocks*.jsonl"))
    found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return found if len(found) >= lines else []


def test_explain_says_why(server: Server) -> None:
    edited(server.config, OFF, ON)
    asked = ("explain", "--config", server.config, "--live", "--vlan", "publicity")
    done = darban(*asked, "alias.scene", "--json", at=server.directory)
    assert done.code == NO
    told = done.json
    assert (told["outcome"], told["matched"]) == ("rebinding", "10.0.0.30")
    assert str(told["decided_by"]).startswith("rebinding_protection of [upstream]")
    assert darban(*asked, "2.0.0.127.zen.scene", at=server.directory).code == GOOD
