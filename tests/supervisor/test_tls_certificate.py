"""The certificate of DNS over TLS: when it is read again, and which is presented."""

from pathlib import Path

import pytest

from resolver.metrics.part_states import PartStates
from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import CertificateStatus
from resolver.supervisor import tls_certificate
from resolver.supervisor.tls_certificate import TlsCertificate
from resolver.transport import tls_certificate as certificates
from resolver.transport.tls_certificate import CertificateError
from tests.compiler.texts import compile_texts
from tests.live.certificates import Certificate, CertificateAuthority
from tests.live.programs import needed

_CONFIG = """
[server.tls]
listen = ["10.0.0.53:853"]
certificate = "dns.pem"
key = "dns.key"
[lists]
directories = []
[policies.p]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""


def test_a_key_that_the_service_may_read_at_last_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: Path, key: Path) -> certificates.Certificate:
        if not key.stat().st_mode & 0o040:  # a test that runs as root may read it
            raise CertificateError(f"{key}: Permission denied")
        return certificates.Certificate("both", 2e9, (), ())

    monkeypatch.setattr(tls_certificate, "read_certificate", read)
    key = tmp_path / "dns.key"
    key.touch(0o600)
    (tmp_path / "dns.pem").touch()
    compiled = compile_texts(_CONFIG).compiled
    config = ServedConfig(tmp_path / "config.toml", tmp_path, compiled, Path("0123"), 1.0)
    sent: list[str] = []
    certificate = TlsCertificate(config, sent.append)
    certificate.look()
    assert sent == []
    assert "Permission denied" in _status(certificate).problem
    key.chmod(0o640)
    certificate.look(at_once=False)
    assert sent == []
    certificate.look(at_once=False)
    assert sent == ["both"]
    assert _status(certificate).problem == ""


def _status(certificate: TlsCertificate) -> CertificateStatus:
    found = PartStates(certificate.states()).find(CertificateStatus)
    assert found is not None
    return found


class Served:
    """A server with the certificates of an authority, and what its workers were sent."""

    def __init__(self, directory: Path) -> None:
        self.authority = CertificateAuthority.make(needed("openssl"), directory / "ca")
        compiled = compile_texts(_CONFIG).compiled
        place = directory / "config.toml"
        config = ServedConfig(place, directory, compiled, Path("0123"), 1.0)
        self._files = Certificate(directory / "dns.pem", directory / "dns.key")
        self._sent: list[str] = []
        self._certificate = TlsCertificate(config, self._sent.append)

    def put(self, name: str, *, expired: bool = False) -> Certificate:
        """Issue a certificate, put it on disk, and look at it."""
        issued = self.authority.issue(name, f"DNS:{name}.example", expired=expired)
        self._files.put(issued)
        self._certificate.look()
        return issued

    def presents(self, issued: Certificate) -> bool:
        """Whether the workers were sent this certificate last."""
        return bool(self._sent) and issued.file.read_text() in self._sent[-1]

    @property
    def status(self) -> CertificateStatus:
        return _status(self._certificate)

    @property
    def problem(self) -> str:
        """What the status says is wrong."""
        return self.status.problem


@pytest.mark.processes
def test_an_expired_certificate_does_not_replace_a_good_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(tmp_path)
    good = served.put("good")
    assert served.problem == ""
    expires = served.status.expires
    served.put("old", expired=True)
    assert served.presents(good)
    assert "dns.pem: it expired on 2020-02-01 00:00 UTC" in served.problem
    assert served.status.expires == expires
    assert caplog.records[-1].levelname == "ERROR"
    assert served.presents(served.put("new"))
    assert served.problem == ""


@pytest.mark.processes
def test_an_expired_certificate_is_presented_where_there_is_no_other_and_this_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(tmp_path)
    assert served.presents(served.put("old", expired=True))
    assert caplog.records[-1].levelname == "WARNING"
    assert "expired on 2020-02-01 00:00 UTC" in caplog.text
    assert served.presents(served.put("older", expired=True))
