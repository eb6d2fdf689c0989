"""Services that a policy counts before it blocks them: by real queries, on every page and export.

One VLAN has a policy that blocks messengers and counts social networks; another one blocks
messengers, and its default counts all else.
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, darban
from tests.live.configs import shipped
from tests.live.server import Server
from tests.live.waiting import wait_for

pytestmark = pytest.mark.core

MORE = """
[policies.trial]
block = ["@messenger"]
count = ["@social-network"]
directives = ["1595"]
[policies.servers]
block = ["@messenger"]
allow = ["agency.example"]
default = "count"
[vlans.trial]
prefixes = ["127.0.30.0/24"]
policy = "trial"
[vlans.servers]
prefixes = ["127.0.31.0/24"]
policy = "servers"
[block_log]
enabled = true
[warnings]
acknowledged = ["no-encrypted-dns"]
[[expect]]
client = "127.0.30.5"
name = "www.instagram.com"
outcome = "would_block"
service = "instagram"
[[expect]]
client = "127.0.31.5"
name = "www.agency.example"
outcome = "passed"
"""
ASKED = {
    ("127.0.30.5", "web.telegram.org"): ("blocked", "telegram"),
    ("127.0.30.5", "www.instagram.com"): ("would_block", "instagram"),
    ("127.0.31.5", "web.telegram.org"): ("blocked", "telegram"),
    ("127.0.31.5", "www.instagram.com"): ("would_block", "instagram"),
    ("127.0.31.5", "other.example"): ("would_block", ""),
    ("127.0.31.5", "www.agency.example"): ("passed", ""),
}
"""What each query comes to, by client and name."""
VLANS = {"127.0.30.5": "trial", "127.0.31.5": "servers"}


@pytest.fixture(scope="module")
def server(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    """A server that was asked these questions."""
    found = make_lasting(shipped([upstream], workers=1) + MORE).start()
    for (client, name), (outcome, _) in ASKED.items():
        answer = ask(found.port, name, client=client)
        assert answer is not None
        sinkholed = [str(record.rdata) for record in answer.rr] == ["0.0.0.0"]
        assert sinkholed == (outcome == "blocked"), (client, name)
    return found


def _at(server: Server, *arguments: str) -> Any:  # noqa: ANN401 - JSON has any shape
    return darban(*arguments, "--config", server.config, "--json", at=server.directory).json


def test_explain_names_what_decided(server: Server) -> None:
    for (client, name), (outcome, service) in ASKED.items():
        done = darban("explain", "--config", server.config, client, name, at=server.directory)
        assert done.code == (NO if outcome == "blocked" else GOOD)
        assert done.out.startswith(f"{name} A: {outcome}\n"), done.out
        told = _at(server, "explain", client, name)
        assert (told["outcome"], told["service"]) == (outcome, service)
    counted = _at(server, "explain", "127.0.30.5", "www.instagram.com")["decided_by"]
    assert re.fullmatch(
        r"policy trial counts the service: list \S+instagram\.txt, line \d+", counted
    )
    by_default = _at(server, "explain", "127.0.31.5", "other.example")["decided_by"]
    assert by_default == "default of policy servers"


def test_metrics_and_status_tell_blocks_from_counts(server: Server) -> None:
    scrape = server.scrape()
    for (client, _), (outcome, service) in ASKED.items():
        labels = {"vlan": VLANS[client], "outcome": outcome, "service": service}
        assert scrape.value("darban_queries_total", **labels) == 1, labels
    for vlan in VLANS.values():
        assert scrape.total("darban_vlan_info", vlan=vlan, mode="enforce") == 1
    messengers = scrape.value("darban_vlan_bans", vlan="trial")
    assert 0 < messengers == scrape.value("darban_vlan_bans", vlan="servers")
    status = _at(server, "status")
    (trial,) = (item for item in status["vlans"] if item["name"] == "trial")
    assert (trial["mode"], trial["outcomes"]) == ("enforce", {"blocked": 1, "would_block": 1})
    whoami = ask(server.port, "whoami.darban.internal", "TXT", client="127.0.30.5")
    assert whoami is not None
    assert "mode=enforce" in " ".join(str(record.rdata) for record in whoami.rr)


def test_the_block_log_has_both(server: Server) -> None:
    expected = sum(outcome != "passed" for outcome, _ in ASKED.values())
    log = server.state / "blocks.jsonl"
    wait_for(lambda: len(log.read_text().splitlines()) >= expected, "all records")
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert [
        (record["vlan"], record["name"], record["outcome"], record["service"]) for record in records
    ] == [
        (VLANS[client], name, outcome, service)
        for (client, name), (outcome, service) in ASKED.items()
        if outcome != "passed"
    ]
    assert records[-1]["rule"] == "default"


def test_the_pages_say_what_is_counted(server: Server) -> None:
    with urlopen(f"http://127.0.0.1:{server.metrics_port}/?lang=en", timeout=10) as page:
        status = page.read().decode()
    trial = status.partition("<h3><bdi>trial</bdi>")[2].partition("</dl>")[0]
    assert re.findall(r"<dt>([^<]+)</dt>", trial)[:2] == ["Blocks", "Only counts"]
    blocked, _, counted = trial.partition("Only counts")
    assert "@messenger" in blocked
    assert "@social-network" in counted
    servers = status.partition("<h3><bdi>servers</bdi>")[2].partition("</dl>")[0]
    assert "all other names" in servers.partition("Only counts")[2]
    done = darban("report", "--config", server.config, "--language", "en", at=server.directory)
    assert done.code == GOOD, done.err
    of_trial = done.out.partition("VLAN <bdi>trial</bdi>")[2].partition("<h2>")[0]
    assert of_trial.count("only counted") == 9
    assert "all other names, except this network’s own, only counted" in done.out


def test_the_report_has_what_is_done_to_each_service(server: Server) -> None:
    report = _at(server, "report")
    vlans = {vlan["name"]: vlan for vlan in report["vlans"]}
    does = {service["name"]: service["does"] for service in vlans["trial"]["services"]}
    assert (does["telegram"], does["instagram"]) == ("block", "count")
    assert (vlans["servers"]["default"], vlans["servers"]["mode"]) == ("count", "enforce")
    now = dt.datetime.now(dt.UTC).isoformat()
    effective = darban(
        *("history", "trial", "--at", now, "--config", server.config), at=server.directory
    ).out
    assert re.search(r"(?m)^counted only, by the agency's own policy: .*instagram", effective)
    assert re.search(r"(?m)^blocked, by directive 1595/الف/م: .*telegram", effective)


def test_what_is_counted_instead_of_blocked_is_told(server: Server, tmp_path: Path) -> None:
    text = server.config.read_text(encoding="utf-8")
    new = tmp_path / "new.toml"
    less = text.replace(
        'block = ["@messenger"]\ncount = ["@social-network"]',
        'block = ["telegram"]\ncount = ["@social-network", "whatsapp"]',
    )
    new.write_text(less, encoding="utf-8")
    done = darban("diff", new, "--config", server.config, at=server.directory)
    assert re.search(r"  ~ trial\n      block: \d+ gone\n", done.out), done.out
    assert "count: + whatsapp" in done.out
