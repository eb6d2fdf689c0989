"""The certificate of DNS over TLS is read again when what kept it from being read has changed."""

from pathlib import Path

import pytest

from resolver.metrics.facts import ServerFacts
from resolver.server.tls_certificate import Certificate, CertificateError
from resolver.supervisor import tls_certificate
from resolver.supervisor.tls_certificate import TlsCertificate
from tests.compiler.texts import compile_texts

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
    def read(_: Path, key: Path) -> Certificate:
        if not key.stat().st_mode & 0o040:  # a test that runs as root may read it
            raise CertificateError(f"{key}: Permission denied")
        return Certificate("both", 2e9, (), ())

    monkeypatch.setattr(tls_certificate, "read_certificate", read)
    key = tmp_path / "dns.key"
    key.touch(0o600)
    (tmp_path / "dns.pem").touch()
    compiled = compile_texts(_CONFIG).compiled
    facts = ServerFacts(tmp_path / "config.toml", tmp_path, compiled, "0123", 2.0, 1.0, 1)
    sent: list[str] = []
    certificate = TlsCertificate(facts, sent.append)
    certificate.look()
    assert sent == []
    assert facts.certificate is not None
    assert "Permission denied" in facts.certificate.problem
    key.chmod(0o640)
    certificate.look(at_once=False)
    assert sent == []
    certificate.look(at_once=False)
    assert sent == ["both"]
    assert facts.certificate.problem == ""
