"""The sections of config.toml about name servers: their keys, as in ``model``."""

from resolver.config.network_values import (
    DNS_PORT,
    Bootstrap,
    NameOrPrefix,
    NameServer,
    ProbedDomain,
    Server,
    SourceAddress,
)
from resolver.config.section import ConfigSection, OneOrMore, Several
from resolver.config.values import DomainName, SomeLine
from resolver.dns import names

SYSTEM = NameServer("system", DNS_PORT, "system")


class NameServersConfig(ConfigSection):
    """Name servers that are asked for the same names."""

    servers: OneOrMore[Server]
    """The name servers to ask."""
    source: Several[SourceAddress] = ()
    """The addresses of this host that queries to them leave from, at most one of each family."""
    ca_file: SomeLine | None = None
    """Certificates of authorities, in PEM, that tls:// servers may have besides the system's."""


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
    bootstrap: Several[Bootstrap] = ()
    """Servers that resolve upstream and list hosts; default: upstream addresses, else system."""
    probe_signed: DomainName = names.parse("iana.org")
    """A signed name, which must have AD from an upstream that validates."""
    probe_bogus: DomainName = names.parse("dnssec-failed.org")
    """A name with wrong signatures, which must be SERVFAIL from an upstream that validates."""
    probe_abroad: ProbedDomain = names.parse("com")
    """A domain abroad, of which names that do not exist are asked for."""
    probe_home: ProbedDomain = names.parse("nic.ir")
    """A domain at home, likewise."""


class ForwardConfig(NameServersConfig):
    """Zones that only their own name servers are asked about."""

    zones: OneOrMore[DomainName]
    """The zones, each with all names below it."""
    servers: OneOrMore[Server]
    """The name servers of the zones."""
