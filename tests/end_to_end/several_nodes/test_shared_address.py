"""The shipped ways to one address on several nodes: a node that drains gives it up."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.live.clients import run
from tests.live.commands import GOOD, darban
from tests.live.configs import ROOT, replaced_once, shipped
from tests.live.counted_load import counted_load
from tests.live.namespaces import namespaces
from tests.live.nsd import nsd
from tests.live.programs import needed
from tests.live.running import running
from tests.live.server import Server
from tests.live.waiting import wait_for

SHARED = ("10.0.0.53", "fd00::53")
NODES = (
    ("10.0.0.61/24", "10.10.0.61/24", "fd00::61/64", "fd00:10::61/64"),
    ("10.0.0.62/24", "10.10.0.62/24", "fd00::62/64", "fd00:10::62/64"),
)
CLIENT = ("10.10.0.5", "fd00:10::5")
"""Addresses of a VLAN of the shipped config."""
CLIENT_ON_LINK = (f"{CLIENT[0]}/24", f"{CLIENT[1]}/64")
RATE = 200
DEPLOY = ROOT / "deploy"
_UPSTREAM = 5354
_PIDS = ("pid", "vrrp_pid", "checkers_pid", "bfd_pid")
"""A keepalived does not start while another has one of these files locked."""
_PATIENCE = 60.0
"""Seconds: on a busy machine a health check takes long, and it takes several."""


class Pair:
    """Two nodes, each in a network namespace with its keepalived, and a client on their network."""

    def __init__(self, nodes: list[Server], client: list[str]) -> None:
        self.nodes = nodes
        self.client = client

    def drain(self, number: int, *options: str) -> None:
        """Drain a node, or end that."""
        node = self.nodes[number]
        done = darban("drain", *options, "--config", node.config, at=node.directory)
        assert done.code == GOOD

    def wait_for_priority(self, number: int, expected: str) -> None:
        """Wait until a node has changed its priority for the IPv6 address to the expected one."""
        [log] = self.nodes[number].directory.glob("keepalived*vrrp*.log")
        change = re.compile(r"\(dns6\) Changing effective priority from \d+ to (\d+)")
        wait_for(
            lambda: change.findall(log.read_text(encoding="utf-8"))[-1:] == [expected],
            f"node {number} has the priority {expected}",
            _PATIENCE,
        )

    def wait_for_holder(self, number: int) -> None:
        """Wait until one node alone has both addresses; it answers there."""
        expected = [[number]] * len(SHARED)
        wait_for(lambda: self._holders() == expected, f"node {number} has both", _PATIENCE)
        for address, client in zip(SHARED, CLIENT, strict=True):
            dig = (needed("dig"), f"@{address}", "-b", client, "web.telegram.org", "+tries=3")
            assert "status: NOERROR" in run([*self.client, *dig])

    def wait_for_one(self) -> int:
        """Wait until one node alone has both addresses; which one."""
        found = wait_for(
            lambda: [v4 for v4, v6 in [self._holders()] if v4 == v6 and len(v4) == 1],
            "one node has both addresses",
            _PATIENCE,
        )
        return found[0][0]

    def _holders(self) -> list[list[int]]:
        """The nodes that have the IPv4 address, and those that have the IPv6 address."""
        show = ("ip", "-oneline", "address", "show")
        had = [run([*node.through, *show]) for node in self.nodes]
        return [[n for n, text in enumerate(had) if f" {item}/" in text] for item in SHARED]


@contextmanager
def _keepalived(node: Server) -> Iterator[None]:
    text = (DEPLOY / "keepalived" / "keepalived.conf").read_text(encoding="utf-8")
    text = replaced_once(text, "/usr/local/lib/darban/is-ready", str(DEPLOY / "is-ready"))
    text = replaced_once(text, "enable_script_security", "").replace("nobody", "root")
    config = node.directory / "keepalived.conf"
    config.write_text(text, encoding="utf-8")
    here = node.directory
    pids = (f"--{name}={here / name}.pid" for name in _PIDS)
    command = [*node.through, needed("keepalived"), "--dont-fork", "--vrrp", "--no-syslog"]
    command += [f"--log-file={here / 'keepalived.log'}", "--flush-log-file"]
    with running([*command, f"--use-file={config}", *pids]):
        yield


@pytest.fixture(scope="module")
def lasting(
    ip_program: Path,
    nsd_program: Path,
    make_lasting: Callable[[str], Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    needed("keepalived")
    with namespaces(ip_program) as made, ExitStack() as stack:
        switch = made.add_switch("switch")
        nodes = []
        for number, addresses in enumerate(NODES):
            name = made.add(f"node{number}")
            made.plug(switch, name, "eth0", *addresses)
            into = made.into(name)
            for family in ("ipv4", "ipv6"):
                run([*into, "sysctl", "--quiet", "--write", f"net.{family}.ip_nonlocal_bind=1"])
            directory = tmp_path_factory.mktemp("nsd")
            stack.enter_context(nsd(nsd_program, directory, _UPSTREAM, into))
            listen = ["127.0.0.1:53", f"{SHARED[0]}:53", f"[{SHARED[1]}]:53"]
            upstream = f"127.0.0.1:{_UPSTREAM}"
            text = shipped([upstream], 53, 9153, listen, workers=1)
            text = replaced_once(text, '"127.0.0.1/32", "::1/128"', '"10.255.0.0/24"')  # as of init
            node = make_lasting(text)
            node.through = into
            stack.callback(node.kill_what_is_left)
            nodes.append(node.start())
        client = made.add("client")
        made.plug(switch, client, "eth0", "10.0.0.5/24", "fd00::5/64", *CLIENT_ON_LINK)
        pair = Pair(nodes, made.into(client))
        for node in nodes:
            stack.enter_context(_keepalived(node))
            # Two that start at once may take one address each, and each keeps its own.
            pair.wait_for_one()
        yield pair


@pytest.fixture
def pair(lasting: Pair) -> Iterator[Pair]:
    """Both nodes are ready, and one of them has the address."""
    lasting.wait_for_one()
    first, second = lasting.nodes
    with first.checked(), second.checked():
        yield lasting


def test_a_node_that_drains_answers_until_the_addresses_have_moved(pair: Pair) -> None:
    holder = pair.wait_for_one()
    with ExitStack() as stack:
        counts = [
            stack.enter_context(counted_load(53, RATE, *addresses, through=pair.client))
            for addresses in zip(SHARED, CLIENT, strict=True)
        ]
        for number in (holder, 1 - holder):
            pair.drain(number)
            pair.wait_for_holder(1 - number)
            pair.drain(number, "--end")
    for count in counts:
        assert count["asked"] > 0
        assert (count["failed"], count["refused"]) == (0, 0)
        # Linux sends no IPv4 reply from an address that the host has no more: queries that wait for
        # the upstream at that moment are lost. A gap of 0.6 s would be 120 queries.
        assert count["lost"] <= RATE // 20


def test_a_node_that_drains_withdraws_its_anycast_address(pair: Pair) -> None:
    """BIRD announces the addresses of dns0."""
    number = 1 - pair.wait_for_one()  # so that the shared addresses stay
    node = pair.nodes[number]
    scripts = node.directory / "scripts"
    scripts.mkdir()
    for script in (DEPLOY / "is-ready", DEPLOY / "bird" / "darban-anycast"):
        (scripts / script.name).symlink_to(script)

    # The kernel of a test machine may have no dummy interfaces; the script takes what is there.
    run([*node.through, "ip", "link", "add", "dns0", "type", "veth", "peer", "name", "dns1"])

    def addresses() -> list[str]:
        run([*node.through, scripts / "darban-anycast", "10.9.9.53/32", "fd00:9::53/128"])
        lines = run([*node.through, "ip", "-oneline", "address", "show", "dev", "dns0"])
        return [line for line in lines.split() if line.endswith(("/32", "/128"))]

    both = ["10.9.9.53/32", "fd00:9::53/128"]
    wait_for(lambda: addresses() == both, "it has both", _PATIENCE)
    pair.drain(number)
    wait_for(lambda: addresses() == [], "it has none", _PATIENCE)
    pair.drain(number, "--end")
    wait_for(lambda: addresses() == both, "it has both again", _PATIENCE)


def test_the_addresses_stay_where_both_nodes_drain(pair: Pair) -> None:
    """The holder drains last and ends that first: its priority is never the lower one."""
    holder = pair.wait_for_one()
    for number in (1 - holder, holder):
        pair.drain(number)
        pair.wait_for_priority(number, "200")
    pair.wait_for_holder(holder)
    for number in (holder, 1 - holder):
        pair.drain(number, "--end")
        pair.wait_for_priority(number, "250")


def test_a_node_that_has_ended_gives_the_addresses_up(pair: Pair) -> None:
    """The last test, which leaves one node."""
    holder = pair.wait_for_one()
    pair.nodes[holder].kill_what_is_left()
    pair.wait_for_holder(1 - holder)
