"""Warnings where the certificate of DNS over TLS cannot be used, or clients would refuse it.

They are no errors: DNS is answered without it, and a certificate that cannot be used must not keep
a change of the policy from coming in force.
"""

from collections.abc import Iterator
from pathlib import Path

from resolver.compiler.settings import tls_settings
from resolver.config.load import LoadedConfig
from resolver.config.model import Config
from resolver.config.problems import Problem, toml_text
from resolver.config.toml_lines import Path as TomlPath
from resolver.config.values import Address
from resolver.config.warnings import CERTIFICATE_ADDRESS, CERTIFICATE_NAME
from resolver.dns import names
from resolver.transport.tls_certificate import Certificate, CertificateError, read_certificate


def check_certificate(loaded: LoadedConfig, base: Path, wall: float) -> Iterator[Problem]:
    """What is wrong with the files at ``wall``; relative paths begin at ``base``."""
    tls = tls_settings(loaded.config.server.tls)
    if tls is None or not (tls.certificate and tls.key):
        return
    path, text = ("server", "tls", "certificate"), toml_text(tls.certificate)
    try:
        certificate = read_certificate(base / tls.certificate, base / tls.key)
    except CertificateError as error:
        expected = "a certificate and its key"
        advice = f"DNS over TLS is not served with it: {error}."
        yield loaded.provenance.problem(path, text, expected, advice, "warning")
    else:
        if expired := certificate.expired(wall):
            expected = "a certificate that has not expired"
            advice = f"It expired on {expired}. Clients that verify it refuse it. Renew it."
            yield loaded.provenance.problem(path, text, expected, advice, "warning")
        yield from _mismatches(loaded, certificate)


def _mismatches(loaded: LoadedConfig, certificate: Certificate) -> Iterator[Problem]:
    """What clients that find DNS over TLS by its name miss in the certificate (RFC 9462 4.2)."""
    config, provenance = loaded.config, loaded.provenance
    tls = config.server.tls
    if tls.name is None:
        return
    name = names.text(tls.name)
    if not any(_covers(pattern.lower(), name) for pattern in certificate.names):
        expected = f"a name of its certificate: {', '.join(certificate.names) or 'it has none'}"
        advice = "Clients that verify the certificate refuse it."
        path: TomlPath = ("server", "tls", "name")
        text = toml_text(name)
        yield provenance.problem(path, text, expected, advice, "warning", CERTIFICATE_NAME)
    lacking = [
        f"IP:{address}" for address in _asked(config) if str(address) not in certificate.addresses
    ]
    if lacking:
        expected = f"a certificate with the addresses that clients ask: {', '.join(lacking)}"
        advice = (
            "Clients that verify do not find DNS over TLS by _dns.resolver.arpa. Have it issued "
            "with these subject alternative names, or leave out 'name'."
        )
        path, text = ("server", "tls", "certificate"), toml_text(tls.certificate or "")
        yield provenance.problem(path, text, expected, advice, "warning", CERTIFICATE_ADDRESS)


def _covers(pattern: str, name: str) -> bool:
    """Whether a name of a certificate is for this name; a wildcard is for one label."""
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return pattern == name


def _asked(config: Config) -> list[Address]:
    """The addresses that clients ask over plain DNS; where none is named, those of [server.tls]."""
    for listen in ((*config.server.listen, *config.front.dns), config.server.tls.listen):
        addresses = dict.fromkeys(endpoint.address for endpoint in listen)
        asked = [
            address for address in addresses if not (address.is_unspecified or address.is_loopback)
        ]
        if asked:
            return asked
    return []
