"""A firewall that fetches address lists: closed by policy, and never open by accident."""

import datetime as dt
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.config.tables import FAR, exemption
from tests.live.configs import BLOCKLISTS, edited, replaced_once
from tests.live.fetching_router import FetchingRouter
from tests.live.gateway import ABROAD, SERVERS, Gateway, gateway_network
from tests.live.namespaces import ADMINISTRATION
from tests.live.programs import needed
from tests.live.reloading import reload
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

V4, GATEWAY = SERVERS.client[0], SERVERS.server[0]
TELEGRAM = ABROAD[2:]
"""Addresses of Telegram's ranges, of both families."""
FEEDS, HTTPS = 9154, 443
CONFIG = f"""
[server]
listen = ["{V4}:53"]
workers = 1
[feeds]
listen = ["{V4}:{FEEDS}"]
from = ["{GATEWAY}/32"]
[upstream]
servers = ["127.0.0.1:5353"]
[lists]
directories = ["{{blocklists}}"]
[policies.administrative]
block = ["@messenger", "@encrypted-dns"]
[vlans.administration]
prefixes = ["10.10.0.0/16", "fd00:10::/64"]
policy = "administrative"
"""


@pytest.fixture(scope="module")
def network(ip_program: Path, nft_program: Path) -> Iterator[Gateway]:
    with gateway_network(ip_program, nft_program) as gateway, gateway.serving(TELEGRAM, (HTTPS,)):
        yield gateway


@pytest.fixture
def server(network: Gateway, tmp_path: Path) -> Iterator[Server]:
    text = CONFIG.format(blocklists=BLOCKLISTS)
    with ExitStack() as stack:
        server = stack.enter_context(servers(tmp_path))(text)
        server.through = network.into(network.server)
        server.start()
        yield server
        server.check_log()


@pytest.fixture
def router(network: Gateway, server: Server) -> FetchingRouter:
    router = FetchingRouter(network, needed("curl"), f"http://{V4}:{FEEDS}", "telegram")
    wait_for(lambda: router.status() == "200", "the feeds are served")
    router.begin()
    assert _reached(network) == ["open", "open"]
    router.fetch()
    assert _reached(network) != ["open", "open"]
    assert server.config.exists()
    return router


def _reached(network: Gateway) -> list[str]:
    """How the client reaches the messenger by addresses of both families."""
    return [network.knock(address, HTTPS) for address in TELEGRAM]


def _is_open(network: Gateway) -> bool:
    found = {each == "open" for each in _reached(network)}
    assert len(found) == 1, "IPv4 and IPv6 differ"
    return found.pop()


def test_policy_and_exemptions_open_and_close_it_with_the_next_fetch(
    network: Gateway, server: Server, router: FetchingRouter
) -> None:
    text = server.config.read_text(encoding="utf-8")
    mine = tuple(f"{each}/{128 if ':' in each else 32}" for each in ADMINISTRATION.client)
    server.config.write_text(text + exemption("pr", "telegram", prefixes=mine, until=FAR))
    assert reload(server).code == 0
    assert not _is_open(network)
    router.fetch()
    assert _is_open(network)
    server.config.write_text(text)
    assert reload(server).code == 0
    router.fetch()
    assert not _is_open(network)
    server.config.write_text(replaced_once(text, "block = ", "count = "))
    assert reload(server).code == 0
    router.fetch()
    assert _is_open(network)


def test_an_exemption_that_ends_closes_it_without_a_reload(
    network: Gateway, server: Server, router: FetchingRouter
) -> None:
    end = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=6)
    mine = tuple(f"{each}/{128 if ':' in each else 32}" for each in ADMINISTRATION.client)
    text = server.config.read_text(encoding="utf-8")
    ending = exemption("pr", "telegram", prefixes=mine, until=end.isoformat())
    server.config.write_text(text + ending)
    assert reload(server).code == 0
    router.fetch()
    assert _is_open(network)
    wait_for(lambda: dt.datetime.now(dt.UTC) > end, "it has ended")
    router.fetch()
    assert not _is_open(network)


def test_a_server_that_is_away_or_refuses_its_config_leaves_it_closed(
    network: Gateway, server: Server, router: FetchingRouter
) -> None:
    assert server.stop().code == 0
    assert router.status() == "000"
    router.fetch()
    assert not _is_open(network)
    edited(server.config, "block = ", "blocks = ")
    server.expect_error("the last good snapshot")
    server.options = ("--last-good",)
    server.start()
    wait_for(lambda: router.status() == "200", "the feeds are served again")
    router.fetch()
    assert not _is_open(network)


def test_only_the_listed_firewall_gets_a_list_and_an_unchanged_one_costs_nothing(
    network: Gateway, router: FetchingRouter
) -> None:
    url = f"{router.url}/telegram/clients.txt"
    command = [*network.into(network.client), str(router.curl), "-s", "-o", "/dev/null"]
    done = subprocess.run(
        [*command, "-w", "%{http_code}", url], capture_output=True, text=True, check=True
    )
    assert done.stdout == "403"
    into = network.into(network.gateway)
    head = subprocess.run(
        [*into, str(router.curl), "-s", "-D", "-", "-o", "/dev/null", url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (tag,) = (line.split(": ")[1] for line in head.splitlines() if line.startswith("ETag"))
    assert router.status("clients.txt", "-H", f"If-None-Match: {tag}") == "304"
    assert router.status("nothing.txt") == "404"
