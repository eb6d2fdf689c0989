"""The shipped ways to one address on several nodes: a node that drains gives it up."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.live.clients import run
from tests.live.commands import GOOD, darban
from tests.live.configs import ROOT, replaced_once, shipped
from tests.live.namespaces import Subnet, namespaces
from tests.live.programs import needed
from tests.live.server import Server
from tests.live.waiting import wait_for

LINK = Subnet("pair", ("10.0.0.61", "fd00::61"), ("10.0.0.62", "fd00::62"))
SHARED = "10.0.0.53"
DEPLOY = ROOT / "deploy"
_PIDS = ("pid", "vrrp_pid", "checkers_pid", "bfd_pid")
"""A keepalived does not start while another has one of these files locked."""
_PATIENCE = 60.0
"""Seconds: on a busy machine a health check takes long, and it takes several."""


class Pair:
    """Two nodes, each in a network namespace with its keepalived."""

    def __init__(self, nodes: list[Server]) -> None:
        self.nodes = nodes

    def wait_for_holder(self, number: int) -> None:
        """Wait until one node alone has the address, and answers there."""
        wait_for(lambda: self._holders() == [number], f"node {number} has the address", _PATIENCE)
        dig = [needed("dig"), f"@{SHARED}", "localhost", "+tries=3"]
        assert "status: " in run([*self.nodes[number].through, *dig])

    def wait_for_one(self) -> int:
        """Wait until one node alone has the address; which one."""
        found = wait_for(
            lambda: [each for each in [self._holders()] if len(each) == 1],
            "one node has the address",
            _PATIENCE,
        )
        return found[0][0]

    def _holders(self) -> list[int]:
        return [
            number
            for number, node in enumerate(self.nodes)
            if f"inet {SHARED}/" in run([*node.through, "ip", "-oneline", "address", "show"])
        ]


@contextmanager
def _keepalived(node: Server, interface: str) -> Iterator[None]:
    text = (DEPLOY / "keepalived" / "keepalived.conf").read_text(encoding="utf-8")
    text = replaced_once(text, "interface eth0", f"interface {interface}")
    text = replaced_once(text, "/usr/local/lib/darban/is-ready", str(DEPLOY / "is-ready"))
    text = replaced_once(text, "enable_script_security", "").replace("nobody", "root")
    config = node.directory / "keepalived.conf"
    config.write_text(text, encoding="utf-8")
    here = node.directory
    pids = (f"--{name}={here / name}.pid" for name in _PIDS)
    command = [*node.through, needed("keepalived"), "--dont-fork", "--log-console", "--vrrp"]
    with (here / "keepalived.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, f"--use-file={config}", *pids],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def lasting(ip_program: Path, make_lasting: Callable[[str], Server]) -> Iterator[Pair]:
    needed("keepalived")
    with namespaces(ip_program) as made, ExitStack() as stack:
        names = [made.add(name) for name in ("one", "two")]
        made.join(*names, LINK)
        nodes = []
        for name in names:
            into = made.into(name)
            run([*into, "sysctl", "--quiet", "--write", "net.ipv4.ip_nonlocal_bind=1"])
            listen = ["127.0.0.1:53", f"{SHARED}:53"]
            node = make_lasting(shipped(["192.0.2.1"], 53, 9153, listen, workers=1))
            node.through = into
            stack.callback(node.kill_what_is_left)
            nodes.append(node.start())
        for number, node in enumerate(nodes):
            stack.enter_context(_keepalived(node, f"db{number}pair"))
        yield Pair(nodes)


@pytest.fixture
def pair(lasting: Pair) -> Iterator[Pair]:
    """Both nodes are ready, and one of them has the address."""
    lasting.wait_for_one()
    first, second = lasting.nodes
    with first.checked(), second.checked():
        yield lasting


def test_a_node_that_drains_gives_the_address_up(pair: Pair) -> None:
    for number, node in enumerate(pair.nodes):
        assert darban("drain", "--config", node.config, at=node.directory).code == GOOD
        pair.wait_for_holder(1 - number)
        done = darban("drain", "--end", "--config", node.config, at=node.directory)
        assert done.code == GOOD


def test_a_node_that_drains_withdraws_its_anycast_address(pair: Pair) -> None:
    """BIRD announces the addresses of dns0."""
    node = pair.nodes[0]
    scripts = node.directory / "scripts"
    scripts.mkdir()
    for script in (DEPLOY / "is-ready", DEPLOY / "bird" / "darban-anycast"):
        (scripts / script.name).symlink_to(script)

    # The kernel of a test machine may have no dummy interfaces; the script takes what is there.
    run([*node.through, "ip", "link", "add", "dns0", "type", "veth", "peer", "name", "dns1"])

    def addresses() -> list[str]:
        run([*node.through, scripts / "darban-anycast", "10.9.9.53/32", "fd00:9::53/128"])
        lines = run([*node.through, "ip", "-oneline", "address", "show", "dev", "dns0"])
        return [each for each in lines.split() if each.endswith(("/32", "/128"))]

    both = ["10.9.9.53/32", "fd00:9::53/128"]
    wait_for(lambda: addresses() == both, "it has both", _PATIENCE)
    assert darban("drain", "--config", node.config, at=node.directory).code == GOOD
    wait_for(lambda: addresses() == [], "it has none", _PATIENCE)
    assert darban("drain", "--end", "--config", node.config, at=node.directory).code == GOOD
    wait_for(lambda: addresses() == both, "it has both again", _PATIENCE)


def test_a_node_that_has_ended_gives_the_address_up(pair: Pair) -> None:
    """The last test, which leaves one node."""
    holder = pair.wait_for_one()
    pair.nodes[holder].kill_what_is_left()
    pair.wait_for_holder(1 - holder)
