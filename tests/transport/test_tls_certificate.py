"""A certificate and its key are taken together, or the reason is told why not."""

import subprocess
import time
from pathlib import Path

import pytest

from resolver.transport.tls_certificate import CertificateError, read_certificate
from tests.live.programs import needed

pytestmark = pytest.mark.processes

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
NAMES = ("-addext", "subjectAltName=DNS:dns.example,DNS:*.dns.example,IP:10.0.0.53,IP:fd00::53")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates with their keys, each by its name."""
    place = tmp_path_factory.mktemp("certificates")

    def make(name: str, key: tuple[str, ...], *more: str) -> None:
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        command: list[str | Path] = [
            needed("openssl"),
            "req",
            "-x509",
            *key,
            "-noenc",
            "-subj",
            "/CN=x",
        ]
        subprocess.run([*command, *files, *more], check=True, capture_output=True, cwd=place)

    make("ec", EC, "-days", "3", *NAMES)
    make("rsa", ("-newkey", "rsa:2048"), "-days", "30")
    make("ended", EC, "-not_before", "20200101000000Z", "-not_after", "20210101000000Z")
    make("client", EC, "-addext", "extendedKeyUsage=clientAuth")
    (place / "empty.pem").touch()
    encrypted = ("-aes128", "-passout", "pass:x", "-out", "secret.key")
    command: list[str | Path] = [needed("openssl"), "pkey", "-in", "ec.key", *encrypted]
    subprocess.run(command, check=True, cwd=place)
    return place


def test_its_end_its_names_and_its_addresses_are_read(place: Path) -> None:
    found = read_certificate(place / "ec.pem", place / "ec.key")
    assert 2 * 86400 < found.expires - time.time() <= 3 * 86400
    assert found.names == ("dns.example", "*.dns.example")
    assert found.addresses == ("10.0.0.53", "fd00::53")
    plain = read_certificate(place / "rsa.pem", place / "rsa.key")
    assert plain.names == plain.addresses == ()


def test_one_that_has_ended_can_be_presented(place: Path) -> None:
    assert read_certificate(place / "ended.pem", place / "ended.key").expires == 1609459200


@pytest.mark.parametrize(
    ("certificate", "key", "reason"),
    [
        ("ec.pem", "rsa.key", "no certificate of a server and its key"),
        ("empty.pem", "ec.key", "no certificate of a server and its key"),
        ("ec.key", "ec.pem", "no certificate of a server and its key"),
        ("ec.pem", "secret.key", "without a password"),
        ("client.pem", "client.key", "unsuitable certificate purpose"),
        ("ec.pem", "missing.key", "missing.key: No such file"),
        ("missing.pem", "ec.key", "missing.pem: No such file"),
        (".", "ec.key", ": a directory"),
    ],
)
def test_what_cannot_be_presented_is_refused_with_the_reason(
    place: Path, certificate: str, key: str, reason: str
) -> None:
    with pytest.raises(CertificateError, match=reason):
        read_certificate(place / certificate, place / key)
