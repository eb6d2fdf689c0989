"""The firewall rules, loaded by the real nft in a router between clients and a messenger."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from resolver.publish.nftables import nftables
from tests.config.tables import exemption, vlan
from tests.live.gateway import ABROAD, Gateway, gateway_network
from tests.live.namespaces import ADMINISTRATION, PUBLICITY, Subnet, namespaces
from tests.live.programs import needed
from tests.policy.networks import snapshot_of

WALL = 1.8e9
_TABLES = (
    vlan("administration", "administrative", "10.10.0.0/16", "fd00:10::/64")
    + vlan("publicity", "publicity", "10.20.0.0/16", "fd00:20::/64")
    + vlan("open-host", "publicity", "10.10.0.6/32")
    + exemption("pr", "one", prefixes=("10.10.0.7/32",))
)
CONFIG = (
    """
[policies.administrative]
block = ["@messenger"]

[policies.publicity]
"""
    + _TABLES
)
_PASSING = CONFIG + (
    '[policies.counting]\ncount = ["@messenger"]\n'
    + vlan("counted", "counting", "10.10.0.8/32")
    + vlan("exempted", "administrative", "10.10.0.9/32")
    + exemption("all-of-it", "one", vlan="exempted")
)
"""With VLANs whose clients a firewall must let pass, too."""
LISTS = {
    "one": "! Category: messenger\n||one.example^\n",
    "one.ip": "149.154.160.0/20\n149.154.160.0/22\n2001:67c:4e8::/48\n",
    "two": "! Category: messenger\n||two.example^\n",
}
MESSENGER = Subnet(
    "one", ("149.154.160.1", "2001:67c:4e8::1"), ("149.154.160.2", "2001:67c:4e8::2")
)
CONNECT = """
import socket, sys
source, target = sys.argv[1:]
family = socket.AF_INET6 if ":" in target else socket.AF_INET
with socket.socket(family) as end:
    end.settimeout(10)
    end.bind((source, 0))
    try:
        end.connect((target, 443))
    except ConnectionRefusedError:
        print("reached")  # the host has no such port, and says so
    except OSError as error:
        print("rejected")
"""


@pytest.mark.processes
def test_only_clients_of_a_blocked_vlan_are_rejected(ip_program: Path, tmp_path: Path) -> None:
    nft = needed("nft")
    rules = tmp_path / "rules.nft"
    rules.write_text(nftables(snapshot_of(_PASSING, LISTS).compiled, WALL), encoding="utf-8")
    with namespaces(ip_program) as made:
        router = made.add("router")
        places = {
            subnet: made.add(subnet.vlan) for subnet in (ADMINISTRATION, PUBLICITY, MESSENGER)
        }
        for subnet, place in places.items():
            made.join(router, place, subnet)
            made.lead(place, subnet)
        for last in (6, 7, 8, 9):
            made.give(places[ADMINISTRATION], f"10.10.0.{last}/24")
        for family in ("ipv4.ip_forward", "ipv6.conf.all.forwarding"):
            _run(*made.into(router), "sysctl", "-q", "-w", f"net.{family}=1")
        for _ in range(2):  # loading it again takes the place of the first
            _run(*made.into(router), str(nft), "-f", str(rules))

        def connect(subnet: Subnet, source: str) -> str:
            target = MESSENGER.client[":" in source]
            return _run(*made.into(places[subnet]), sys.executable, "-c", CONNECT, source, target)

        for version in (0, 1):
            assert connect(ADMINISTRATION, ADMINISTRATION.client[version]) == "rejected"
            assert connect(PUBLICITY, PUBLICITY.client[version]) == "reached"
        assert connect(ADMINISTRATION, "10.10.0.6") == "reached", "a longer prefix wins"
        assert connect(ADMINISTRATION, "10.10.0.7") == "reached", "an exemption wins"
        assert connect(ADMINISTRATION, "10.10.0.8") == "reached", "it is only counted"
        assert connect(ADMINISTRATION, "10.10.0.9") == "reached", "its VLAN is exempt"
        _run(*made.into(router), str(nft), "delete", "table", "inet", "darban")
        assert connect(ADMINISTRATION, ADMINISTRATION.client[0]) == "reached"


@pytest.mark.parametrize("wall", [WALL, 1.9e9], ids=["exempted", "ended"])
def test_an_exemption_counts_while_it_is_in_force(wall: float) -> None:
    text = nftables(snapshot_of(CONFIG, LISTS).compiled, wall)
    assert ("ip saddr 10.10.0.7/32 accept" in text) == (wall == WALL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('block = ["@messenger"]', 'block = ["@messenger"]\nmode = "audit"'),
        ('prefixes = ["10.10.0.7/32"]\nservices', 'vlan = "administration"\nservices'),
    ],
    ids=["audit", "exemption by VLAN"],
)
def test_a_vlan_that_is_not_blocked_is_let_through(old: str, new: str) -> None:
    clients = "ip saddr 10.10.0.0/16"
    blocked = nftables(snapshot_of(CONFIG, LISTS).compiled, WALL)
    assert f"{clients} goto vlan_administration_" in blocked
    changed = snapshot_of(CONFIG.replace(old, new), LISTS).compiled
    assert f"{clients} accept" in nftables(changed, WALL)


def test_without_ranges_nothing_is_rejected() -> None:
    lists = {name: text for name, text in LISTS.items() if not name.endswith(".ip")}
    assert "reject with" not in nftables(snapshot_of(CONFIG, lists).compiled, WALL)


SERVERS = (ip_address("10.0.0.53"), ip_address("fd00::53"))
_SERVE = """
import socket, sys, time
ends = [socket.create_server((a, p), family=socket.AF_INET6 if ":" in a else socket.AF_INET)
        for a in sys.argv[1:] for p in (53, 853, 443)]
