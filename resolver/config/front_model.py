"""[server.proxy], [front] and [feeds]: their keys, as in ``model``, and their errors."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from resolver.config.network_values import Listen
from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Provenance
from resolver.config.section import ConfigSection, Several
from resolver.config.toml_lines import Path
from resolver.config.values import PlainName, Prefix, SomeLine


class _OnlyFor(ConfigSection):
    """Listeners that only the hosts in ``from`` may use."""

    whose: ClassVar[str]
    """What these hosts are."""
    example: ClassVar[str]
    danger: ClassVar[str]
    """What everybody could do, if ``from`` named them."""

    listen: Several[Listen] = ()
    """The addresses and ports to listen on; none means no such listener."""
    from_: Annotated[Several[Prefix], Field(alias="from")] = ()
    """The prefixes of the hosts that may use them."""

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """``from`` must be set, and must not be everybody."""
        expected = f"the prefixes of {self.whose}"
        where, path = ".".join(map(str, path)), (*path, "from")
        if self.listen and not self.from_ and provenance.whole(path):
            such = f'{expected}, such as ["{self.example}"]'
            advice = f"Without them nobody is answered at [{where}] listen."
            yield provenance.problem(path, "no from", such, advice)
        for index, prefix in enumerate(self.from_):
            if prefix.prefixlen == 0:
                at, text = (*path, index), toml_text(str(prefix))
                yield provenance.problem(at, text, f"{expected} alone", self.danger)


class ProxyConfig(_OnlyFor):
    """Listeners for servers in front, such as dnsdist."""

    whose = "the servers in front"
    example = "10.0.0.60/32"
    danger = "Everybody could ask as a client of any VLAN."

    listen: Several[Listen] = ()
    """The addresses and ports to answer on where a query needs a PROXY header, version 2."""
    from_: Annotated[Several[Prefix], Field(alias="from")] = ()
    """The prefixes of the servers in front, which may say for whom they ask."""


class FeedsConfig(_OnlyFor):
    """Address lists by service, for firewalls that fetch them."""

    whose = "the firewalls"
    example = "10.0.0.1/32"
    danger = "Everybody could read who is exempted."

    listen: Several[Listen] = ()
    """The addresses and ports where the lists are fetched, by HTTP; none means no feeds."""
    from_: Annotated[Several[Prefix], Field(alias="from")] = ()
    """The prefixes of the firewalls that may fetch them."""


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
