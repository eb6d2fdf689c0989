"""Special-use names: this server answers them and never sends them to an upstream.

RFC 6761 (localhost, invalid, test), RFC 6303 and 7793 (private reverse zones), RFC 6762 (local),
RFC 7686 (onion), RFC 8375 (home.arpa), RFC 9665 (service.arpa), RFC 9476 (alt),
RFC 9462 section 6.5 (resolver.arpa). ICANN keeps ``internal`` for private use: no public server has
it, and only a ``[[forward]]`` or a ``[[local]]`` knows its names. ``HEALTH`` and ``WHOAMI``, below
it, are this program's own.
"""

import enum
from typing import Final

from resolver.dns.names import parse, zones


class Use(enum.Enum):
    """How a special-use zone is answered."""

    LOCALHOST = "loopback addresses at the zone and below"
    LOOPBACK_REVERSE = "PTR localhost at the loopback address, else an empty zone"
    EMPTY_ZONE = "NODATA at the zone's own name, NXDOMAIN below"
    NO_SUCH_NAME = "NXDOMAIN at the zone and below"
    NO_DATA = "NODATA at the zone and below"
    HEALTH = "NODATA while clients may ask this node, else SERVFAIL"
    WHOAMI = "TXT records about the client's VLAN at the zone, else NODATA; NXDOMAIN below"
    PRIVATE = "NXDOMAIN at the zone and below; this network may have its names, by a [[forward]]"
    NO_DELEGATION = "NODATA for the DS of a forward zone that no public zone delegates"


_NO_SUCH_NAME: Final = ("invalid", "test", "onion", "alt")

_EMPTY = (
    "home.arpa",
    "service.arpa",
    "0.in-addr.arpa",
    "10.in-addr.arpa",
    *(f"{n}.172.in-addr.arpa" for n in range(16, 32)),
    "168.192.in-addr.arpa",
    *(f"{n}.100.in-addr.arpa" for n in range(64, 128)),
    "254.169.in-addr.arpa",
    "2.0.192.in-addr.arpa",
    "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa",
    "255.255.255.255.in-addr.arpa",
    ".".join("0" * 32) + ".ip6.arpa",
    "d.f.ip6.arpa",
    "8.e.f.ip6.arpa",
    "9.e.f.ip6.arpa",
    "a.e.f.ip6.arpa",
    "b.e.f.ip6.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa",
)

HEALTH: Final = parse("health.darban.internal")
"""What dnsdist, keepalived and others ask to see whether clients may ask this node."""
WHOAMI: Final = parse("whoami.darban.internal")
"""What a person asks on a device to see its VLAN, its policy and the node that answers."""
LOOPBACK_V4: Final = parse("1.0.0.127.in-addr.arpa")
LOOPBACK_V6: Final = parse("1." + "0." * 31 + "ip6.arpa")

ZONES: Final[dict[bytes, Use]] = {
    parse("localhost"): Use.LOCALHOST,
    parse("127.in-addr.arpa"): Use.LOOPBACK_REVERSE,
    LOOPBACK_V6: Use.LOOPBACK_REVERSE,
    parse("resolver.arpa"): Use.NO_DATA,
    HEALTH: Use.HEALTH,
    WHOAMI: Use.WHOAMI,
    parse("local"): Use.PRIVATE,
    parse("internal"): Use.PRIVATE,
    **{parse(zone): Use.NO_SUCH_NAME for zone in _NO_SUCH_NAME},
    **{parse(zone): Use.EMPTY_ZONE for zone in _EMPTY},
}

_PRIVATE: Final = frozenset(ZONES) | frozenset(
    map(parse, ("intranet", "private", "corp", "home", "lan"))
)
"""Zones that no public zone delegates: also those of RFC 6762 appendix G."""


def is_private(name: bytes) -> bool:
    """Whether no public zone can know a name, so that it must not be sent to a public server."""
    return any(zone in _PRIVATE for zone in zones(name))
