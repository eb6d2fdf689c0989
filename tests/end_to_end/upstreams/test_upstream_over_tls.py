"""Upstreams over TLS: Unbound with a certificate that can be verified or not, and hostile ones."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dnslib import RR, DNSRecord

from tests.live.certificates import Certificate, CertificateAuthority
from tests.live.clients import ask
from tests.live.commands import darban
from tests.live.configs import small
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.running import running
from tests.live.server import Server
from tests.live.unbound import ALONE
from tests.live.waiting import wait_for
from tests.programs.attacks.fake_upstream import honest, upstream

NAME = "dns.agency.example"
ADDRESS = "192.0.2.80"
_CLIENT = "127.0.20.5"
_UNBOUND = (
    ALONE
    + """
server:
  module-config: "iterator"
  interface: 127.0.0.1@{port}
  tls-port: {port}
  tls-service-pem: "{certificate.file}"
  tls-service-key: "{certificate.key}"
  local-zone: "." redirect
  local-data: ". 60 IN A 192.0.2.80"
  local-zone: "abroad.scene" always_nxdomain
  logfile: ""
"""
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    place = tmp_path_factory.mktemp("agency") / "ca"
    return CertificateAuthority.make(needed("openssl"), place)


@pytest.fixture(scope="module")
def good(authority: CertificateAuthority) -> Certificate:
    return authority.issue("good", f"DNS:{NAME}")


@pytest.fixture(scope="module")
def bad(
    authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Certificate]:
    other = tmp_path_factory.mktemp("others") / "ca"
    stranger = CertificateAuthority.make(needed("openssl"), other)
    return {
        "expired": authority.issue("expired", f"DNS:{NAME}", expired=True),
        "of another name": authority.issue("other", "DNS:other.example", "IP:127.0.0.1"),
        "of another authority": stranger.issue("unknown", f"DNS:{NAME}"),
    }


@contextmanager
def unbound(place: Path, port: int, certificate: Certificate) -> Iterator[None]:
    """Unbound, which answers every name over TLS at this port."""
    config = place / "unbound.conf"
    config.write_text(_UNBOUND.format(port=port, certificate=certificate, place=place))
    with running([needed("unbound"), "-d", "-c", config]):
        wait_for(lambda: _accepts(port), "Unbound accepts connections")
        yield


def _accepts(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def plain_queries(port: int) -> Iterator[socket.socket]:
    """A socket that receives what is sent to this port over UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving:
        receiving.bind(("127.0.0.1", port))
        receiving.setblocking(False)
        yield receiving


def config_of(authority: CertificateAuthority, *ports: int) -> str:
    upstreams = [f"tls://{NAME}@127.0.0.1:{port}" for port in ports]
    return small(upstreams, upstream=f'ca_file = "{authority.file}"')


def _answer(server: Server, name: str) -> list[str]:
    """The addresses of a name; empty for an error."""
    reply = ask(server.port, name, client=_CLIENT, seconds=10.0)
    assert reply is not None
    return [str(record.rdata) for record in reply.rr]


def _results(server: Server, port: int, result: str) -> float:
    upstream = f"tls://{NAME}@127.0.0.1:{port}"
    got = server.scrape().value("darban_upstream_queries_total", upstream=upstream, result=result)
    return got or 0.0


def test_a_verified_server_is_asked_also_after_a_restart(
    make: Callable[[str], Server],
    authority: CertificateAuthority,
    good: Certificate,
    tmp_path: Path,
) -> None:
    port = free_port()
    with ExitStack() as running:
        running.enter_context(unbound(tmp_path, port, good))
        plain = running.enter_context(plain_queries(port))
        server = make(config_of(authority, port)).start()
        for number in range(50):
            assert _answer(server, f"{number}.example") == [ADDRESS]
        asking = ("explain", _CLIENT, "new.example", "--live")
        shown = darban(*asking, at=server.directory).out
        assert f"tls://{NAME}@127.0.0.1:{port}" in shown
        assert ADDRESS in shown
    with unbound(tmp_path, port, good), plain_queries(port) as plain:
        for number in range(50, 60):
            assert _answer(server, f"{number}.example") == [ADDRESS]
        status = darban("status", at=server.directory).out
        assert f"upstream tls://{NAME}" not in status
        with pytest.raises(BlockingIOError):
            plain.recv(512)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("expired", "certificate has expired"),
        ("of another name", f"not valid for '{NAME}'"),
        ("of another authority", "unable to get local issuer certificate"),
    ],
)
def test_a_server_that_is_not_verified_is_never_asked(
    make: Callable[[str], Server],
    authority: CertificateAuthority,
    good: Certificate,
    bad: dict[str, Certificate],
    tmp_path: Path,
    what: str,
    why: str,
) -> None:
    port = free_port()
    with unbound(tmp_path, port, bad[what]), plain_queries(port) as plain:
        server = make(config_of(authority, port)).start()
        wait_for(lambda: why in server.err, "the probe has found it")
        assert _answer(server, "a.example") == []
        status = darban("status", at=server.directory).out
        assert f"upstream tls://{NAME}@127.0.0.1:{port} is not asked, since TLS fails" in status
        assert why in status
        with pytest.raises(BlockingIOError):
            plain.recv(512)
    with unbound(tmp_path, port, good):
        wait_for(lambda: _answer(server, "b.example") == [ADDRESS], "it is asked again")
        darban("reload", at=server.directory)  # which probes at once
        wait_for(lambda: "TLS fails no more" in server.err, "the next probe has found it")
        assert "TLS fails" not in darban("status", at=server.directory).out


