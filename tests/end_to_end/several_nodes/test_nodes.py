"""Two nodes behind dnsdist: each can be drained and upgraded without a lost query."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resolver import __version__
from tests.live.clients import ask
from tests.live.commands import GOOD, UNREACHABLE, darban
from tests.live.configs import ROOT, shipped
from tests.live.counted_load import counted_load
from tests.live.dnsdist import dnsdist
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.scraping import scrape
from tests.live.server import Server
from tests.live.waiting import wait_for

RATE = 200


_STATISTICS = """
webserver("127.0.0.1:{port}")
setWebserverConfig({{statsRequireAuthentication=false}})
"""


class Nodes:
    """The nodes, dnsdist's port for clients, and the port of its statistics."""

    def __init__(self, nodes: list[Server], port: int, statistics: int) -> None:
        self.nodes = nodes
        self.port = port
        self._statistics = statistics

    def is_up(self, number: int) -> bool:
        """Whether dnsdist asks a node."""
        return self._status(number) == 1

    def is_down(self, number: int) -> bool:
        """Whether dnsdist has found that a node fails health checks."""
        return self._status(number) == 0

    def _status(self, number: int) -> float | None:
        """What dnsdist says of a node; None before it says anything."""
        found = scrape(self._statistics)
        name = "dnsdist_server_status"
        if found is None or not any(text == name for text, _ in found.values):
            return None
        return found.total(name, server=f"node-{number}")


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Iterator[Nodes]:
    proxied = [free_port(), free_port()]
    port, statistics = free_port(), free_port()
    front = f'[front]\ndns = ["127.0.0.1:{port}"]\n'
    front += f"nodes = {[f'127.0.0.1:{number}' for number in proxied]}\n"
    servers = []
    for number in proxied:
        proxy = f'[server.proxy]\nlisten = ["127.0.0.1:{number}"]\nfrom = ["127.0.0.1/32"]\n'
        servers.append(make_lasting(shipped([upstream]) + proxy + front))
    for server in servers:
        server.start()
    more = _STATISTICS.format(port=statistics)
    with dnsdist(needed("dnsdist"), servers[0].config, more=more):
        yield Nodes(servers, port, statistics)


