"""[server.tls]: its keys, as in ``model``, and its errors."""

from collections.abc import Iterator

from resolver.config.network_values import Listen
from resolver.config.problems import Problem
from resolver.config.provenance import Provenance
from resolver.config.section import ConfigSection, Several
from resolver.config.toml_lines import Path
from resolver.config.values import PlainName, SomeLine


class TlsConfig(ConfigSection):
    """DNS over TLS."""

    listen: Several[Listen] = ()
    """The addresses and ports to answer on by DNS over TLS; none means none."""
    certificate: SomeLine | None = None
    """The file of the certificate with its chain, in PEM."""
    key: SomeLine | None = None
    """The file of the certificate's private key, in PEM, without a password."""
    name: PlainName | None = None
    """The name of the service, which is in its certificate; with it, clients discover it."""

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """What DNS over TLS needs besides addresses to answer on."""
        if not self.listen or not provenance.whole(path):
            return
        for key, value, expected in (
            ("certificate", self.certificate, "the file of the certificate, in PEM"),
            ("key", self.key, "the file of the certificate's key, in PEM"),
        ):
            if value is None:
                yield provenance.problem(path, f"no {key}", expected, "DNS over TLS needs it.")
