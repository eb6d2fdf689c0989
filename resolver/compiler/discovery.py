"""The records by which clients find the encrypted DNS of this network (DDR).

A client that asks for ``_dns.resolver.arpa`` (RFC 9462) learns the names, the addresses and the
ports of DNS over TLS and HTTPS, of this server and of dnsdist in front. A client that verifies
them uses only what has a certificate with the name, and with the address that the client has asked
over plain DNS (section 4.2).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from resolver.config.model import Config
from resolver.config.network_values import SocketAddress
from resolver.dns import names, presentation
from resolver.dns.local_record import LocalName
from resolver.policy.settings import DOH_PATH

DISCOVERY: Final = names.parse("_dns.resolver.arpa")
_DOHPATH_KEY: Final = "key7"
"""``dohpath`` of RFC 9461, by its number."""


def designated_resolvers(config: Config) -> Iterator[LocalName]:
    """The records of ``DISCOVERY``: one for each port of DNS over TLS, then of DNS over HTTPS.

    This server comes before dnsdist. What has no name in the config has no record.
    """
    tls, front = config.server.tls, config.front
    services = [
        *_by_port(tls.name, tls.listen, "alpn=dot"),
        *_by_port(front.name, front.dot, "alpn=dot"),
        *_by_port(front.name, front.doh, "alpn=h2", f" {_DOHPATH_KEY}={DOH_PATH}{{?dns}}"),
    ]
    if services:
        records = [
            presentation.parse("SVCB", f"{priority} {service}")
            for priority, service in enumerate(services, 1)
        ]
        yield LocalName(DISCOVERY, tuple(records))


def _by_port(
    name: bytes | None, listen: Sequence[SocketAddress], protocol: str, path: str = ""
) -> Iterator[str]:
    """The name and the parameters of a service for each port, in their order in the config.

    A loopback address, which is another host's own, is named only where there is no other.
    """
    if name is None:
        return
    for port in dict.fromkeys(endpoint.port for endpoint in listen):
        at_port = [endpoint.address for endpoint in listen if endpoint.port == port]
        addresses = [address for address in at_port if not address.is_loopback] or at_port
        hints = ""
        for version in (4, 6):
            texts = [str(a) for a in addresses if a.version == version and not a.is_unspecified]
            hints += f" ipv{version}hint={','.join(texts)}" if texts else ""
        yield f"{names.text(name)}. {protocol} port={port}{hints}{path}"
