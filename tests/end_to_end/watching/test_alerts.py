"""Real faults of a real server: what a real Prometheus finds for the alert that is for them.

The expressions are the shipped ones, evaluated over the series that the server exports meanwhile.
An alert's ``for`` is not waited for.
"""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from dnslib import DNSRecord

from tests.fetch.source_server import Sources
from tests.live.clients import ask
from tests.live.commands import GOOD, NO
from tests.live.configs import edited
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.prometheus import Prometheus, Vector, prometheus
from tests.live.reloading import DENY, OPEN, reload
from tests.live.server import Server
from tests.live.subscribed import SUBSCRIBED, blocked, hosts, run
from tests.live.waiting import wait_for
from tests.watching.expressions import alerts

MakeSmall = Callable[..., Server]
_EXPECT = """
[[expect]]
client = "127.0.30.5"
name = "open.example"
outcome = "passed"
"""
_OTHER = """
[upstreams.other]
servers = ["127.0.0.1:{dead}"]
[policies.other]
upstream = "other"
[vlans.small]
prefixes = ["127.0.50.0/24"]
policy = "other"
"""


@pytest.fixture
def program() -> Path:
    return needed("prometheus")


def _found(served: Prometheus, alert: str) -> Vector:
    """What an alert is for, as it is now."""
    [expression] = [table["expr"] for table in alerts() if table["alert"] == alert]
    return served.vector(expression)


def test_workers_that_end_again_and_again(
    make_small: MakeSmall, tmp_path: Path, program: Path
) -> None:
    server = make_small(server="workers = 2").start()
    with prometheus(program, tmp_path, server.metrics_port) as served:
        for number in range(1, 4):
            assert not _found(served, "DarbanRestarts")
            os.kill(server.workers()[0], signal.SIGKILL)
            wait_for(
                lambda number=number: served.value("darban_worker_restarts_total") == number,
                "its successor serves",
            )
        assert _found(served, "DarbanRestarts")
        assert not _found(served, "DarbanNotAnswering")


def test_a_server_that_is_started_again_and_again(
    make_small: MakeSmall, tmp_path: Path, program: Path
) -> None:
    server = make_small().start()
    with prometheus(program, tmp_path, server.metrics_port) as served:
        for _ in range(3):
            assert not _found(served, "DarbanRestarts")
            before = served.value("darban_started_timestamp_seconds")
            server.kill_what_is_left()
            server.start()
            wait_for(
                lambda before=before: (
                    (served.value("darban_started_timestamp_seconds") or before) != before
                ),
                "Prometheus has seen the start",
            )
        assert list(_found(served, "DarbanRestarts").values()) == [3]
        assert not _found(served, "DarbanDown")


def test_a_small_vlan_whose_upstream_fails(
    make_small: MakeSmall, tmp_path: Path, program: Path
) -> None:
    server = make_small(more=_OTHER.format(dead=free_port())).start()
    with prometheus(program, tmp_path, server.metrics_port) as served:
        for number in range(1000):
            client = "127.0.50.5" if number % 25 == 0 else "127.0.20.5"
            ask(server.port, f"name-{number}.example", client=client)
        found = wait_for(lambda: _found(served, "DarbanServfail"), "it is found")
        assert [(dict(labels)["vlan"], value) for labels, value in found.items()] == [("small", 1)]


def test_many_clients_behind_one_address(
    make_small: MakeSmall, tmp_path: Path, program: Path
) -> None:
    server = make_small(more="[limits]\nqueries_per_address = 20\n").start()
    query = DNSRecord.question("agency.example").pack()
    with (
        prometheus(program, tmp_path, server.metrics_port) as served,
        socket.socket(type=socket.SOCK_DGRAM) as many,
    ):
        many.bind(("127.0.20.5", 0))
        for _ in range(1000):
            many.sendto(query, ("127.0.0.1", server.port))
        found = wait_for(lambda: _found(served, "DarbanQueriesDropped"), "it is found")
    assert [dict(labels)["vlan"] for labels in found] == ["publicity"]


def test_a_reload_is_no_restart(make_small: MakeSmall) -> None:
    server = make_small().start()
    before = server.scrape()
    edited(server.config, DENY, OPEN)
    assert reload(server).code == GOOD
    after = server.scrape()
    for name, is_same in (("snapshot_loaded", False), ("started", True)):
        metric = f"darban_{name}_timestamp_seconds"
        assert (after.value(metric) == before.value(metric)) == is_same, name


def test_a_fetched_list_that_breaks_an_expectation(
    make_small: MakeSmall, sources: Sources, tmp_path: Path, program: Path
) -> None:
    sources.says["/ads"] = hosts("a.example")
    server = make_small(more=SUBSCRIBED.replace("URL", sources.url("/ads")) + _EXPECT)
    server.expect_error("lists by a list that was fetched: refused|expect|list ads: ")
    server.start()
    wait_for(lambda: blocked(server, "a.example"), "the list is in force")
    with prometheus(program, tmp_path, server.metrics_port) as served:
        sources.says["/ads"] = hosts("a.example", "open.example")
        assert run(server, "lists", "update").code == NO
        found = wait_for(lambda: _found(served, "DarbanConfigNotInForce"), "it is found")
        assert [dict(labels)["result"] for labels in found] == ["refused"]
    # what the alert says to run: the config is good, and only this tells the reason
    assert run(server, "check").code == GOOD
    told = run(server, "lists").out
    assert "held, since what was fetched last breaks the policy: " in told
    assert "expected passed, got blocked as ads" in told
    [alert] = [table for table in alerts() if table["alert"] == "DarbanConfigNotInForce"]
    assert "darban lists" in alert["annotations"]["action"]
