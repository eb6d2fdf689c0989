"""A warning where the certificate of DNS over TLS cannot be used.

It is no error: DNS is answered without it, and a certificate that cannot be used must not keep a
change of the policy from coming in force.
"""

from collections.abc import Iterator
from pathlib import Path

from resolver.compiler.settings import tls_settings
from resolver.config.load import LoadedConfig
from resolver.config.problems import Problem, toml_text
from resolver.server.tls_certificate import CertificateError, read_certificate


def check_certificate(loaded: LoadedConfig, base: Path) -> Iterator[Problem]:
    """What is wrong with the files; relative paths begin at ``base``."""
    tls = tls_settings(loaded.config.server.tls)
    if tls is None or not (tls.certificate and tls.key):
        return
    try:
        read_certificate(base / tls.certificate, base / tls.key)
    except CertificateError as error:
        path = ("server", "tls", "certificate")
        expected, found = "a certificate and its key", toml_text(tls.certificate)
        advice = f"DNS over TLS is not served with it: {error}."
        yield loaded.provenance.problem(path, found, expected, advice, "warning")