print("ready", flush=True)
time.sleep(300)
"""


@contextmanager
def serving(network: Gateway, namespace: str, *addresses: str) -> Iterator[None]:
    """TCP at the ports of DNS, DNS over TLS and HTTPS."""
    command = [*network.into(namespace), sys.executable, "-c", _SERVE, *addresses]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield
        process.kill()


@pytest.mark.processes
def test_other_resolvers_are_closed_and_counters_stay_over_a_load(ip_program: Path) -> None:
    assert ip_program
    compiled = snapshot_of(CONFIG, LISTS).compiled
    rules = nftables(compiled, WALL, SERVERS)
    with gateway_network(ip_program, needed("nft")) as network:
        at_server = map(str, SERVERS)
        with (
            serving(network, network.server, *at_server),
            serving(network, network.abroad, *ABROAD),
        ):
            assert network.knock(ABROAD[0], 53) == "open"
            network.load(rules)
            for resolver, messenger in (ABROAD[0], ABROAD[2]), (ABROAD[1], ABROAD[3]):
                assert network.knock(resolver, 53) != "open"
                assert network.knock(resolver, 853) == "ConnectionRefusedError"
                assert network.knock(resolver, 443) == "open"
                assert network.knock(messenger, 443) != "open"
            for text in map(str, SERVERS):
                assert [network.knock(text, port) for port in (53, 853)] == ["open", "open"]
            before = _counters(network)
            network.load(rules)
            after = _counters(network)
            network.load(nftables(compiled, WALL))
            assert network.knock(ABROAD[0], 53) == "open"
            network.knock(ABROAD[2], 443)
            last = _counters(network)
    assert before == after
    assert before.keys() == {f"vlan_administration_{way}" for way in ("port_53", "port_853", "one")}
    assert min(before.values()) >= 2
    assert last["vlan_administration_one"] > after["vlan_administration_one"]


def _counters(network: Gateway) -> dict[str, int]:
    """The packets of each counter."""
    command = [*network.into(network.gateway), str(network.nft), "-j", "list", "counters"]
    found = json.loads(subprocess.check_output(command))["nftables"]
    return {item["counter"]["name"]: item["counter"]["packets"] for item in found[1:]}


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
