"""Nodes that announce one address by BIRD: a router follows a drain, and a cable that is cut."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.live.clients import run
from tests.live.commands import GOOD, darban
from tests.live.configs import ROOT, replaced_once, shipped
from tests.live.counted_load import counted_load
from tests.live.namespaces import ADMINISTRATION, Namespaces, Subnet, namespaces
from tests.live.nsd import nsd
from tests.live.programs import needed
from tests.live.running import running
from tests.live.server import Server
from tests.live.waiting import wait_for

SHARED = ("10.9.9.53", "fd00:9::53")
LENGTHS = ("32", "128")
NODES = (("10.0.0.61", "fd00::61"), ("10.0.0.62", "fd00::62"))
ROUTER = Subnet("router", ("10.0.0.1", "fd00::1"), ("", ""))
OTHER, PREFERRED = 0, 1
"""Of two equal ways, the router takes that of the higher router ID."""
RATE = 200
DEPLOY = ROOT / "deploy"
_UPSTREAM = 5354
_SHIPPED, _PATIENT = "multiplier 3;", "multiplier 15;"
"""Of BFD. A busy test machine may hold BIRD up for the 0.9 s that the shipped one waits."""
_UNHEARD = 5
"""Packets of BFD that a router sends to a node, at most, until it takes the node for gone.

They are sent each 225 to 300 ms, and 0.9 s is the shipped limit. A router that stands still sends
none meanwhile, so that a machine that is held up makes them fewer, and never more.
"""
_CUTS = 5
"""Cables cut, at most, until the session was up at the time of the cut."""
_PATIENCE = 60.0
"""Seconds: neighbours of OSPF need some to find each other, and health checks on a busy machine."""
_ROUTER = """
router id 10.0.0.1;
protocol device { scan time 1; }
protocol kernel { ipv4 { export all; }; }
protocol kernel { ipv6 { export all; }; }
protocol bfd { interface "eth0" { interval 300 ms; multiplier 3; }; }
protocol ospf v2 { ipv4 { export none; }; area 0 { interface "eth0" { bfd yes; }; }; }
protocol ospf v3 { ipv6 { export none; }; area 0 { interface "eth0" { bfd yes; }; }; }
"""


class Routed:
    """Nodes on a network with a router, and a client behind the router."""

    def __init__(self, made: Namespaces, switch: str, router: str, client: str) -> None:
        self.made = made
        self.switch = switch
        self.router = router
        self.client = client
        self.log = Path()
        """What BFD of the router has sent, received and noticed."""
        self.names: list[str] = []
        self.nodes: list[Server] = []

    def announce(self, number: int) -> None:
        """Run the unit's program once."""
        program = self.nodes[number].directory / "scripts" / "darban-anycast"
        addresses = ("/".join(row) for row in zip(SHARED, LENGTHS, strict=True))
        run([*self.nodes[number].through, program, *addresses])

    def way(self) -> int | None:
        """The node to which the router leads both addresses."""
        hops = [
            run([*self.made.into(self.router), "ip", "-family", family, "route", "show", address])
            for family, address in zip(("inet", "inet6"), SHARED, strict=True)
        ]
        for number, (v4, _) in enumerate(NODES):
            # The next hop of an IPv6 route is the neighbour's link-local address.
            if f"via {v4} " in hops[0] and f"via {_link_local(number)} " in hops[1]:
                return number
        return None

    def wait_for_way(self, number: int) -> None:
        wait_for(lambda: self.way() == number, f"the router leads to node {number}", _PATIENCE)

    def configure(self, number: int, multiplier: str) -> None:
        """Have a node tell the router for how many packets it may be silent."""
        node = self.nodes[number]
        config = node.directory / "bird.conf"
        text = config.read_text(encoding="utf-8").replace(_SHIPPED, _PATIENT)
        config.write_text(replaced_once(text, _PATIENT, multiplier), encoding="utf-8")
        _birdc(node.directory, "configure")
        _birdc(node.directory, "restart", "bfd1")  # else a session goes on as it began
        wait_for(lambda: _is_heard(node.directory), "router and other node hear it", _PATIENCE)

    def unheard(self, number: int, since: int) -> list[int | None]:
        """The packets that BFD sent to a node after the last that it received, by family.

        None where it did not take the node for gone since an octet of its log.
        """
        lines = self.log.read_bytes()[since:].decode().splitlines()
        return [_unheard(lines, address) for address in (NODES[number][0], _link_local(number))]

    @contextmanager
    def load(self) -> Iterator[list[dict[str, float]]]:
        """Queries of the client to both addresses; their counts at the end."""
        through = self.made.into(self.client)
        with ExitStack() as stack:
            yield [
                stack.enter_context(counted_load(53, RATE, *addresses, through=through))
                for addresses in zip(SHARED, ADMINISTRATION.client, strict=True)
            ]


@contextmanager
def _bird(directory: Path, text: str, through: list[str]) -> Iterator[None]:
    # The time in which a new neighbour waits for others is 40 s by default.
    text = text.replace("bfd yes;", "bfd yes; wait 3;")
    text = replaced_once(text, _SHIPPED, _PATIENT)
    text = replaced_once(text, "protocol bfd {", "protocol bfd { debug { events, packets };")
    text = f'log "{directory}/bird.log" {{ trace }};\n{text}'
    (directory / "bird.conf").write_text(text, encoding="utf-8")
    run([needed("bird"), "-p", "-c", directory / "bird.conf"])
    control, pid = (directory / f"bird.{what}" for what in ("ctl", "pid"))
    command: list[str | Path] = [*through, needed("bird"), "-f", "-c", directory / "bird.conf"]
    with running([*command, "-s", control, "-P", pid]):
        wait_for(control.is_socket, "BIRD listens for commands")
        yield


