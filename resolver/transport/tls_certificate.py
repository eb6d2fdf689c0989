"""The certificate of DNS over TLS with its key: read, checked, and made into a context of a server.

The supervisor reads the two files and sends the workers their text. So all workers present the
same certificate, and none has half of a renewal.
"""

import os
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from resolver import DarbanError
from resolver.system.english import utc_text
from resolver.system.regular_files import read_regular
from resolver.transport.tls_session import TlsError, TlsSession

_LONGEST: Final = 1 << 20
_ALPN: Final = ["dot"]
"""RFC 7858 section 3.1 and the registry of ALPN identifiers."""
_NO_CHECK_TIME: Final = 0x200000  # OpenSSL's; the ssl module does not have it


class CertificateError(DarbanError):
    """A certificate and its key cannot be used; the message says which file, and why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, of which a server can be made."""

    pem: str
    """Both, with the chain."""
    expires: float
    """In seconds since 1970."""
    names: tuple[str, ...]
    """Those of its subject that a client can verify, with its addresses."""
    addresses: tuple[str, ...]

    def expired(self, at: float) -> str:
        """When it expired, as text; empty if it has not at this time, in seconds since 1970."""
        return "" if at < self.expires else utc_text(self.expires)


def read_certificate(certificate: Path, key: Path) -> Certificate:
    """Read a certificate with its chain, and its key.

    Raises:
        CertificateError: one of them cannot be read, or they do not belong together.
    """
    chain = _read(certificate)
    pem = f"{chain}\n{_read(key)}"
    try:
        shown = _shown(server_context(pem), chain)
        expires = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    except (ssl.SSLError, TlsError, KeyError, ValueError) as error:
        raise CertificateError(
            f"{certificate} and {key}: no certificate of a server and its key in PEM, without a "
            f"password ({_reason(error)})"
        ) from None
    names = [pair for pair in shown.get("subjectAltName", ()) if len(pair) == 2]
    return Certificate(
        pem,
        float(expires),
        tuple(str(value) for kind, value in names if kind == "DNS"),
        tuple(str(ip_address(value)) for kind, value in names if kind == "IP Address"),
    )


def server_context(pem: str) -> ssl.SSLContext:
    """The context of a server that presents this certificate; ssl.SSLError if it cannot."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # a client could ask for handshake after handshake
    context.set_alpn_protocols(_ALPN)
    context.num_tickets = 1  # each resumption gives the next; a second costs 7 % of a handshake
    memory = os.memfd_create("certificate")
    try:
        os.write(memory, pem.encode())
        # With a password it is not asked for one, which would wait for a terminal.
        context.load_cert_chain(f"/proc/self/fd/{memory}", password="")
    finally:
        os.close(memory)
    return context


def _read(file: Path) -> str:
    try:
        return read_regular(file, _LONGEST).decode("ascii", "replace")
    except OSError as error:
        raise CertificateError(f"{file}: {error.strerror}") from None


def _shown(server: ssl.SSLContext, chain: str) -> dict[str, Any]:
    """What a client sees in a handshake; ssl has no other way to read an own certificate."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    client.load_verify_locations(cadata=chain)
    asking, presenting = TlsSession(client, "localhost"), TlsSession(server)
    while not asking.is_established:
        asking.receive(presenting.outgoing())
        presenting.receive(asking.outgoing())
    return asking.peer_certificate()


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return str(error)
