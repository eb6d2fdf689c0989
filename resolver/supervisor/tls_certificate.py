"""The certificate of DNS over TLS: read again when its files change, and sent to the workers.

What must stay true:
- Workers get a certificate only with its key, once both were checked together. Until then they
  present the one before.
- A certificate that has expired does not take the place of one that has not.
- Files that change are read once they were equal at two looks, since a renewal writes one after
  the other.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

from resolver.metrics.part import Part
from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import CertificateStatus
from resolver.policy.settings import TlsSettings
from resolver.system.file_version import file_version
from resolver.system.log import log
from resolver.transport.tls_certificate import CertificateError, read_certificate

_LOOK: Final = 2.0
"""Seconds between two looks at the files."""

_Seen = tuple[TlsSettings, tuple[int, ...], tuple[int, ...]]
"""Which files, and their versions."""


class TlsCertificate(Part):
    """The certificate in use."""

    def __init__(self, config: ServedConfig, send: Callable[[str], None]) -> None:
        """``send`` sends the workers a certificate with its key, in PEM."""
        self._config = config
        self._status: CertificateStatus | None = None
        self._send = send
        self._read: _Seen | None = None
        """What was read last, whether it can be used or not."""
        self._seen: _Seen | None = None

    def states(self) -> Iterable[object]:
        """A ``CertificateStatus``, where the config has DNS over TLS."""
        return () if self._status is None else (self._status,)

    async def run(self) -> None:
        """Look at the files again and again, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            self.look(at_once=False)

    def after_reload(self) -> None:
        """Use the certificate that the config names now."""
        self.look()

    def look(self, *, at_once: bool = True) -> None:
        """Use the certificate on disk if it is another one, and note its state."""
        tls = self._config.compiled.settings.tls
        if tls is None:
            self._status = self._read = None
            return
        certificate, key = (self._config.file.parent / path for path in (tls.certificate, tls.key))
        before, self._seen = self._seen, (tls, file_version(certificate), file_version(key))
        if self._seen == self._read or not (at_once or self._seen == before):
            return
        self._read = self._seen
        status = self._status or CertificateStatus(str(certificate))
        try:
            new = read_certificate(certificate, key)
            now = time.time()
            expired = new.expired(now)
            if expired and now < status.expires:
                why = f"it expired on {expired}, and the one before has not expired"
                raise CertificateError(f"{certificate}: {why}")
        except CertificateError as error:
            log.error("the certificate of DNS over TLS is not used: %s", error)
            self._status = CertificateStatus(status.file, status.expires, str(error))
            return
        self._status = CertificateStatus(str(certificate), new.expires)
        self._send(new.pem)
        if expired:
            log.warning(
                "%s is the certificate of DNS over TLS now. It expired on %s, and clients that "
                "verify it refuse it",
                *(certificate, expired),
            )
        else:
            log.info("%s is the certificate of DNS over TLS now", certificate)
