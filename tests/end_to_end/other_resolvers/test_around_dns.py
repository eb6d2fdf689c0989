"""Each way around DNS, on a VLAN of the shipped config: what closes it, and what counts it.

The gateway has the rules of ``darban export nftables --dns-server``, and for port 53 either these
alone or the redirect of deploy/router before them.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live.clients import read, run
from tests.live.commands import darban
from tests.live.configs import replaced_once, shipped
from tests.live.gateway import ABROAD, SERVERS, Gateway, gateway_network
from tests.live.nsd import ANY_V4, nsd
from tests.live.redirecting_rules import rules as redirect_rules
from tests.live.server import Server, servers

V4, V6 = SERVERS.client
RESOLVERS, MESSENGERS = ABROAD[:2], ABROAD[2:]
"""A public resolver whose addresses the shipped lists have, and Telegram, of both families."""
BY_NAME = "dns.google"


@pytest.fixture(scope="module")
def network(ip_program: Path, nft_program: Path) -> Iterator[Gateway]:
    with (
        gateway_network(ip_program, nft_program) as gateway,
        gateway.serving(ABROAD, (53, 443, 853)),
    ):
        yield gateway


@pytest.fixture(scope="module")
def server(
    network: Gateway, nsd_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("around")
    text = shipped(["127.0.0.1:5353"], 53, 9153, [f"{V4}:53", f"[{V6}]:53"])
    listeners = f'[server]\nredirected = ["{V4}:5353", "[{V6}]:5353"]\n'
    into = network.into(network.server)
    with ExitStack() as stack:
        stack.enter_context(nsd(nsd_program, directory, 5353, into))
        server = stack.enter_context(servers(directory))(
            replaced_once(text, "[server]\n", listeners)
        )
        server.through = into
        yield server.start()
        assert server.stop().code == 0
        server.check_log()


def _load(network: Gateway, server: Server) -> None:
    """The rules of the command for this policy."""
    named = ("--dns-server", V4, "--dns-server", V6)
    made = darban("export", "nftables", *named, "--config", server.config, at=server.directory)
    assert made.code == 0, made.err
    network.load(made.out)


def _counted(network: Gateway) -> dict[str, int]:
    """The packets of each counter of the gateway that has any."""
    command = [*network.into(network.gateway), str(network.nft), "-j", "list", "counters"]
    found = json.loads(subprocess.check_output(command))["nftables"]
    counters = [item["counter"] for item in found if "counter" in item]
    return {counter["name"]: counter["packets"] for counter in counters if counter["packets"]}


def _dig(network: Gateway, dig: Path, at: str, name: str) -> list[str]:
    asked = [dig, f"@{at}", name, "A", "+tries=1", "+timeout=5", "+tcp"]
    return read(run([*network.into(network.client), *map(str, asked)])).data


def test_a_client_that_behaves_is_counted_nowhere(
    network: Gateway, server: Server, dig_program: Path
) -> None:
    _load(network, server)
    for at in (V4, V6):
        assert _dig(network, dig_program, at, "www.example.org") == [ANY_V4]
    assert _counted(network) == {}
    assert server.scrape().total("darban_redirected_queries_total") == 0


def test_each_way_is_closed_and_counted(
    network: Gateway, server: Server, dig_program: Path, figure: Callable[[str], None]
) -> None:
    _load(network, server)
    for family in (0, 1):
        for port in (53, 853, 443):
            assert network.knock(RESOLVERS[family], port) != "open"
        assert network.knock(MESSENGERS[family], 443) != "open"
    assert _dig(network, dig_program, V4, BY_NAME) == ["0.0.0.0"]
    counted = _counted(network)
    assert counted.keys() == {
        f"vlan_administration_{way}" for way in ("port_53", "port_853", "encrypted-dns", "telegram")
    }
    assert min(counted.values()) >= 2, "IPv4 and IPv6"
    scrape = server.scrape()
    attempts = ("darban_bypass_attempts_total", "administration", "provider")
    assert scrape.value(attempts[0], vlan=attempts[1], kind=attempts[2]) == 1

    figure(f"around DNS, packets that the gateway rejected: {counted}")


def test_a_redirect_answers_what_the_rules_would_reject(
    network: Gateway, server: Server, dig_program: Path
) -> None:
    _load(network, server)
    before = _counted(network)
    network.load(redirect_rules())
    for at in RESOLVERS:
        assert _dig(network, dig_program, at, "web.telegram.org") == ["0.0.0.0"]
    assert _counted(network) == before
    redirected = server.scrape().value("darban_redirected_queries_total", vlan="administration")
    assert redirected == 2
