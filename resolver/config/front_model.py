"""The sections of config.toml about servers in front: their keys, as in ``model``."""

from typing import Annotated

from pydantic import Field

from resolver.config.network_values import Listen
from resolver.config.section import ConfigSection, Several
from resolver.config.values import PlainName, Prefix, SomeLine


class ProxyConfig(ConfigSection):
    """Listeners for servers in front, such as dnsdist."""

    listen: Several[Listen] = ()
    """The addresses and ports to answer on where a query needs a PROXY header, version 2."""
    from_: Annotated[Several[Prefix], Field(alias="from")] = ()
    """The prefixes of the servers in front, which may say for whom they ask."""


class FeedsConfig(ConfigSection):
    """Address lists by service, for firewalls that fetch them."""

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
