"""Answer who this server is, where the operator wants that (RFC 4892)."""

from typing import Final

from resolver.dns import codes, names, render
from resolver.dns.query import Query
from resolver.dns.render import Sections
from resolver.policy.settings import Settings

_CHAOS: Final = codes.CH.to_bytes(2, "big")
_IDENTITY: Final = frozenset(map(names.parse, ("id.server", "hostname.bind")))
_VERSION: Final = frozenset(map(names.parse, ("version.server", "version.bind")))


def about_server(query: Query, settings: Settings) -> Sections | None:
    """The TXT record of class CH that a query asks for; None if there is none."""
    if query.shape.qtype != codes.TXT or query.question[-2:] != _CHAOS:
        return None
    text = ""
    if query.name in _IDENTITY:
        text = settings.identity
    elif query.name in _VERSION:
        text = settings.version
    if not text:
        return None
    data = text.encode()
    octets = bytes((len(data),)) + data
    return Sections(render.record(render.QNAME_POINTER, codes.TXT, 0, octets, codes.CH), 1)
