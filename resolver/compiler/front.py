"""The records by which clients find the encrypted DNS of dnsdist in front (DDR).

A client that asks for ``_dns.resolver.arpa`` (RFC 9462) learns the name, the addresses and the
ports of DNS over TLS and HTTPS, and uses them if their certificate fits.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from resolver.config.front_model import FrontConfig
from resolver.config.network_values import SocketAddress
from resolver.dns import names, presentation
from resolver.policy import compiled as made

DISCOVERY: Final = names.parse("_dns.resolver.arpa")
DOH_PATH: Final = "/dns-query"
_DOHPATH_KEY: Final = "key7"
"""``dohpath`` of RFC 9461, by its number."""


def designated_resolvers(front: FrontConfig) -> Iterator[made.LocalName]:
    """The records of ``DISCOVERY``: one for each port of DNS over TLS, then of DNS over HTTPS."""
    if front.name is None:
        return
    services = [*_by_port(front.dot, "alpn=dot")]
    services += _by_port(front.doh, "alpn=h2", f" {_DOHPATH_KEY}={DOH_PATH}{{?dns}}")
    name = names.text(front.name)
    if services:
        records = [
            presentation.parse("SVCB", f"{priority} {name}. {parameters}")
            for priority, parameters in enumerate(services, 1)
        ]
        yield made.LocalName(DISCOVERY, tuple(records))


def _by_port(listen: Sequence[SocketAddress], protocol: str, path: str = "") -> Iterator[str]:
    """The parameters of a service for each port, in the order of their numbers."""
    for port in dict.fromkeys(endpoint.port for endpoint in listen):
        addresses = [each.address for each in listen if each.port == port]
        hints = ""
        for version in (4, 6):
            found = [str(a) for a in addresses if a.version == version and not a.is_unspecified]
            hints += f" ipv{version}hint={','.join(found)}" if found else ""
        yield f"{protocol} port={port}{hints}{path}"
