"""[server.proxy], and [front] for dnsdist: their keys, as in ``model``, and their errors."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from resolver.config.network_values import Listen
from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Provenance
from resolver.config.section import ConfigSection, Several
from resolver.config.toml_lines import Path
from resolver.config.values import PlainName, Prefix, SomeLine


class ProxyConfig(ConfigSection):
    """Listeners for servers in front, such as dnsdist."""

    listen: Several[Listen] = ()
    """The addresses and ports to answer on where a query needs a PROXY header, version 2."""
    from_: Annotated[Several[Prefix], Field(alias="from")] = ()
    """The prefixes of the servers in front, which may say for whom they ask."""

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """``from`` must be set, and must not be everybody."""
        path = (*path, "from")
        if self.listen and not self.from_ and provenance.whole(path):
            expected = 'the prefixes of the servers in front, such as ["10.0.0.60/32"]'
            advice = "Without them nobody is answered at [server.proxy] listen."
            yield provenance.problem(path, "no from", expected, advice)
        for index, prefix in enumerate(self.from_):
            if prefix.prefixlen == 0:
                advice = "Everybody could ask as a client of any VLAN."
                expected = "the prefixes of the servers in front alone"
                yield provenance.problem((*path, index), toml_text(str(prefix)), expected, advice)


class FrontConfig(ConfigSection):
    """dnsdist in front, as ``darban export dnsdist-front`` writes it."""

    name: PlainName | None = None
    """The name of the encrypted service, which is in its certificate."""
    certificate: SomeLine | None = None
    """The certificate of this name with its chain, in PEM."""
    key: SomeLine | None = None
    """The private key of the certificate, in PEM."""
    dns: Several[Listen] = ()
    """The addresses and ports where dnsdist answers plain DNS."""
    dot: Several[Listen] = ()
    """The addresses and ports where dnsdist answers DNS over TLS."""
    doh: Several[Listen] = ()
    """The addresses and ports where dnsdist answers DNS over HTTPS."""
    nodes: Several[Listen] = ()
    """The [server.proxy] listeners that dnsdist asks; none means those of this config."""

    @property
    def answers(self) -> bool:
        """Whether dnsdist answers anywhere."""
        return bool(self.dns or self.dot or self.doh)

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """What dnsdist needs besides addresses to answer on."""
        if not (self.dot or self.doh) or not provenance.whole(path):
            return
        for key, value, expected in (
            ("name", self.name, 'the name in the certificate, such as "dns.agency.example"'),
            ("certificate", self.certificate, "the file of the certificate, in PEM"),
            ("key", self.key, "the file of the certificate's key, in PEM"),
        ):
            if value is None:
                advice = "DNS over TLS and HTTPS need it."
                yield provenance.problem(path, f"no {key}", expected, advice)
