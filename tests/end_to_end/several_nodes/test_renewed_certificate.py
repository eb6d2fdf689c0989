"""dnsdist with the exported config takes a renewed certificate over while clients ask."""

import shutil
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.configs import small
from tests.live.dnsdist import NAME, certificate, dnsdist
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.server import Server
from tests.live.tls_load import certificate_of, connected, tls_load
from tests.live.waiting import wait_for


@dataclass(frozen=True)
class Front:
    """dnsdist in front of a server; ``directory`` has the certificate and its key."""

    directory: Path
    dot: int
    doh: int
    log: Path

    def renew(self) -> bytes:
        """Write another certificate and its key over those that are there; in DER."""
        new = self.directory / "new"
        new.mkdir()
        certificate(needed("openssl"), new)
        for file in ("dns.pem", "dns.key"):
            shutil.copy(new / file, self.directory)
        shutil.rmtree(new)
        return self.on_disk()

    def on_disk(self) -> bytes:
        text = (self.directory / "dns.pem").read_text(encoding="utf-8")
        return ssl.PEM_cert_to_DER_cert(text)

    def presented(self) -> set[bytes]:
        """The certificates that new clients of DNS over TLS and over HTTPS see."""
        found = set()
        for port in (self.dot, self.doh):
            with connected(port) as connection:
                found.add(certificate_of(connection))
        return found

    def count(self, logged: str) -> int:
        """How many lines dnsdist has logged with a text."""
        return self.log.read_text(encoding="utf-8").count(logged)


@pytest.fixture
def front(make: Callable[[str], Server]) -> Iterator[Front]:
    program = needed("dnsdist")
    proxied, dot, doh = (free_port() for _ in range(3))
    node = f"127.0.0.1:{proxied}"
    front = f'[server.proxy]\nlisten = ["{node}"]\nfrom = ["127.0.0.1/32"]\n'
    front += f'[front]\nname = "{NAME}"\ncertificate = "dns.pem"\nkey = "dns.key"\n'
    front += f'dot = ["127.0.0.1:{dot}"]\ndoh = ["127.0.0.1:{doh}"]\nnodes = ["{node}"]\n'
    server = make(small(["192.0.2.1"], more=front))
    certificate(needed("openssl"), server.directory)
    server.start()
    with dnsdist(program, server.config) as log:
        yield Front(server.directory, dot, doh, log)


def test_a_renewed_certificate_is_presented_and_no_query_is_lost(front: Front) -> None:
    old = front.on_disk()
    with tls_load(front.dot) as clients:
        others = clients[1:]  # who open a connection now and then
        wait_for(lambda: all(client.certificates for client in clients), "all are connected")
        new = front.renew()
        wait_for(
            lambda: all(other.certificates == {old, new} for other in others), "it is presented"
        )
    assert [client.answered for client in clients] == [client.asked for client in clients]
    assert front.presented() == {new}


@pytest.mark.parametrize("file", ["dns.pem", "dns.key"])
def test_a_broken_certificate_leaves_the_one_before_in_use_and_is_logged(
    front: Front, file: str
) -> None:
    old = front.on_disk()
    (front.directory / file).write_text("broken\n", encoding="utf-8")
    wait_for(lambda: front.count("The certificate before stays in use"), "the error is logged")
    assert front.presented() == {old}
    new = front.renew()
    wait_for(lambda: front.presented() == {new}, "the certificate after it is presented")


def test_files_that_are_gone_leave_the_certificate_in_use(front: Front) -> None:
    old = front.on_disk()
    (front.directory / "dns.key").rename(front.directory / "aside.key")
    wait_for(lambda: front.count("The certificate before stays in use"), "the error is logged")
    assert front.presented() == {old}
