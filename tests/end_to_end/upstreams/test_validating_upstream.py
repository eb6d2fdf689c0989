"""deploy/unbound before zones that are signed here: what Unbound validates, Darban passes on.

NSD serves a signed zone with NSEC, a child with NSEC3, children whose signatures are wrong or have
expired, an insecure delegation and a zone without signatures.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.clients import Answer, Asker, ask
from tests.live.configs import ROOT, replaced_once, small
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.running import running
from tests.live.server import Server, servers
from tests.live.unbound import ALONE
from tests.live.waiting import wait_for
from tests.programs.fidelity.peers_of_darban import PROGRAMS, authority, unbound
from tests.programs.fidelity.zone_texts import BROKEN, CHILD, EXPIRED, INSECURE, PLAIN, SIGNED

DNSSEC_BOGUS = 6
SIGNATURE_EXPIRED = 7
PUBLICITY, TRUSTING = "127.0.20.5", "127.0.21.5"
SHIPPED = ROOT / "deploy" / "unbound"

_HERE = """
server:
  do-not-query-localhost: no
  trust-anchor-file: "{zones}/anchor.key"
"""
"""What replaces the root and its trust anchor."""
_TRANSPARENT = """
server:
  module-config: "iterator"
  interface: 127.0.0.1@{port}
  do-not-query-localhost: no
"""
"""A resolver of the network, which does not validate and gives signatures."""


_CONTROLS = f'probe_signed = "www.{SIGNED}"\nprobe_bogus = "www.{BROKEN}"'
_TRUSTED = """
[upstreams.trusted]
servers = ["127.0.0.1:{port}"]
trust_ad = true
[policies.trusting]
upstream = "trusted"
[vlans.trusting]
prefixes = ["127.0.21.0/24"]
policy = "trusting"
"""
_AD, _CD = 0x20, 0x10


@dataclass(frozen=True)
class Resolvers:
    """Unbound, and Darban before it."""

    unbound: Asker
    probing: Asker
    """It has found out that Unbound validates."""
    doubting: Asker
    """Its control names have no answer. For TRUSTING alone it has ``trust_ad``."""


@pytest.fixture(scope="module", params=["recursing", "forwarding"])
def resolvers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, dig_program: Path
) -> Iterator[Resolvers]:
    for program in PROGRAMS:
        needed(program)
    place = tmp_path_factory.mktemp("validating")
    zones, network, ours = (place / name for name in ("zones", "network", "unbound"))
    for directory in (zones, network, ours):
        directory.mkdir()
    with ExitStack() as stack:
        stubs = stack.enter_context(authority(zones))
        port = free_port()
        shipped = (SHIPPED / "darban-upstream.conf").read_text(encoding="utf-8")
        config = replaced_once(shipped, "127.0.0.1@5335", f"127.0.0.1@{port}")
        config += _HERE.format(zones=zones) + ALONE.format(place=ours)
        if request.param == "recursing":
            config += stubs
        else:
            other = free_port()
            transparent = _TRANSPARENT.format(port=other) + ALONE.format(place=network) + stubs
            stack.enter_context(unbound(network, other, transparent))
            forward = (SHIPPED / "darban-forward.conf").read_text(encoding="utf-8")
            for address in ("192.0.2.53", "192.0.2.54"):
                forward = replaced_once(forward, f": {address}\n", f": 127.0.0.1@{other}\n")
            config += forward
        stack.enter_context(unbound(ours, port, config))
        askers = [Asker(dig_program, port)]
        make = stack.enter_context(servers(tmp_path_factory.mktemp("darban")))
        for keys, more, known in ((_CONTROLS, "", 1), ("", _TRUSTED.format(port=port), 0)):
            server = make(small([f"127.0.0.1:{port}"], upstream=keys, more=more)).start()
            _await_probe(server, known)
            askers.append(Asker(dig_program, server.port))
        fresh = (f"{n}.wild.{SIGNED}" for n in range(1000))
        wait_for(
            lambda: "ad" in askers[1](PUBLICITY, next(fresh), "A", "+adflag").flags,
            "its worker knows what the probe has found",
        )
        yield Resolvers(*askers)


def _await_probe(server: Server, known: float) -> None:
    wait_for(lambda: _validates(server), "its upstream is probed", 30)
    assert _validates(server) == [known]


def _validates(server: Server) -> list[float]:
    """What is known of its one upstream; nothing before the first probe."""
    values = server.scrape().values.items()
    return [value for (name, _), value in values if name == "darban_upstream_validates"]


@contextmanager
def _claiming(port: int) -> Iterator[str]:
    """A server that has another one answer without checking, and sets AD on everything."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as clients,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking,
    ):
        clients.bind(("127.0.0.1", 0))
        asking.connect(("127.0.0.1", port))

        def relay() -> None:
            while True:
                query, client = clients.recvfrom(4096)
                if not query:
                    return
                asking.send(query[:3] + bytes((query[3] | _CD,)) + query[4:])
                reply = asking.recv(4096)
                claimed = reply[3] & ~_CD | query[3] & _CD | _AD
                clients.sendto(reply[:3] + bytes((claimed,)) + reply[4:], client)

        thread = threading.Thread(target=relay)
        thread.start()
        host, own = clients.getsockname()
        try:
            yield f"{host}:{own}"
        finally:
            clients.sendto(b"", (host, own))
            thread.join(10)


