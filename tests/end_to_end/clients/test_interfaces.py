"""Clients with link-local addresses, the same on every link: the interface decides the VLAN."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from resolver.web.rendering import messages
from tests.live.clients import Answer, read, run
from tests.live.commands import darban
from tests.live.configs import small
from tests.live.namespaces import (
    ADMINISTRATION,
    PUBLICITY,
    Namespaces,
    Subnet,
    link_names,
    namespaces,
)
from tests.live.nsd import ANY_V4, nsd
from tests.live.programs import needed
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

GUESTS = Subnet("guests", ("10.30.0.1", "fd00:30::1"), ("10.30.0.5", "fd00:30::5"))
SUBNETS = (ADMINISTRATION, PUBLICITY, GUESTS)
HERE, CLIENT = "fe80::1", "fe80::5"
BLOCKED = "web.telegram.org"
_UPSTREAM = 5353
_VLANS = "".join(
    f'''
[vlans.{vlan}]
prefixes = ["{prefix}"]
interface = "{link_names(subnet)[0]}"
policy = "{policy}"
'''
    for vlan, prefix, subnet, policy in (
        ("ten", "10.10.0.0/16", ADMINISTRATION, "administrative"),
        ("twenty", "10.20.0.0/16", PUBLICITY, "publicity"),
    )
)


class Links:
    """A server with three links, and on each a client with the same link-local address."""

    def __init__(self, made: Namespaces) -> None:
        self.made = made
        self.ours = made.add("server")
        self._theirs = {subnet: made.add(subnet.vlan) for subnet in SUBNETS}
        for subnet in SUBNETS:
            self.join(subnet)

    def join(self, subnet: Subnet) -> None:
        ours, theirs = link_names(subnet)
        self.made.join(self.ours, self._theirs[subnet], subnet)
        self.made.give_link_local(self.ours, ours, HERE)
        self.made.give_link_local(self._theirs[subnet], theirs, CLIENT)

    def ask(self, subnet: Subnet, *options: str, server: str = "", name: str = BLOCKED) -> Answer:
        """A client's query to the link-local address of the server, or to another."""
        to = server or f"{HERE}%{link_names(subnet)[1]}"
        dig = [*self.made.into(self._theirs[subnet]), str(needed("dig")), f"@{to}", name]
        return read(run([*dig, "+tries=1", "+timeout=5", *options]))

    def browse(self, subnet: Subnet) -> str:
        """What the block page says, where the client asks the link-local address."""
        curl = [*self.made.into(self._theirs[subnet]), str(needed("curl")), "--silent", "--globoff"]
        curl += ["--header", f"Host: {BLOCKED}", "--header", "Accept-Language: en"]
        url = f"http://[{HERE}%25{link_names(subnet)[1]}]/"
        return subprocess.run([*curl, url], capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def links(ip_program: Path) -> Iterator[Links]:
    with namespaces(ip_program) as made:
        yield Links(made)


@pytest.fixture(scope="module")
def server(
    links: Links, nsd_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """It listens on every address of its namespace."""
    inside = links.made.into(links.ours)
    with ExitStack() as stack:
        stack.enter_context(nsd(nsd_program, tmp_path_factory.mktemp("zones"), _UPSTREAM, inside))
        make = stack.enter_context(servers(tmp_path_factory.mktemp("links")))
        page = '[block_page]\nlisten = ["[::]:80"]\n'
        text = small([f"127.0.0.1:{_UPSTREAM}"], more=_VLANS + page)
        made = make(re.sub("listen = .*", 'listen = ["[::]:53"]', text, count=1))
        made.through = inside
        yield made.start()
        assert made.stop().code == 0
        made.check_log()


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_the_same_address_gets_the_policy_of_its_link(
    links: Links, server: Server, transport: str
) -> None:
    before = server.scrape()
    for _ in range(2):
        assert links.ask(ADMINISTRATION, transport).data == ["0.0.0.0"]
        assert links.ask(PUBLICITY, transport).data == [ANY_V4]
        refused = links.ask(GUESTS, transport)
        assert refused.status == "REFUSED"
    ours = ADMINISTRATION.server[1]
    assert links.ask(ADMINISTRATION, transport, server=ours).status == "REFUSED", "no prefix"
    after = server.scrape()
    for vlan, outcome in (("ten", "blocked"), ("twenty", "passed")):
        labels = {"vlan": vlan, "outcome": outcome, "service": ""}
        was, now = (scrape.value("darban_queries_total", **labels) for scrape in (before, after))
        assert now - was == 2
    unknown = darban("status", "--unknown", at=server.directory).out
    assert "fe80::/64" in unknown


@pytest.mark.usefixtures("server")
def test_an_interface_comes_back_with_another_index(links: Links) -> None:
    assert links.ask(ADMINISTRATION).data == ["0.0.0.0"]
    links.made.unjoin(links.ours, ADMINISTRATION)
    links.join(ADMINISTRATION)
    assert links.ask(ADMINISTRATION).data == ["0.0.0.0"]
    assert links.ask(ADMINISTRATION, "+tcp").data == ["0.0.0.0"]
    assert links.ask(PUBLICITY).data == [ANY_V4]


@pytest.mark.usefixtures("server")
def test_the_block_page_knows_the_interface_too(links: Links) -> None:
    titles = messages("en")["block_page"]["titles"]
    kinds = {ADMINISTRATION: "blocked", PUBLICITY: "not_blocked", GUESTS: "general"}
    for subnet, kind in kinds.items():
        told = wait_for(partial(links.browse, subnet), "the block page answers")
        assert titles[kind].rpartition("}")[2] in told


def test_explain_takes_the_interface(server: Server) -> None:
    for subnet, vlan, outcome in (
        *((ADMINISTRATION, "ten", "blocked"), (PUBLICITY, "twenty", "passed")),
        (GUESTS, "unknown", "refused"),
    ):
        client = f"{CLIENT}%{link_names(subnet)[0]}"
        arguments = ("explain", "--client", client, BLOCKED, "--json")
        told = darban(*arguments, at=server.directory).json
        assert (told["vlan"], told["outcome"]) == (vlan, outcome)
