"""Queries for other resolvers that a gateway redirects: answered by policy, counted by VLAN.

The rules of the gateway are those of deploy/router/darban-redirect.nft.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live.clients import read, run
from tests.live.commands import darban
from tests.live.configs import replaced_once, shipped
from tests.live.gateway import ABROAD, SERVERS, Gateway, gateway_network
from tests.live.nsd import ANY_V4, nsd
from tests.live.redirecting_rules import rules
from tests.live.server import Server, servers

NAME = "web.telegram.org"
V4, V6 = SERVERS.client
_UPSTREAM, _METRICS = 5353, 9153


@pytest.fixture(scope="module")
def network(ip_program: Path, nft_program: Path) -> Iterator[Gateway]:
    with gateway_network(ip_program, nft_program) as gateway:
        gateway.load(rules())
        yield gateway


@pytest.fixture(scope="module")
def server(
    network: Gateway, nsd_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("redirected")
    text = shipped([f"127.0.0.1:{_UPSTREAM}"], 53, _METRICS, [f"{V4}:53", f"[{V6}]:53"])
    listeners = f'[server]\nredirected = ["{V4}:5353", "[{V6}]:5353"]\n'
    text = replaced_once(text, "[server]\n", listeners)
    into = network.into(network.server)
    with ExitStack() as stack:
        stack.enter_context(nsd(nsd_program, directory, _UPSTREAM, into))
        server = stack.enter_context(servers(directory))(text)
        server.through = into
        server.start()
        yield server
        assert server.stop().code == 0
        server.check_log()


def _counted(server: Server) -> float:
    return server.scrape().value("darban_redirected_queries_total", vlan="administration")


def _dig(network: Gateway, dig: Path, at: str, name: str, *more: str) -> list[str]:
    asked = [dig, f"@{at}", name, "A", "+tries=1", "+timeout=5", *more]
    return read(run([*network.into(network.client), *map(str, asked)])).data


@pytest.mark.parametrize("at", ABROAD[:2])
@pytest.mark.parametrize("more", [[], ["+tcp"]])
def test_a_query_for_another_resolver_is_answered_by_policy_and_counted(
    network: Gateway, server: Server, dig_program: Path, at: str, more: list[str]
) -> None:
    before = _counted(server)
    assert _dig(network, dig_program, at, NAME, *more) == ["0.0.0.0"]
    assert _dig(network, dig_program, at, "www.example.org", *more) == [ANY_V4]
    assert _counted(server) == before + 2


@pytest.mark.parametrize("at", [V4, V6])
def test_a_query_for_this_server_is_no_redirected_one(
    network: Gateway, server: Server, dig_program: Path, at: str
) -> None:
    before = _counted(server)
    assert _dig(network, dig_program, at, NAME) == ["0.0.0.0"]
    assert _counted(server) == before


def test_dns_over_tls_to_another_resolver_is_refused_at_once(network: Gateway) -> None:
    """So a device falls back to plain DNS, and does not wait."""
    for at in ABROAD[:2]:
        assert network.knock(at, 853) == "ConnectionRefusedError"


def test_the_status_says_which_vlan_asks_around(
    network: Gateway, server: Server, dig_program: Path
) -> None:
    _dig(network, dig_program, ABROAD[0], NAME)
    queries = _counted(server)
    assert (
        f"by a gateway: administration {queries:.0f}" in darban("status", at=server.directory).out
    )