@contextmanager
def _dnsmasq(claiming: str) -> Iterator[str]:
    """dnsmasq, which passes on the AD of its upstream and validates nothing itself."""
    port = free_port()
    host, _, theirs = claiming.rpartition(":")
    options = ["--proxy-dnssec", "--cache-size=0", f"--server={host}#{theirs}", f"--port={port}"]
    options += ["--listen-address=127.0.0.1", "--bind-interfaces", "--conf-file=/dev/null"]
    alone = ["--no-daemon", "--no-resolv", "--no-hosts", "--pid-file", "--user="]
    with running([needed("dnsmasq"), *alone, *options]):
        wait_for(lambda: ask(port, f"www.{SIGNED}") is not None, "dnsmasq answers")
        yield f"127.0.0.1:{port}"


def _said(answer: Answer) -> tuple[str, bool, list[int], set[str]]:
    """The rcode, AD, the Extended DNS Errors, and the types of the answer's records."""
    codes = [code for code, _ in answer.errors]
    return (
        answer.status,
        "ad" in answer.flags,
        codes,
        {record.split()[3] for record in answer.answer},
    )


_SECURE = [(f"www.{SIGNED}", "NOERROR"), (f"www.{CHILD}", "NOERROR"), (f"no.{SIGNED}", "NXDOMAIN")]
_INSECURE = [f"www.{INSECURE}", f"www.{PLAIN}"]
_BOGUS = [(f"www.{BROKEN}", DNSSEC_BOGUS), (f"www.{EXPIRED}", SIGNATURE_EXPIRED)]
_ASKING = ["+adflag", "+noadflag +dnssec", "+adflag +dnssec", "+noadflag"]


@pytest.mark.parametrize("asking", _ASKING)
@pytest.mark.parametrize(("name", "status"), _SECURE)
def test_what_is_signed_has_ad_for_those_who_ask(
    resolvers: Resolvers, name: str, status: str, asking: str
) -> None:
    asks = asking != "+noadflag"
    theirs = _said(resolvers.unbound(PUBLICITY, name, "A", *asking.split()))
    assert theirs[:3] == (status, asks, [])
    assert ("RRSIG" in theirs[3]) == ("+dnssec" in asking and status == "NOERROR")
    for darban, client in ((resolvers.probing, PUBLICITY), (resolvers.doubting, TRUSTING)):
        assert _said(darban(client, name, "A", *asking.split())) == theirs
    doubted = _said(resolvers.doubting(PUBLICITY, name, "A", *asking.split()))
    assert doubted == (status, False, *theirs[2:])


@pytest.mark.parametrize("asking", _ASKING)
@pytest.mark.parametrize("name", _INSECURE)
def test_what_is_not_signed_has_none(resolvers: Resolvers, name: str, asking: str) -> None:
    theirs = _said(resolvers.unbound(PUBLICITY, name, "A", *asking.split()))
    assert theirs == ("NOERROR", False, [], {"A"})
    assert _said(resolvers.probing(PUBLICITY, name, "A", *asking.split())) == theirs


@pytest.mark.parametrize("asking", _ASKING)
@pytest.mark.parametrize(("name", "error"), _BOGUS)
def test_what_is_bogus_fails_and_says_why(
    resolvers: Resolvers, name: str, error: int, asking: str
) -> None:
    for resolver in (resolvers.unbound, resolvers.probing, resolvers.doubting):
        said = _said(resolver(PUBLICITY, name, "A", *asking.split()))
        assert said == ("SERVFAIL", False, [error], set())


@pytest.mark.parametrize("name", [name for name, _ in _BOGUS])
def test_with_cd_the_client_judges_what_is_bogus(resolvers: Resolvers, name: str) -> None:
    for resolver in (resolvers.unbound, resolvers.probing):
        status, authentic, _, types = _said(resolver(PUBLICITY, name, "A", "+cd", "+dnssec"))
        assert (status, authentic, types) == ("NOERROR", False, {"A", "RRSIG"})


@pytest.mark.parametrize("through", [nullcontext, _dnsmasq], ids=["itself", "dnsmasq"])
def test_a_server_that_claims_ad_without_validating_is_not_believed(
    resolvers: Resolvers,
    make: Callable[[str], Server],
    dig_program: Path,
    through: Callable[[str], AbstractContextManager[str]],
) -> None:
    with _claiming(resolvers.unbound.port) as relay, through(relay) as claiming:
        claims = Asker(dig_program, int(claiming.rpartition(":")[2]))
        server = make(small([claiming], upstream=_CONTROLS)).start()
        _await_probe(server, 0)
        darban = Asker(dig_program, server.port)
        for name in (f"www.{SIGNED}", f"www.{BROKEN}", f"www.{PLAIN}"):
            assert _said(claims("127.0.0.1", name, "A", "+adflag"))[:2] == ("NOERROR", True)
            assert _said(darban(PUBLICITY, name, "A", "+adflag"))[:2] == ("NOERROR", False)
