"""What clients learn of encrypted DNS by _dns.resolver.arpa, and what its certificate must have."""

from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from resolver.compiler.discovery import DISCOVERY
from resolver.dns import presentation
from tests.compiler.texts import compile_texts
from tests.live.certificates import Certificate, CertificateAuthority
from tests.live.programs import needed

pytestmark = pytest.mark.processes

NAME = "dns.agency.example"
_REST = """
[lists]
directories = []
[policies.p]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""
_TLS = """
[server.tls]
listen = ["10.0.0.53:853", "[fd00::53]:853", "10.0.0.53:8853"]
certificate = "dns.pem"
key = "dns.key"
name = "Dns.Agency.Example"
"""
_FRONT = """
[server.proxy]
listen = ["127.0.0.1:5353"]
from = ["127.0.0.1/32"]
[front]
name = "front.agency.example"
certificate = "front.pem"
key = "front.key"
dot = ["0.0.0.0:853"]
doh = ["10.0.0.53:443"]
"""
_BY_SERVER = [
    f"SVCB 1 {NAME}. alpn=dot port=853 ipv4hint=10.0.0.53 ipv6hint=fd00::53",
    f"SVCB 2 {NAME}. alpn=dot port=8853 ipv4hint=10.0.0.53",
]
_DOHPATH = "key7=/dns-query{?dns}"
_LISTEN = '["127.0.0.1:53", "10.0.0.53:53", "[fd00::53]:53"]'


def _discovered(config: str) -> list[str]:
    local = compile_texts(config + _REST).compiled.local
    return [
        presentation.text(record) for of in local if of.name == DISCOVERY for record in of.records
    ]


def _by_front(first: int) -> list[str]:
    name = "front.agency.example."
    return [
        f"SVCB {first} {name} alpn=dot port=853",
        f"SVCB {first + 1} {name} alpn=h2 port=443 ipv4hint=10.0.0.53 {_DOHPATH}",
    ]


@pytest.mark.parametrize(
    ("config", "records"),
    [
        ("", []),
        (_TLS, _BY_SERVER),
        (_FRONT, _by_front(1)),
        (_TLS + _FRONT, [*_BY_SERVER, *_by_front(3)]),
        (_TLS.replace('name = "Dns.Agency.Example"', ""), []),
        (_TLS.replace("listen = [", 'listen = ["127.0.0.1:853", "[::1]:8853", '), _BY_SERVER),
    ],
    ids=["none", "this server", "in front", "both", "without a name", "beside loopback"],
)
def test_clients_learn_what_is_served(config: str, records: list[str]) -> None:
    assert [text.replace('"', "") for text in _discovered(config)] == records


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.make(needed("openssl"), tmp_path_factory.mktemp("agency") / "ca")


def _warnings(
    place: Path, authority: CertificateAuthority, *names: str, listen: str = _LISTEN
) -> dict[str, tuple[str, str]]:
    """What was found and is expected, by the codes of the warnings about the certificate."""
    issued = authority.issue("dns", *names)
    (place / "dns.pem").write_bytes(issued.file.read_bytes())
    (place / "dns.key").write_bytes(issued.key.read_bytes())
    (place / "config.toml").write_text(f"[server]\nlisten = {listen}\n{_TLS}{_REST}")
    problems = compile_file(place / "config.toml", 0.0).problems
    return {p.code: (p.found, p.expected) for p in problems if p.code.startswith("certificate")}


def test_a_certificate_with_the_name_and_the_addresses_that_clients_ask_draws_no_warning(
    tmp_path: Path, authority: CertificateAuthority
) -> None:
    names = (f"DNS:{NAME}", "IP:10.0.0.53", "IP:fd00::53")
    assert _warnings(tmp_path, authority, *names) == {}
    assert _warnings(tmp_path, authority, "DNS:*.agency.example", *names[1:]) == {}


def test_an_expired_certificate_draws_a_warning(
    tmp_path: Path, authority: CertificateAuthority
) -> None:
    names = (f"DNS:{NAME}", "IP:10.0.0.53", "IP:fd00::53")
    assert _warnings(tmp_path, authority, *names) == {}
    Certificate(tmp_path / "dns.pem", tmp_path / "dns.key").put(
        authority.issue("old", *names, expired=True)
    )
    expired = 1580515200.0
    for at, warns in [(expired - 1, False), (expired, True)]:
        problems = [str(problem) for problem in compile_file(tmp_path / "config.toml", at).problems]
        assert any("It expired on 2020-02-01 00:00 UTC" in problem for problem in problems) is warns


@pytest.mark.parametrize("name", ["DNS:other.example", "DNS:*.example", "DNS:agency.example"])
def test_a_certificate_without_the_name_draws_a_warning(
    tmp_path: Path, authority: CertificateAuthority, name: str
) -> None:
    found = _warnings(tmp_path, authority, name, "IP:10.0.0.53", "IP:fd00::53")
    theirs = name.removeprefix("DNS:")
    assert found == {"certificate-name": (f'"{NAME}"', f"a name of its certificate: {theirs}")}


def test_a_certificate_without_the_addresses_that_clients_ask_draws_a_warning(
    tmp_path: Path, authority: CertificateAuthority
) -> None:
    found = _warnings(tmp_path, authority, f"DNS:{NAME}", "IP:10.0.0.53")
    assert found == {
        "certificate-address": (
            '"dns.pem"',
            "a certificate with the addresses that clients ask: IP:fd00::53",
        )
    }
    listen = '["127.0.0.1:53", "0.0.0.0:53"]'
    found = _warnings(tmp_path, authority, f"DNS:{NAME}", "IP:10.0.0.53", listen=listen)
    assert found["certificate-address"][1].endswith(": IP:fd00::53"), "those of [server.tls] then"
