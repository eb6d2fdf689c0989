"""A firewall that fetches address lists: closed by policy, and never open by accident."""

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.config.tables import FAR, exemption
from tests.live.configs import BLOCKLISTS, ROOT, edited, replaced_once
from tests.live.debian import host_layer
from tests.live.fake_clock import fake_clock
from tests.live.fetching_router import FetchingRouter
from tests.live.gateway import ABROAD, SERVERS, Gateway, gateway_network
from tests.live.namespaces import ADMINISTRATION
from tests.live.programs import needed
from tests.live.reloading import reload
from tests.live.server import Server, servers
from tests.live.systemd import booted
from tests.live.waiting import wait_for

ROUTER = ROOT / "deploy/router"
FETCH = "/usr/local/lib/darban/darban-fetch"
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
        server.environment = fake_clock(server.directory)
        server.start()
        yield server
        server.check_log()


@pytest.fixture
def router(network: Gateway, server: Server, tmp_path: Path) -> Iterator[FetchingRouter]:
    state = tmp_path / "router"
    state.mkdir()
    router = FetchingRouter(network, needed("curl"), f"http://{V4}:{FEEDS}", state)
    wait_for(lambda: router.status("clients.txt") == "200", "the feeds are served")
    assert _reached(network) == ["open", "open"]
    assert router.fetch().returncode == 0
    assert _reached(network) != ["open", "open"]
    assert server.config.exists()
    yield router
    router.nft("flush", "ruleset")


def _reached(network: Gateway) -> list[str]:
    """How the client reaches the messenger by addresses of both families."""
    return [network.knock(address, HTTPS) for address in TELEGRAM]


def _is_open(network: Gateway) -> bool:
    found = {text == "open" for text in _reached(network)}
    assert len(found) == 1, "IPv4 and IPv6 differ"
    return found.pop()


def _is_closed(network: Gateway) -> bool:
    """Whether both families are closed; a fetch meanwhile may have one list of before."""
    return "open" not in _reached(network)


def test_policy_and_exemptions_open_and_close_it_with_the_next_fetch(
    network: Gateway, server: Server, router: FetchingRouter
) -> None:
    text = server.config.read_text(encoding="utf-8")
    mine = tuple(f"{text}/{128 if ':' in text else 32}" for text in ADMINISTRATION.client)
    for exempted in (
        exemption("pr", "telegram", prefixes=mine, until=FAR),
        exemption("pr", "telegram", vlan="administration", until=FAR),
    ):
        server.config.write_text(text + exempted)
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


@pytest.mark.real_clock
def test_an_exemption_that_ends_closes_it_without_a_reload(
    network: Gateway, server: Server, router: FetchingRouter
) -> None:
    end = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=1)
    mine = tuple(f"{text}/{128 if ':' in text else 32}" for text in ADMINISTRATION.client)
    text = server.config.read_text(encoding="utf-8")
    ending = exemption("pr", "telegram", prefixes=mine, until=end.isoformat())
    server.config.write_text(text + ending)
    assert reload(server).code == 0
    router.fetch()
    assert _is_open(network)
    (server.directory / "clock").write_text("+3600", encoding="ascii")
    wait_for(lambda: router.fetch().returncode == 0 and _is_closed(network), "it has ended")


def test_a_server_that_is_away_or_refuses_its_config_leaves_it_closed(
    network: Gateway, server: Server, router: FetchingRouter
) -> None:
    assert server.stop().code == 0
    assert router.status("clients.txt") == "000"
    done = router.fetch()
    assert (done.returncode, f"{router.url} does not give all lists" in done.stderr) == (1, True)
    assert not _is_open(network)
    router.nft("flush", "ruleset")  # as after a boot
    assert _is_open(network)
    router.load()
    assert not _is_open(network)
    edited(server.config, "block = ", "blocks = ")
    server.expect_error("the last good snapshot")
    server.options = ("--last-good",)
    server.start()
    wait_for(lambda: router.status("clients.txt") == "200", "the feeds are served again")
    router.fetch()
    assert not _is_open(network)


def test_what_is_no_list_of_prefixes_opens_nothing(
    network: Gateway, router: FetchingRouter, tmp_path: Path
) -> None:
    """And the lists of a service that are gone stay; the next server is asked."""
    served = tmp_path / "served"
    for text, file in (
        ("telegram/clients-ipv4.txt\n", "index.html"),
        ("}", "telegram/clients-ipv4.txt"),
    ):
        (served / file).parent.mkdir(parents=True, exist_ok=True)
        (served / file).write_text(text, encoding="utf-8")
    before = (router.state / "rules").read_bytes()
    serve = [sys.executable, "-m", "http.server", "--directory", str(served), "80"]
    with subprocess.Popen(
        [*network.into(network.server), *serve], stderr=subprocess.DEVNULL
    ) as other:
        url = f"http://{V4}:80"
        try:
            wait_for(lambda: "is no list of prefixes" in router.fetch(url).stderr, "it is refused")
            assert (router.state / "rules").read_bytes() == before
            assert router.fetch(url, router.url).returncode == 0
            (served / "index.html").write_text("one/clients-ipv4.txt\n", encoding="utf-8")
            _write_lists(served)
            assert router.fetch(url).returncode == 0
        finally:
            other.kill()
    assert b"@clients4_one" in (router.state / "rules").read_bytes()
    assert not _is_open(network)


def _write_lists(served: Path) -> None:
    """The lists of a service, with nobody in them."""
    (served / "one").mkdir(parents=True)
    (served / "index.html").write_text("one/clients-ipv4.txt\n", encoding="utf-8")
    for kind in ("clients", "ranges"):
        for family, prefix in (("4", "192.0.2.0/24"), ("6", "2001:db8::/32")):
            file = served / "one" / f"{kind}-ipv{family}.txt"
            file.write_text(f"{prefix}\n", encoding="utf-8")


def test_the_units_of_a_router_fetch_the_lists_and_load_the_last_ones(
    ip_program: Path, nft_program: Path, tmp_path: Path
) -> None:
    assert ip_program, "a machine is made of namespaces"
    rules = (nft_program, "list", "table", "inet", "darban_feeds")
    with host_layer(tmp_path) as root, booted(root) as machine:
        _write_lists(root / "srv/feeds")
        for unit in ROUTER.glob("*.*"):
            text = unit.read_text(encoding="utf-8").replace("10.0.0.53:9154", "127.0.0.1:9154")
            machine.write(f"/etc/systemd/system/{unit.name}", text)
        machine.good("install", "-d", "/usr/local/lib/darban")
        machine.write(FETCH, (ROUTER / "darban-fetch").read_text(encoding="utf-8"))
        machine.good("chmod", "755", FETCH)
        serve = (sys.executable, "-m", "http.server", "--directory", "/srv/feeds", "9154")
        machine.good("systemctl", "daemon-reload")
        machine.good("systemd-run", *serve)
        wait_for(lambda: machine.run("systemctl", "start", "darban-fetch").code == 0, "fetched")
        assert "@clients4_one" in machine.good(*rules)
        machine.good(nft_program, "flush", "ruleset")
        machine.good("systemctl", "start", "darban-fetch-boot")
        assert "@clients4_one" in machine.good(*rules)
        machine.good("systemctl", "enable", "darban-fetch-boot", "darban-fetch.timer")


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
