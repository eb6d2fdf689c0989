"""The sections about name servers: their keys, as in ``model``, and their errors."""

from collections.abc import Iterator

from resolver.config.network_values import (
    DNS_PORT,
    Bootstrap,
    NameOrPrefix,
    ProbedDomain,
    Server,
    SourceAddress,
)
from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Provenance
from resolver.config.section import ConfigSection, OneOrMore, Several
from resolver.config.section_checks import second_of_a_family
from resolver.config.toml_lines import Path
from resolver.config.values import DomainName, Prefix, SomeLine
from resolver.dns import names
from resolver.policy.upstream_groups import ConfiguredServer

SYSTEM = ConfiguredServer("system", DNS_PORT, "system")


class NameServersConfig(ConfigSection):
    """Name servers that are asked for the same names."""

    servers: OneOrMore[Server]
    """The name servers to ask."""
    source: Several[SourceAddress] = ()
    """The addresses of this host that queries to them leave from, at most one of each family."""
    ca_file: SomeLine | None = None
    """Certificates of authorities, in PEM, that tls:// servers may have besides the system's."""

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """Errors about the addresses of this host, and about servers over TLS."""
        yield from second_of_a_family((*path, "source"), self.source, provenance)
        yield from self._without_tls(path, provenance)

    def _without_tls(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """The servers that would be asked without encryption where those over TLS fail."""
        over_tls = next((server for server in self.servers if server.tls_name), None)
        for index, server in enumerate(self.servers):
            if over_tls is not None and not server.tls_name:
                advice = f"Where {over_tls} fails, queries would go to {server} without encryption."
                text, at = toml_text(str(server)), (*path, "servers", index)
                yield provenance.problem(at, text, "only servers over TLS in this group", advice)


class UpstreamGroupConfig(NameServersConfig):
    """Another group of name servers, for the policies that name it."""

    servers: OneOrMore[Server]
    """The name servers of the group."""
    trust_ad: bool = False
    """Whether AD in their answers, which claims DNSSEC validation, is passed on."""
    rebinding_protection: bool = False
    """Whether answers with private addresses are withheld."""


class UpstreamConfig(UpstreamGroupConfig):
    """The name servers for every name that no other group or zone is for."""

    servers: OneOrMore[Server] = (SYSTEM,)
    """The name servers to ask."""
    fallback: Several[Server] = ()
    """The name servers to ask while the link abroad is cut."""
    rebinding_allow: Several[NameOrPrefix] = ()
    """The names, each with all below it, and the prefixes whose private addresses pass."""
    own_prefixes: Several[Prefix] = ()
    """The agency's own networks, whose addresses are no answer of a filter."""
    bootstrap: Several[Bootstrap] = ()
    """Servers that resolve upstream and list hosts; default: upstream addresses, else system."""
    probe_signed: DomainName = names.parse("iana.org")
    """A signed name, which must have AD from an upstream that validates."""
    probe_bogus: DomainName = names.parse("dnssec-failed.org")
    """A name with wrong signatures, which must be SERVFAIL from an upstream that validates."""
    probe_abroad: ProbedDomain = names.parse("com")
    """A domain abroad without a wildcard, of which names that do not exist are asked for."""
    probe_home: ProbedDomain = names.parse("nic.ir")
    """A domain at home, likewise."""

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """Those of a group, and those about fallback servers."""
        yield from self._fallback(path, provenance)
        yield from super().errors(path, provenance)

    def _fallback(self, path: Path, provenance: Provenance) -> Iterator[Problem]:
        """Fallback servers that are asked on all days, or without encryption in a cut."""
        every = (*self.servers, *self.fallback)
        over_tls = next((server for server in every if server.tls_name), None)
        for index, server in enumerate(self.fallback):
            text, at = toml_text(str(server)), (*path, "fallback", index)
            if server in self.servers:
                advice = "It is among [upstream] servers, which are asked on all days."
                yield provenance.problem(at, text, "a server that is not among them", advice)
            if over_tls is not None and not server.tls_name:
                advice = f"In a cut, it would get without encryption what {over_tls} gets with it."
                yield provenance.problem(at, text, "a server over TLS", advice)


class ForwardConfig(NameServersConfig):
    """Zones that only their own name servers are asked about."""

    zones: OneOrMore[DomainName]
    """The zones, each with all names below it."""
    servers: OneOrMore[Server]
    """The name servers of the zones."""