@dataclass
class Resolver:
    """A server over TLS that does what a test wants; it counts its sessions."""

    listening: socket.socket
    context: ssl.SSLContext
    answers: int
    """After so many answers a connection is closed."""
    resumed: list[bool] = field(default_factory=list)
    """Of each session, whether it resumed another."""
    sizes: list[int] = field(default_factory=list)

    def serve(self) -> None:
        while True:
            try:
                connected, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, connected: socket.socket) -> None:
        connected.settimeout(30)
        with (
            suppress(ssl.SSLEOFError, ConnectionError),  # one of the handshakes that are not needed
            connected,
            self.context.wrap_socket(connected, server_side=True) as session,
        ):
            self.resumed.append(bool(session.session_reused))
            for _ in range(self.answers):
                if not self._answer(session):
                    break

    def _answer(self, session: ssl.SSLSocket) -> bool:
        length = session.recv(2)
        if len(length) < 2:
            return False
        packet = session.recv(int.from_bytes(length, "big"))
        self.sizes.append(len(packet))
        reply = DNSRecord.parse(packet).reply(ra=1)
        reply.add_answer(*RR.fromZone(f"{reply.q.qname} 60 A {ADDRESS}"))
        answer = bytes(reply.pack())
        session.sendall(len(answer).to_bytes(2, "big") + answer)
        return True


@contextmanager
def resolver(certificate: Certificate, answers: int) -> Iterator[Resolver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    listening = socket.create_server(("127.0.0.1", 0))
    made = Resolver(listening, context, answers)
    thread = threading.Thread(target=made.serve)
    thread.start()
    try:
        yield made
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def test_a_connection_that_the_server_has_closed_is_resumed_and_no_query_lost(
    make: Callable[[str], Server], authority: CertificateAuthority, good: Certificate
) -> None:
    with resolver(good, answers=1) as upstream:
        port = upstream.listening.getsockname()[1]
        server = make(config_of(authority, port)).start()
        for number in range(20):
            assert _answer(server, f"{number}.example") == [ADDRESS]
        wait_for(lambda: _results(server, port, "answered") >= 20, "they are counted")
        assert _results(server, port, "timeout") == 0
        assert sum(upstream.resumed) >= 18
        padded = [size for size in upstream.sizes if size % 128 == 0]
        assert len(padded) >= 20, "queries with EDNS are padded; those of the probe have none"


def test_a_server_that_ends_no_handshake_holds_up_nobody(
    make: Callable[[str], Server], authority: CertificateAuthority, good: Certificate
) -> None:
    with (
        resolver(good, answers=1000) as upstream,
        closing(socket.create_server(("127.0.0.1", 0))) as silent,
    ):
        ports = silent.getsockname()[1], upstream.listening.getsockname()[1]
        server = make(config_of(authority, *ports)).start()
        for number in range(20):
            assert _answer(server, f"{number}.example") == [ADDRESS]
        wait_for(lambda: _results(server, ports[0], "timeout") >= 1, "it was tried")
        assert _results(server, ports[1], "answered") >= 20
        assert len(upstream.resumed) <= 4, "each probe has a connection, and the queries share one"


def test_after_a_reload_to_tls_no_client_gets_the_answers_of_the_old_server(
    make: Callable[[str], Server],
    authority: CertificateAuthority,
    good: Certificate,
    tmp_path: Path,
) -> None:
    port, name = free_port(), "www.example"
    with upstream(honest) as plain:
        before = small([plain.where], upstream=f'ca_file = "{authority.file}"')
        server = make(before).start()
        assert _explained(server, name)["receives"] is None
        assert _explained(server, name)["cached"] == [None]
        assert _answer(server, name) == ["192.0.2.1"]
        told = _explained(server, name)
        assert told["receives"]["records"] == ["A 192.0.2.1"]
        assert told["cached"][0]["left"] > 200
        after = before.replace(f'"{plain.where}"', f'"tls://{NAME}@127.0.0.1:{port}"')
        server.config.write_text(after, encoding="utf-8")
        assert darban("reload", at=server.directory).code == 0
        told = _explained(server, name)
        assert told["receives"] is None
        assert (told["answer"][:4], told["cached"][0]["left"] <= 0) == ("none", True)
        assert _answer(server, name) == ["192.0.2.1"], "stale, since the new server is dead"
    with unbound(tmp_path, port, good):
        wait_for(lambda: _answer(server, name) == [ADDRESS], "the new server is asked", 40)
        told = _explained(server, name)
        assert told["receives"]["records"] == told["asked_now"]["records"] == [f"A {ADDRESS}"]
        shown = darban("explain", _CLIENT, name, "--live", at=server.directory).out
        assert re.search(rf"cached +NOERROR, A {ADDRESS}, TTL .* s old, fresh for ", shown)


def _explained(server: Server, name: str) -> Any:  # noqa: ANN401 - any JSON
    return darban("explain", _CLIENT, name, "--live", "--json", at=server.directory).json
