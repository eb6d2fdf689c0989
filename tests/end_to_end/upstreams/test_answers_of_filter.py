"""An upstream that answers as the national filter does: replies, counts, status and explain."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.clients import Asker
from tests.live.commands import GOOD, darban
from tests.live.configs import BLOCKLISTS, edited, replaced_once, small
from tests.live.nsd import nsd
from tests.live.ports import free_port
from tests.live.server import Server
from tests.live.waiting import wait_for

ADMINISTRATION, PUBLICITY = "127.0.10.5", "127.0.20.5"
FORGED = 4
OWN = "own_prefixes = []"
_ZONE = """
$ORIGIN .
$TTL 86400
@ SOA ns.scene. hostmaster.scene. 1 3600 600 86400 60
@ NS ns.scene.
ns.scene. A 127.0.0.1
filtered.scene. A 10.10.34.35
filtered.scene. AAAA 2001:4188:2:600:10:10:34:35
web.telegram.org. A 10.10.34.36
alias.scene. CNAME filtered.scene.
honest.scene. A 10.10.34.1
honest.scene. AAAA 2001:db8::81
"""
_FILTERED = {
    ("filtered.scene", "A"): ["10.10.34.35"],
    ("filtered.scene", "AAAA"): ["2001:4188:2:600:10:10:34:35"],
    ("web.telegram.org", "A"): ["10.10.34.36"],
    ("alias.scene", "A"): ["filtered.scene.", "10.10.34.35"],
}


@pytest.fixture
def server(make: Callable[[str], Server], nsd_program: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that runs, with the addresses of the release and with a block log."""
    port = free_port()
    zones, lists = tmp_path / "zones", tmp_path / "lists"
    zones.mkdir()
    lists.mkdir()
    shutil.copy(BLOCKLISTS / "national.filter", lists)
    with nsd(nsd_program, zones, port, zone=_ZONE):
        config = small([f"127.0.0.1:{port}"], upstream=OWN, more="[block_log]\nenabled = true\n")
        config = replaced_once(config, "directories = []", f'directories = ["{lists}"]')
        yield make(config).start()


def test_what_the_national_filter_answers(server: Server, dig_program: Path) -> None:
    ask = Asker(dig_program, server.port)
    for question, data in _FILTERED.items():
        for _ in range(2):  # from the upstream, then from the cache
            answer = ask(PUBLICITY, *question)
            assert (answer.status, answer.data) == ("NOERROR", data), question
            [(code, text)] = answer.errors
            assert (code, text) == (
                FORGED,
                "answer of the national filter; not this network's policy",
            )
            assert all(int(record.split()[1]) <= 60 for record in answer.answer), answer.answer
    for rtype in ("A", "AAAA"):
        honest = ask(PUBLICITY, "honest.scene", rtype)
        assert honest.errors == []
        assert int(honest.answer[0].split()[1]) > 60
    blocked = ask(ADMINISTRATION, "web.telegram.org")
    assert blocked.data == ["0.0.0.0"]
    assert [code for code, _ in blocked.errors] != [FORGED]

    def counted(vlan: str, outcome: str) -> float | None:
        labels = {"vlan": vlan, "outcome": outcome, "service": ""}
        return server.scrape().value("darban_queries_total", **labels)

    wait_for(lambda: counted("administration", "blocked") == 1, "all queries are counted")
    assert counted("publicity", "national_filter") == 2 * len(_FILTERED)
    assert counted("administration", "national_filter") == 0
    assert counted("publicity", "passed") == 2
    assert "national filter" in " ".join(darban("status", at=server.directory).out.split())


def test_explain_says_whose_answer_it_is(server: Server, dig_program: Path) -> None:
    Asker(dig_program, server.port)(PUBLICITY, "filtered.scene")
    said = darban("explain", "publicity", "filtered.scene", "--live", at=server.directory)
    assert said.code == GOOD, "the policy lets the name pass"
    assert said.out.startswith("filtered.scene A: national_filter\n")
    told = darban("explain", "publicity", "filtered.scene", "--live", "--json", at=server.directory)
    assert told.json["matched"] == "10.10.34.35"
    assert "national.filter, line" in told.json["decided_by"]
    for reply in (told.json["asked_now"], told.json["cached"][0]["reply"], told.json["receives"]):
        assert reply["ede"] == ["4 answer of the national filter; not this network's policy"]
        assert reply["ttl"] <= 60


def test_a_network_of_the_agency_at_these_addresses(server: Server, dig_program: Path) -> None:
    ask = Asker(dig_program, server.port)
    for before, after, errors in (
        ("", "", [FORGED]),
        (OWN, 'own_prefixes = ["10.10.34.0/24"]', []),
        ('own_prefixes = ["10.10.34.0/24"]', OWN, [FORGED]),
    ):
        if before:
            edited(server.config, before, after)
            assert darban("reload", at=server.directory).code == GOOD
        answer = ask(PUBLICITY, "filtered.scene")  # which the cache has
        assert answer.data == ["10.10.34.35"]
        assert [code for code, _ in answer.errors] == errors
        ipv6 = ask(PUBLICITY, "filtered.scene", "AAAA")
        assert [code for code, _ in ipv6.errors] == [FORGED]


def test_the_block_log_has_no_line_of_it(server: Server, dig_program: Path) -> None:
    ask = Asker(dig_program, server.port)
    for question in _FILTERED:
        ask(PUBLICITY, *question)
    ask(ADMINISTRATION, "web.telegram.org")
    server.stop()  # which writes what is gathered
    files = server.state.glob("blocks*.jsonl")
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert len(lines) == 1
    assert "web.telegram.org" in lines[0]
    assert '"outcome": "blocked"' in lines[0]
