"""DNS over TLS by the server: by the address of the client, with a certificate that is renewed."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.certificates import CertificateAuthority
from tests.live.clients import Answer, read, run
from tests.live.configs import small
from tests.live.dnsdist import NAME, certificate
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.running import running
from tests.live.server import Server, servers
from tests.live.tls_load import certificate_of, connected, tls_load
from tests.live.waiting import wait_for

LOG = "[block_log]\nenabled = true\n"
ADMINISTRATION, PUBLICITY = "127.0.10.5", "127.0.20.5"


@dataclass
class Office:
    """A server with DNS over TLS on a port; its directory has the certificate and its key."""

    server: Server
    tls: int

    @property
    def directory(self) -> Path:
        return self.server.directory

    def ask(self, client: str, name: str, rtype: str = "A", *options: str) -> Answer:
        where = ["-b", client, "-p", str(self.tls), "@127.0.0.1", name, rtype]
        return read(run([needed("kdig"), "+tls", "+timeout=5", "+retry=0", *where, *options]))

    def renew(self) -> bytes:
        """Write another certificate and its key over those that are there; in DER."""
        new = self.directory / "new"
        new.mkdir()
        certificate(needed("openssl"), new, "127.0.0.1")
        for file in ("dns.pem", "dns.key"):
            shutil.copy(new / file, self.directory)
        shutil.rmtree(new)
        return self.on_disk()

    def on_disk(self) -> bytes:
        text = (self.directory / "dns.pem").read_text(encoding="utf-8")
        return ssl.PEM_cert_to_DER_cert(text)

    def presented(self) -> bytes:
        with connected(self.tls) as connection:
            return certificate_of(connection)

    def faults(self) -> set[str]:
        kinds = ("certificate_unusable", "certificate_expired", "certificate_ends")
        scrape = self.server.scrape()
        return {kind for kind in kinds if scrape.value("darban_faults", kind=kind)}


@pytest.fixture(scope="module")
def office(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    needed("kdig")
    port = free_port()
    tls = f'[server.tls]\nlisten = ["127.0.0.1:{port}"]\ncertificate = "dns.pem"\nkey = "dns.key"\n'
    tls += f'name = "{NAME}"\n'
    with servers(tmp_path_factory.mktemp("tls")) as make:
        server = make(small([upstream], server="workers = 2", more=tls + LOG))
        certificate(needed("openssl"), server.directory, "127.0.0.1")
        server.start()
        yield Office(server, port)
        server.stop()


def test_each_vlan_has_its_policy_cold_and_warm(office: Office) -> None:
    for _ in range(2):
        blocked = office.ask(ADMINISTRATION, "web.telegram.org")
        assert blocked.data == ["0.0.0.0"]
        assert blocked.errors[0][0] == 15
        assert office.ask(PUBLICITY, "web.telegram.org").data != ["0.0.0.0"]


def test_the_transport_is_in_the_metrics_and_in_the_block_log(office: Office) -> None:
    def count() -> float:
        labels = {"vlan": "administration", "transport": "tls"}
        return office.server.scrape().value("darban_query_transports_total", **labels)

    before = count()
    office.ask(ADMINISTRATION, "web.telegram.org")
    wait_for(lambda: count() == before + 1, "the query is counted")
    log = office.server.state / "blocks.jsonl"
    wait_for(lambda: '"transport": "tls"' in log.read_text(encoding="utf-8"), "it is in the log")


def test_a_client_that_verifies_the_server_asks_it_by_name_and_by_address(office: Office) -> None:
    trusted = f"+tls-ca={office.directory / 'dns.pem'}"
    for name in (NAME, "127.0.0.1"):
        found = office.ask(PUBLICITY, "localhost", "A", trusted, f"+tls-hostname={name}")
        assert found.data == ["127.0.0.1"]
    with pytest.raises(AssertionError):
        office.ask(PUBLICITY, "localhost", "A", trusted, "+tls-hostname=other.example")


_STUBBY = """\
resolution_type: GETDNS_RESOLUTION_STUB
dns_transport_list: [GETDNS_TRANSPORT_TLS]
tls_authentication: GETDNS_AUTHENTICATION_REQUIRED
tls_ca_file: "{ca}"
tls_query_padding_blocksize: 128
listen_addresses: [127.0.0.1@{port}]
upstream_recursive_servers:
  - address_data: 127.0.0.1
    tls_port: {tls}
    tls_auth_name: "{name}"