def _birdc(directory: Path, *command: str) -> str:
    return run([needed("birdc"), "-s", directory / "bird.ctl", *command])


def _is_heard(directory: Path) -> bool:
    """Whether BFD of a node has a session, over IPv4 and IPv6, with the two others here."""
    sessions = _birdc(directory, "show", "bfd", "sessions").splitlines()
    return [line.split()[2] for line in sessions if " eth0 " in line] == ["Up"] * 4


def _unheard(lines: list[str], address: str) -> int | None:
    """The packets sent to an address between the last from it and the end of its session."""
    sent = 0
    for line in lines:
        if f"CTL received from {address} " in line:
            sent = 0
        elif f"Sending CTL to {address} " in line:
            sent += 1
        elif f"Session to {address} changed state from Up to Down" in line:
            return sent
    return None


def _link_local(number: int) -> str:
    return NODES[number][1].replace("fd00:", "fe80:")


def _scripts(node: Server) -> None:
    scripts = node.directory / "scripts"
    scripts.mkdir()
    for script in (DEPLOY / "is-ready", DEPLOY / "bird" / "darban-anycast"):
        (scripts / script.name).symlink_to(script)


@pytest.fixture(scope="module")
def routed(
    ip_program: Path,
    nsd_program: Path,
    make_lasting: Callable[[str], Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Routed]:
    needed("bird")
    listen = ["127.0.0.1:53", f"{SHARED[0]}:53", f"[{SHARED[1]}]:53"]
    config = (DEPLOY / "bird" / "bird.conf").read_text(encoding="utf-8")
    with namespaces(ip_program) as made, ExitStack() as stack:
        switch, router, client = made.add_switch("switch"), made.add("router"), made.add("client")
        routed = Routed(made, switch, router, client)
        made.plug(switch, router, "eth0", *(_on_link(ROUTER.server)))
        directory = tmp_path_factory.mktemp("router")
        routed.log = directory / "bird.log"
        stack.enter_context(_bird(directory, _ROUTER, made.into(router)))
        made.join(router, client, ADMINISTRATION)
        made.lead(client, ADMINISTRATION)
        for setting in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"):
            run([*made.into(router), "sysctl", "--quiet", "--write", setting])
        for number, addresses in enumerate(NODES):
            name = made.add(f"node{number}")
            routed.names.append(name)
            made.plug(switch, name, "eth0", *_on_link(addresses))
            made.give_link_local(name, "eth0", _link_local(number))
            made.lead(name, ROUTER)
            into = made.into(name)
            for family in ("ipv4", "ipv6"):
                run([*into, "sysctl", "--quiet", "--write", f"net.{family}.ip_nonlocal_bind=1"])
            # The kernel of a test machine may have no dummy interfaces.
            run([*into, "ip", "link", "add", "dns0", "type", "veth", "peer", "name", "dns1"])
            run([*into, "ip", "link", "set", "dns1", "up"])
            stack.enter_context(nsd(nsd_program, tmp_path_factory.mktemp("nsd"), _UPSTREAM, into))
            node = make_lasting(shipped([f"127.0.0.1:{_UPSTREAM}"], 53, 9153, listen, workers=1))
            node.through = into
            stack.callback(node.kill_what_is_left)
            routed.nodes.append(node.start())
            _scripts(node)
            routed.announce(number)
            text = replaced_once(config, "10.0.0.61", addresses[0])
            stack.enter_context(_bird(node.directory, text, into))
            routed.wait_for_way(number)
        yield routed


def _on_link(addresses: tuple[str, str]) -> list[str]:
    return [f"{addresses[0]}/24", f"{addresses[1]}/64"]


def test_a_node_that_drains_answers_until_the_router_leads_elsewhere(routed: Routed) -> None:
    """A host that stands still meanwhile loses packets of its own: so it is done again then."""
    node = routed.nodes[PREFERRED]
    for _ in range(_CUTS):
        with routed.load() as counts:
            assert darban("drain", "--config", node.config, at=node.directory).code == GOOD
            routed.announce(PREFERRED)
            routed.wait_for_way(OTHER)
        assert darban("drain", "--end", "--config", node.config, at=node.directory).code == GOOD
        routed.announce(PREFERRED)
        routed.wait_for_way(PREFERRED)
        if not any(count["lost"] for count in counts):
            break
    for count in counts:
        assert count["asked"] > 0
        assert (count["lost"], count["failed"], count["refused"]) == (0, 0, 0)


def test_the_router_notices_a_cut_cable_by_bfd(routed: Routed) -> None:
    """OSPF alone takes up to 40 s, and withdraws the routes without a word of BFD."""
    unheard: list[int | None] = []
    for _ in range(_CUTS):
        routed.configure(PREFERRED, _SHIPPED)
        routed.wait_for_way(PREFERRED)
        since = routed.log.stat().st_size
        with routed.load() as counts:
            routed.made.cut(routed.switch, routed.names[PREFERRED], "eth0")
            routed.wait_for_way(OTHER)
        unheard = routed.unheard(PREFERRED, since)
        routed.made.mend(routed.switch, routed.names[PREFERRED], "eth0")
        assert all(count["failed"] == 0 for count in counts)
        if None not in unheard:
            break
    assert all(sent is not None and sent <= _UNHEARD for sent in unheard), unheard
