"""The RDATA layout of each known type, and the addresses that SVCB and HTTPS records hint at.

Records of an upstream's response go to clients as bytes. A record that a client cannot parse
must not go to a client. For the types below, the scan checks the layout and follows the names,
which may be compressed (RFC 3597 section 4). The RDATA of every other type is opaque.
"""

from typing import Final

from resolver.dns import codes
from resolver.dns.names import end_of

NAME: Final = -1
"""A domain name, which may be compressed."""
STRING: Final = -2
"""A character-string: one length octet and that many octets (RFC 1035 section 3.3)."""
STRINGS: Final = -3
"""One or more character-strings, to the end of the RDATA."""
REST: Final = -4
"""Any octets, to the end of the RDATA."""
PARAMS: Final = -5
"""SvcParams, to the end of the RDATA (RFC 9460 section 2.2)."""
OPTIONS: Final = -6
"""EDNS options, to the end of the RDATA (RFC 6891 section 6.1.2)."""

_TYPES_BY_LAYOUT: Final[tuple[tuple[tuple[int, ...], str], ...]] = (
    ((4,), "A"),
    ((16,), "AAAA"),
    ((6,), "EUI48"),
    ((8,), "EUI64"),
    ((NAME,), "NS MD MF CNAME MB MG MR PTR DNAME"),
    ((NAME, NAME), "MINFO RP"),
    ((NAME, NAME, 20), "SOA"),
    ((NAME, REST), "NSEC"),
    ((2, NAME), "MX AFSDB RT KX TYPE107"),
    ((2, NAME, NAME), "TYPE26"),
    ((2, NAME, PARAMS), "SVCB HTTPS"),
    ((6, NAME), "SRV"),
    ((18, NAME, REST), "TYPE24 RRSIG"),
    ((4, STRING, STRING, STRING, NAME), "NAPTR"),
    ((STRING, STRING), "HINFO"),
    ((STRINGS,), "TXT SPF"),
    ((1, STRING, REST), "CAA"),
    ((4, STRING), "NSEC3PARAM"),
    ((4, STRING, STRING, REST), "NSEC3"),
    ((2, REST), "SSHFP"),
    ((3, REST), "TLSA"),
    ((4, REST), "DS DNSKEY URI"),
    ((OPTIONS,), "OPT"),
)
"""The parts of RDATA, in order, and the types that have them; a positive number is that many
octets. TYPE24 is SIG, TYPE26 is PX, TYPE107 is LP."""

LAYOUTS: Final[dict[int, tuple[int, ...]]] = {
    codes.parse_type(name) or 0: layout
    for layout, types in _TYPES_BY_LAYOUT
    for name in types.split()
}
"""The layout of each type's RDATA."""

TARGET_AT: Final[dict[int, int]] = {
    codes.CNAME: 0,
    codes.DNAME: 0,
    codes.SVCB: 2,
    codes.HTTPS: 2,
}
"""Types whose RDATA holds a target name, and the offset of the target in the RDATA."""

_HINTS: Final = {4: 4, 6: 16}
"""The keys of ipv4hint and ipv6hint, and the octets of an address."""


def address_hints(rdata: bytes) -> list[bytes]:
    """The addresses of all hints, in order (RFC 9460 section 7.3).

    ``rdata`` has passed the scan of its response.
    """
    at, addresses = end_of(rdata, 2), []
    while at < len(rdata):
        size = _HINTS.get(rdata[at] << 8 | rdata[at + 1])
        end = at + 4 + (rdata[at + 2] << 8 | rdata[at + 3])
        if size is not None:
            addresses += [rdata[n : n + size] for n in range(at + 4, end - size + 1, size)]
        at = end
    return addresses
