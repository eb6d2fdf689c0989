"""The query for the serial of a zone, and the response (RFC 1035 section 3.3.13)."""

from resolver.dns import codes, render
from resolver.dns.response import scan
from resolver.engine.upstream_query import answers

_SOA_NUMBERS = 20
"""Octets of the five numbers at the end of the RDATA of an SOA; the serial is the first."""
_RDATA = 10
"""Octets from the type of a record to its RDATA."""


def serial_query(zone: bytes, ident: int) -> bytes:
    """The query for the SOA of a zone; it asks an authoritative server, so without RD."""
    return ident.to_bytes(2, "big") + render.query_head(0, False) + _question(zone)


def serial_in(packet: bytes, zone: bytes, ident: int) -> int | None:
    """The serial in the response to a query; None if the response has none for this zone."""
    if not answers(packet, ident, _question(zone)):
        return None
    response = scan(packet)
    if response is None or not response.flags & codes.AA or not response.counts[0]:
        return None
    at = response.type_offsets[0]
    if int.from_bytes(packet[at : at + 2], "big") != codes.SOA:
        return None
    length = int.from_bytes(packet[at + _RDATA - 2 : at + _RDATA], "big")
    serial = at + _RDATA + length - _SOA_NUMBERS
    return int.from_bytes(packet[serial : serial + 4], "big")


def _question(zone: bytes) -> bytes:
    return render.question(zone, codes.SOA)