"""


@contextmanager
def stubby(office: Office, name: str) -> Iterator[int]:
    """Stubby that verifies the server by a name: its port."""
    port = free_port()
    config = office.directory / f"stubby-{port}.yml"
    ca = office.directory / "dns.pem"
    config.write_text(_STUBBY.format(ca=ca, port=port, tls=office.tls, name=name))
    with running([needed("stubby"), "-C", config]):
        yield port


def test_stubby_verifies_the_server_and_is_answered(office: Office) -> None:
    def asked(port: int) -> str:
        command = (needed("dig"), "-p", str(port), "@127.0.0.1", "localhost.scene", "+time=3")
        done = subprocess.run([*command, "+tries=1"], capture_output=True, text=True, check=False)
        return done.stdout

    with stubby(office, NAME) as port:
        wait_for(lambda: "status: NXDOMAIN" in asked(port), "it is answered", 20)
    with stubby(office, "other.example") as port:
        wait_for(lambda: "status: SERVFAIL" in asked(port), "it trusts no other name", 20)


def test_dnsperf_loses_no_query(office: Office, tmp_path: Path) -> None:
    (tmp_path / "questions").write_text("web.telegram.org A\nlocalhost A\n")
    where = ["-s", "127.0.0.1", "-p", str(office.tls), "-a", PUBLICITY]
    load = ("-d", tmp_path / "questions", "-c", "10", "-n", "500")
    printed = run([needed("dnsperf"), "-m", "dot", *where, *load])
    assert "Queries completed:    1000 (100.00%)" in printed


def test_a_large_answer_comes_whole(office: Office) -> None:
    assert office.ask(PUBLICITY, "big.scene", "TXT").answer


def test_a_padded_query_gets_a_padded_answer_and_no_other(office: Office) -> None:
    padded = office.ask(PUBLICITY, "localhost", "A", "+padding")
    assert "Received 468 B" in padded.text
    plain = office.ask(PUBLICITY, "localhost", "A", "+nopadding", "+edns")
    assert "PADDING" not in plain.text
    assert "Received 468 B" not in plain.text


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_and_the_protocol_is_dot(
    office: Office, version: ssl.TLSVersion
) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = version
    context.set_alpn_protocols(["dot", "h2"])

    def resumed(session: ssl.SSLSession | None) -> tuple[bool, ssl.SSLSession | None]:
        plain = socket.create_connection(("127.0.0.1", office.tls), 5)
        with context.wrap_socket(plain, session=session) as connection:
            assert connection.selected_alpn_protocol() == "dot"
            query = bytes.fromhex("000101000001000000000000096c6f63616c686f73740000010001")
            connection.sendall(len(query).to_bytes(2) + query)
            assert connection.recv(4096)[2:4] == query[:2]
            return bool(connection.session_reused), connection.session

    _, session = resumed(None)
    # Each worker has ticket keys of its own, and the kernel chooses the worker.
    assert any(resumed(session)[0] for _ in range(20))


def test_an_old_version_is_refused(office: Office) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSVersion"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSVersion"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    plain = socket.create_connection(("127.0.0.1", office.tls), 5)
    with plain, pytest.raises(ssl.SSLError, match="alert"):
        context.wrap_socket(plain)


def test_a_renewed_certificate_is_presented_and_no_query_is_lost(office: Office) -> None:
    old = office.on_disk()
    with tls_load(office.tls) as clients:
        others = clients[1:]  # who open a connection now and then
        wait_for(lambda: all(client.certificates for client in clients), "all are connected")
        new = office.renew()
        wait_for(
            lambda: all(other.certificates == {old, new} for other in others), "it is presented"
        )
    assert [client.answered for client in clients] == [client.asked for client in clients]
    assert office.presented() == new


@pytest.mark.parametrize("file", ["dns.pem", "dns.key"])
def test_a_broken_certificate_leaves_the_one_before_in_use_and_is_a_fault(
    office: Office, file: str
) -> None:
    office.server.expect_error("the certificate of DNS over TLS is not used")
    old = office.presented()
    good = (office.directory / file).read_bytes()
    (office.directory / file).write_text("broken\n", encoding="utf-8")
    wait_for(lambda: "certificate_unusable" in office.faults(), "the fault is shown")
    assert office.presented() == old
    reloaded = run([*office.server.program, "reload", "--config", office.server.config])
    assert "DNS over TLS is not served with it" in reloaded
    assert office.presented() == old
    (office.directory / file).write_bytes(good)
    wait_for(lambda: "certificate_unusable" not in office.faults(), "it is mended")
    new = office.renew()
    wait_for(lambda: office.presented() == new, "the certificate after it is presented")


def test_a_new_worker_presents_the_certificate(office: Office) -> None:
    old = office.on_disk()
    before = office.server.scrape().value("darban_worker_restarts_total")
    for pid in office.server.workers():
        os.kill(pid, signal.SIGKILL)
    wait_for(
        lambda: office.server.scrape().value("darban_worker_restarts_total") == before + 2,
        "the workers are replaced",
    )
    assert {office.presented() for _ in range(10)} == {old}


def test_the_end_of_the_certificate_is_a_metric_and_soon_a_fault(office: Office) -> None:
    expires = office.server.scrape().value("darban_tls_certificate_expiry_timestamp_seconds")
    shown = run([needed("openssl"), "x509", "-in", office.directory / "dns.pem", "-enddate"])
    text = shown.splitlines()[0].removeprefix("notAfter=")
    assert expires == ssl.cert_time_to_seconds(text)
    assert "certificate_ends" in office.faults()  # the test's certificate ends in two days


def test_a_client_discovers_it_and_can_verify_it_by_name_and_by_address(office: Office) -> None:
    plain = ["-p", str(office.server.port), "@127.0.0.1", "-b", PUBLICITY]
    found = read(run([needed("kdig"), *plain, "_dns.resolver.arpa", "SVCB"]))
    assert found.data == [f'1 {NAME}. alpn="dot" port={office.tls} ipv4hint=127.0.0.1']
    trusting = ssl.create_default_context(cafile=office.directory / "dns.pem")
    for verified in (NAME, "127.0.0.1"):
        with (
            socket.create_connection(("127.0.0.1", office.tls), 5) as tcp,
            trusting.wrap_socket(tcp, server_hostname=verified) as session,
        ):
            assert session.version() == "TLSv1.3"


def test_a_certificate_that_has_expired_before_a_restart_is_said_and_a_fault(
    office: Office, tmp_path: Path
) -> None:
    authority = CertificateAuthority.make(needed("openssl"), tmp_path / "authority")
    expired = authority.issue("old", "IP:127.0.0.1", expired=True)
    office.server.stop()
    office.server.expect_error("It expired on 2020-02-01")
    shutil.copy(expired.file, office.directory / "dns.pem")
    shutil.copy(expired.key, office.directory / "dns.key")
    office.server.start()
    shown = run([*office.server.program, "status", "--config", office.server.config])
    assert "dns.pem has expired on 2020-02-01" in " ".join(shown.split())
    assert "clients that verify it get no DNS" in " ".join(shown.split())
    assert office.faults() == {"certificate_expired"}
    new = office.renew()
    wait_for(lambda: office.presented() == new, "the renewed certificate is presented")
    assert office.faults() == {"certificate_ends"}
