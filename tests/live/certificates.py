"""Certificate authorities of tests, and the good and bad certificates that they issue."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
_PAST = ("-not_before", "20200101000000Z", "-not_after", "20200201000000Z")


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, in PEM."""

    file: Path
    key: Path

    def put(self, other: "Certificate") -> None:
        """Put another certificate and its key in the place of this one."""
        self.file.write_bytes(other.file.read_bytes())
        self.key.write_bytes(other.key.read_bytes())


@dataclass(frozen=True)
class CertificateAuthority:
    """An authority; nothing trusts it unless told so."""

    openssl: Path
    directory: Path
    """Where its files are."""

    @property
    def file(self) -> Path:
        """Its own certificate, in PEM."""
        return self.directory / "ca.pem"

    @classmethod
    def make(cls, openssl: Path, directory: Path) -> "CertificateAuthority":
        """Make an authority in a new directory."""
        directory.mkdir()
        made = cls(openssl, directory)
        made._run(
            *("req", "-x509", *_KEY, "-keyout", "ca.key", "-out", made.file, "-days", "2"),
            *("-subj", "/CN=an authority", "-addext", "keyUsage=critical,keyCertSign"),
        )
        return made

    def issue(self, file: str, *names: str, expired: bool = False) -> Certificate:
        """Issue a certificate for names such as ``DNS:dns.example`` and ``IP:127.0.0.1``."""
        made = Certificate(self.directory / f"{file}.pem", self.directory / f"{file}.key")
        self._run("req", *_KEY, "-keyout", made.key, "-out", "request", "-subj", "/CN=a server")
        (self.directory / "names").write_text(f"subjectAltName={','.join(names)}\n")
        self._run(
            *("x509", "-req", "-in", "request", "-CA", self.file, "-CAkey", "ca.key"),
            *("-out", made.file, "-extfile", "names", *(_PAST if expired else ("-days", "2"))),
        )
        return made

    def _run(self, *arguments: str | Path) -> None:
        command = [self.openssl, *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=self.directory)