@pytest.fixture
def nodes(lasting: Nodes) -> Iterator[Nodes]:
    """Both nodes, of which dnsdist has found both up."""
    wait_for(lambda: lasting.is_up(1) and lasting.is_up(2), "both nodes are up")
    first, second = lasting.nodes
    with first.checked(), second.checked():
        yield lasting


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another release: a directory with what its wheel has, whose version ends in "+next"."""
    directory = tmp_path_factory.mktemp("release")
    environment = {**os.environ, "PYTHON": sys.executable, "DARBAN_BUILD": "next"}
    subprocess.run([ROOT / "deploy/wheel.sh", directory], env=environment, check=True)
    [wheel] = (directory / "wheel").iterdir()
    install = (sys.executable, "-m", "pip", "--quiet", "install", "--no-deps", "--target")
    subprocess.run([*install, directory / "installed", wheel], check=True)
    return directory / "installed"


def test_a_node_says_that_it_drains_and_goes_on_answering(nodes: Nodes) -> None:
    node = nodes.nodes[0]
    assert node.scrape().value("darban_faults", kind="draining") == 0
    assert darban("drain", "--config", node.config, at=node.directory).code == GOOD
    wait_for(lambda: _rcode(node, "health.darban.internal") == 2, "SERVFAIL")
    assert node.scrape().value("darban_faults", kind="draining") == 1
    assert _rcode(node, "localhost") == 0
    status = darban("status", "--json", "--config", node.config, at=node.directory).json
    assert status["not_ready"] == "draining"
    done = darban("drain", "--end", "--config", node.config, at=node.directory)
    assert done.out.rstrip().endswith("is ready: health checks succeed")
    wait_for(lambda: _rcode(node, "health.darban.internal") == 0, "NOERROR")


def test_a_worker_that_is_replaced_drains_too(nodes: Nodes) -> None:
    node = nodes.nodes[0]
    assert darban("drain", "--config", node.config, at=node.directory).code == GOOD
    node.expect_error("worker")
    restarts = node.scrape().value("darban_worker_restarts_total")
    killed = node.workers()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    restarts += len(killed)
    wait_for(
        lambda: (
            node.scrape().value("darban_worker_restarts_total") >= restarts
            and node.scrape().value("darban_workers") == len(killed)
        ),
        "all are replaced",
    )
    for _ in range(10):
        assert _rcode(node, "health.darban.internal") == 2
    assert darban("drain", "--end", "--config", node.config, at=node.directory).code == GOOD


def test_nodes_that_all_drain_go_on_answering_through_dnsdist(nodes: Nodes) -> None:
    for node in nodes.nodes:
        assert darban("drain", "--config", node.config, at=node.directory).code == GOOD
    wait_for(lambda: not nodes.is_up(1) and not nodes.is_up(2), "dnsdist has found both down")
    asked = [_queries(node) for node in nodes.nodes]
    with counted_load(nodes.port, RATE) as told:
        wait_for(
            lambda: all(_queries(n) > a + 50 for n, a in zip(nodes.nodes, asked, strict=True)),
            "both are asked",
        )
    assert told["asked"] > 0
    assert (told["lost"], told["failed"], told["refused"]) == (0, 0, 0)
    for node in nodes.nodes:
        assert darban("drain", "--end", "--config", node.config, at=node.directory).code == GOOD


def test_nodes_are_upgraded_one_after_the_other_without_a_lost_query(
    nodes: Nodes, release: Path
) -> None:
    with counted_load(nodes.port, RATE) as told:
        for number, node in enumerate(nodes.nodes, 1):
            done = darban("drain", "--config", node.config, at=node.directory)
            assert done.code == GOOD
            wait_for(lambda n=number: nodes.is_down(n), "it gets no queries")
            assert node.stop().code == 0
            node.environment = {**node.environment, "PYTHONPATH": str(release)}
            node.start()
            wait_for(lambda n=number: nodes.is_up(n), "it gets queries again")
    for node in nodes.nodes:
        assert node.out.count(f"darban {__version__}, ") == 1
        assert node.out.count(f"darban {__version__}+next, ") == 1
    assert told["asked"] > 0
    assert (told["lost"], told["failed"], told["refused"]) == (0, 0, 0)


def test_a_node_that_is_killed_leaves_its_clients_to_the_other(nodes: Nodes) -> None:
    """The last test, which leaves one node."""
    asked = _queries(nodes.nodes[1])
    nodes.nodes[0].kill_what_is_left()
    wait_for(lambda: nodes.is_down(1), "dnsdist has found it down")
    with counted_load(nodes.port, RATE) as told:
        wait_for(lambda: _queries(nodes.nodes[1]) > asked + RATE, "the other node is asked")
    assert (told["lost"], told["failed"], told["refused"]) == (0, 0, 0)


def test_a_node_that_drains_is_asked_where_the_other_is_down(lasting: Nodes) -> None:
    """After the last test of both: one is killed."""
    killed, node = lasting.nodes
    killed.kill_what_is_left()
    assert darban("drain", "--config", node.config, at=node.directory).code == GOOD
    wait_for(lambda: not lasting.is_up(1) and not lasting.is_up(2), "dnsdist has found both down")
    asked = _queries(node)
    with counted_load(lasting.port, RATE) as told:
        wait_for(lambda: _queries(node) > asked + RATE, "it is asked")
    assert (told["lost"], told["failed"], told["refused"]) == (0, 0, 0)


def test_no_server_to_drain(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(shipped(["192.0.2.1"]), encoding="utf-8")
    assert darban("drain", "--config", "config.toml", at=tmp_path).code == UNREACHABLE


def _rcode(node: Server, name: str) -> int | None:
    answer = ask(node.port, name)
    return None if answer is None else answer.header.rcode


def _queries(node: Server) -> float:
    return node.scrape().total("darban_queries_total", vlan="administration", outcome="passed")
