"""``source``: queries leave from the chosen address, as Unbound in another network sees.

The server's namespace has an address that its routing table would not choose, of each family.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.live.clients import Answer, read, run
from tests.live.commands import WRONG, darban
from tests.live.configs import edited, small
from tests.live.namespaces import ADMINISTRATION, Namespaces, namespaces
from tests.live.ports import listens
from tests.live.programs import needed
from tests.live.running import running
from tests.live.server import Server, servers
from tests.live.unbound import ALONE
from tests.live.waiting import wait_for

CHOSEN = {"four": "10.99.0.2", "six": "fd00:99::2"}
OURS, THEIRS = ADMINISTRATION.server, ADMINISTRATION.client
_UNBOUND = (
    ALONE
    + """
server:
  interface: {v4}
  interface: {v6}
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  logfile: "{place}/log"
  log-queries: yes
  module-config: "iterator"
  local-zone: "." redirect
  local-data: ". A 192.0.2.80"
  local-data: '. TXT {long}'
"""
)


class Network:
    """Darban in one namespace, and Unbound, which logs who asks, in another."""

    def __init__(self, made: Namespaces, ours: str, server: Server, log: Path) -> None:
        self.server = server
        self._made = made
        self._ours = ours
        self._log = log

    def ask(self, name: str, rtype: str = "A") -> Answer:
        dig = [*self._made.into(self._ours), str(needed("dig")), "-p", str(self.server.port)]
        return read(run([*dig, "@127.0.0.1", name, rtype, "+tries=1", "+timeout=9"]))

    def give(self, address: str) -> None:
        self._made.give(self._ours, address)

    def seen(self) -> set[tuple[str, str]]:
        """Who has asked Unbound for which names."""
        return set(re.findall(r"info: (\S+) (\S+)\. \S+ IN$", self._log.read_text(), re.MULTILINE))


@pytest.fixture
def network(ip_program: Path, tmp_path: Path) -> Iterator[Network]:
    """Its server is not yet started, and has only the addresses of its subnet."""
    with namespaces(ip_program) as made, ExitStack() as stack:
        ours, theirs = made.add("ours"), made.add("theirs")
        made.join(ours, theirs, ADMINISTRATION)
        made.lead(theirs, ADMINISTRATION)
        log = stack.enter_context(_unbound(made.into(theirs), tmp_path))
        sources = f"source = {list(CHOSEN.values())}"
        more = "".join(
            f'[[forward]]\nzones = ["{zone}"]\nservers = ["{address}"]\n{sources}\n'
            for zone, address in zip(CHOSEN, THEIRS, strict=True)
        )
        make = stack.enter_context(servers(tmp_path))
        server = make(small([THEIRS[0]], upstream=sources, more=more))
        server.through = made.into(ours)
        yield Network(made, ours, server, log)
        assert server.stop().code == 0
        server.check_log()


@contextmanager
def _unbound(through: list[str], place: Path) -> Iterator[Path]:
    long = " ".join(f'"{number:03}{"x" * 197}"' for number in range(8))
    config, log = place / "unbound.conf", place / "log"
    text = _UNBOUND.format(v4=THEIRS[0], v6=THEIRS[1], place=place, long=long)
    config.write_text(text, encoding="utf-8")
    with running([*through, needed("unbound"), "-d", "-c", config]) as process:
        wait_for(lambda: listens(process.pid, 53), "Unbound is ready")
        yield log


def test_the_upstream_sees_the_chosen_address(network: Network) -> None:
    for address in CHOSEN.values():
        network.give(address)
    network.server.start()
    expected = set()
    for zone, address in CHOSEN.items():
        assert network.ask(f"a.{zone}").data == ["192.0.2.80"]
        assert len(network.ask(f"b.{zone}", "TXT").data[0]) > 1232, "which takes TCP"
        expected |= {(address, name) for name in (f"a.{zone}", f"b.{zone}", "iana.org")}
    wait_for(lambda: network.seen() >= expected, "all is asked for, also by the probe")
    command = [*network.server.through, *network.server.program, "explain", "--live"]
    command += ["--config", network.server.config, "--vlan", "publicity"]
    for zone, address in CHOSEN.items():
        assert "NOERROR" in run([*command, f"c.{zone}", "A"])
        assert (address, f"c.{zone}") in network.seen()
    assert {address for address, _ in network.seen()} == set(CHOSEN.values())


def test_a_missing_address_is_reported(network: Network) -> None:
    server = network.server
    for address in CHOSEN.values():
        where = rf"(\[upstream\]|\[\[forward\]\] {'|'.join(CHOSEN)})"
        server.expect_error(rf"{where}: this host lacks the address {address}")
    server.start()
    assert server.err.count("this host lacks the address") == 3 * len(CHOSEN)
    answer = network.ask("a.four")
    assert (answer.status, len(answer.errors)) == ("SERVFAIL", 1), "and not from another address"
    assert network.ask("localhost").data == ["127.0.0.1"], "the rest is served"
    for address in CHOSEN.values():
        network.give(address)
    wait_for(lambda: network.ask("a.four").status == "NOERROR", "the address is used")
    assert {address for address, _ in network.seen()} <= set(CHOSEN.values())


def test_a_reload_with_such_an_address_is_refused(network: Network) -> None:
    for address in CHOSEN.values():
        network.give(address)
    server = network.server.start()
    text = server.config.read_text(encoding="utf-8")
    old = f"source = {list(CHOSEN.values())}\n[lists]"
    edited(server.config, old, "source = ['10.98.0.2']\n[lists]")
    server.expect_error("reload by |this host lacks the address 10.98.0.2")
    done = darban("reload", at=server.directory)
    assert done.code == WRONG
    assert "[upstream]: this host lacks the address 10.98.0.2" in done.out + done.err
    assert network.ask("a.example").data == ["192.0.2.80"], "the old addresses stay in force"
    server.config.write_text(text, encoding="utf-8")
