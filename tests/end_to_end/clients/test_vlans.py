"""Two VLANs that are real networks: each gets its own answer, whatever the other asks.

The server and NSD are in one network namespace; a client in each of two others reaches the
server through a link of its own. The config is the shipped one, with its own prefixes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live import vlan_client
from tests.live.clients import Answer, read, run
from tests.live.configs import shipped
from tests.live.dnsdist import certificate
from tests.live.namespaces import ADMINISTRATION, PUBLICITY, Namespaces, Subnet, namespaces
from tests.live.nsd import ANY_V4, ANY_V6, nsd
from tests.live.programs import needed
from tests.live.server import Server, servers

TIMES = 500
CLIENT = vlan_client.__file__
VLANS = (ADMINISTRATION, PUBLICITY)
NAME = "web.telegram.org"

_PORT = 53
_METRICS = 9153
_UPSTREAM = 5353


class Campus:
    """The server, and the clients of both VLANs."""

    def __init__(self, made: Namespaces, server: Server, clients: dict[str, str]) -> None:
        self.server = server
        self._made = made
        self._clients = clients

    def ask(
        self, name: str, rtype: str = "A", *, times: int = 1, v6: bool = False
    ) -> tuple[dict[str, int], dict[str, int]]:
        """What administration and what publicity is answered, asking at the same time."""
        with ExitStack() as stack:
            asking = [
                stack.enter_context(self._start(vlan, vlan.server[v6], name, rtype, times))
                for vlan in VLANS
            ]
            for client in asking:
                assert client.stdout is not None
                assert client.stdout.readline() == "ready\n"
            for client in asking:
                assert client.stdin is not None
                client.stdin.write("go\n")
                client.stdin.flush()
            try:
                first, second = (_heard(client) for client in asking)
            finally:
                for client in asking:
                    client.kill()
        return first, second

    def ask_over_tls(self, vlan: Subnet, name: str, *, v6: bool = False) -> Answer:
        """What a client is answered that verifies the server's certificate by its address."""
        where = [f"@{vlan.server[v6]}", "+tls", f"+tls-hostname={vlan.server[v6]}"]
        trusted = f"+tls-ca={self.server.directory / 'dns.pem'}"
        command = [*self._made.into(self._clients[vlan.vlan]), str(needed("kdig")), *where]
        return read(run([*command, trusted, "+timeout=5", "+retry=0", name, "A"]))

    def _start(
        self, vlan: Subnet, server: str, name: str, rtype: str, times: int
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *self._made.into(self._clients[vlan.vlan]),
                *(sys.executable, CLIENT, server, str(_PORT), name, rtype, str(times)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def _heard(client: subprocess.Popen[str]) -> dict[str, int]:
    out, _ = client.communicate(timeout=120)
    heard: dict[str, int] = json.loads(out)
    return heard


@pytest.fixture(scope="module")
def campus(
    ip_program: Path, nsd_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Campus]:
    directory = tmp_path_factory.mktemp("campus")
    listen = [
        f"[{address}]:{_PORT}" if ":" in address else f"{address}:{_PORT}"
        for vlan in VLANS
        for address in vlan.server
    ]
    with namespaces(ip_program) as made, ExitStack() as stack:
        inside = made.into(made.add("server"))
        clients = {vlan.vlan: made.add(vlan.vlan) for vlan in VLANS}
        for vlan in VLANS:
            made.join(inside[-1], clients[vlan.vlan], vlan)
        stack.enter_context(nsd(nsd_program, directory, _UPSTREAM, inside))
        make = stack.enter_context(servers(directory))
        tls = [where.replace(f":{_PORT}", ":853") for where in listen]
        more = f'[server.tls]\nlisten = {tls}\ncertificate = "dns.pem"\nkey = "dns.key"\n'
        server = make(shipped([f"127.0.0.1:{_UPSTREAM}"], _PORT, _METRICS, listen) + more)
        addresses = [address for vlan in VLANS for address in vlan.server]
        certificate(needed("openssl"), server.directory, *addresses)
        server.through = inside
        yield Campus(made, server.start(), clients)
        assert server.stop().code == 0
        server.check_log()


@pytest.fixture
def vlans(campus: Campus) -> Iterator[Campus]:
    yield campus
    campus.server.check_log()


@pytest.mark.parametrize("v6", [False, True], ids=["IPv4", "IPv6"])
def test_a_thousand_interleaved_answers_and_none_crosses(vlans: Campus, *, v6: bool) -> None:
    administration, publicity = vlans.ask(NAME, times=TIMES, v6=v6)
    assert administration == {"0 0.0.0.0": TIMES}
    assert publicity == {f"0 {ANY_V4}": TIMES}


@pytest.mark.parametrize("v6", [False, True], ids=["IPv4", "IPv6"])
def test_over_tls_each_has_its_policy_cold_and_warm(vlans: Campus, *, v6: bool) -> None:
    name = f"tls{v6:d}.{NAME}"
    for _ in range(2):
        assert vlans.ask_over_tls(PUBLICITY, name, v6=v6).data == [ANY_V4]
        assert vlans.ask_over_tls(ADMINISTRATION, name, v6=v6).data == ["0.0.0.0"]


def test_a_question_for_ipv6_addresses_too(vlans: Campus) -> None:
    assert vlans.ask(NAME, "AAAA", times=50) == ({"0 ::": 50}, {f"0 {ANY_V6}": 50})


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("alias.scene", "web.telegram.org."),
        ("long.scene", "alias.scene. web.telegram.org."),
    ],
)
def test_an_alias_of_a_blocked_name(vlans: Campus, name: str, chain: str) -> None:
    administration, publicity = vlans.ask(name, times=50)
    assert administration == {"0 0.0.0.0": 50}
    assert publicity == {f"0 {chain} {ANY_V4}": 50}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("https.scene", "1 web.whatsapp.com. alpn=h2"),
        ("https-alias.scene", "0 www.viber.com."),
    ],
)
def test_an_https_record_with_a_blocked_target(vlans: Campus, name: str, data: str) -> None:
    administration, publicity = vlans.ask(name, "HTTPS", times=50)
    assert administration == {"0": 50}, "no data"
    assert _unquoted(publicity) == {f"0 {data}": 50}


def test_harmless_targets_are_open_to_both(vlans: Campus) -> None:
    alias = {f"0 www.agency.example. {ANY_V4}": 10}
    assert vlans.ask("harmless.scene", times=10) == (alias, alias)
    https = vlans.ask("harmless-https.scene", "HTTPS", times=10)
    assert [_unquoted(heard) for heard in https] == [{"0 1 www.agency.example. alpn=h2": 10}] * 2


def test_the_counts_tell_the_vlans_apart(vlans: Campus) -> None:
    before = vlans.server.scrape()
    vlans.ask(NAME, times=20)
    after = vlans.server.scrape()
    for vlan, outcome, service in (
        ("administration", "blocked", "telegram"),
        ("publicity", "passed", ""),
    ):
        labels = {"vlan": vlan, "outcome": outcome, "service": service}
        was, now = (scrape.value("darban_queries_total", **labels) for scrape in (before, after))
        assert now - was == 20


def _unquoted(heard: dict[str, int]) -> dict[str, int]:
    return {data.replace('"', "").rstrip(): times for data, times in heard.items()}
