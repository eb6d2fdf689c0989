"""dnsdist in front: its settings, and the records by which clients find encrypted DNS (DDR).

A client that asks for ``_dns.resolver.arpa`` (RFC 9462) learns the name, the addresses and the
ports of DNS over TLS and HTTPS, and uses them if their certificate fits.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Final

from resolver.config.front_model import FrontConfig
from resolver.config.model import Config
from resolver.config.values import SocketAddress
from resolver.dns import names, presentation
from resolver.policy import compiled as made
from resolver.policy import settings

DISCOVERY: Final = names.parse("_dns.resolver.arpa")
DOH_PATH: Final = "/dns-query"
_DOHPATH_KEY: Final = "key7"
"""``dohpath`` of RFC 9461, by its number."""


def compile_front(config: Config) -> settings.Front | None:
    """The settings of dnsdist in front; None if the config has none."""
    front = config.front
    if not (front.dns or front.dot or front.doh):
        return None
    return settings.Front(
        "" if front.name is None else names.text(front.name),
        front.certificate or "",
        front.key or "",
        _endpoints(front.dns),
        _endpoints(front.dot),
        _endpoints(front.doh),
        _endpoints(front.nodes or config.server.proxy.listen),
    )


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
        addresses = [ip_address(each.address) for each in listen if each.port == port]
        hints = ""
        for version in (4, 6):
            found = [str(a) for a in addresses if a.version == version and not a.is_unspecified]
            hints += f" ipv{version}hint={','.join(found)}" if found else ""
        yield f"{protocol} port={port}{hints}{path}"


def _endpoints(listen: Sequence[SocketAddress]) -> tuple[settings.Endpoint, ...]:
    return tuple(settings.Endpoint(each.address, each.port) for each in listen)
