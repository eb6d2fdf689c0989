"""The query for the serial of a zone, and the response (RFC 1035 section 3.3.13)."""

from resolver.dns import codes, render
from resolver.dns.response import scan
from resolver.dns.response_match import answers
from resolver.dns.scanned_record import answer_records

_SOA_NUMBERS = 20
"""Octets of the five numbers at the end of the RDATA of an SOA; the serial is the first."""


def serial_query(zone: bytes, ident: int) -> bytes:
    """The query for the SOA of a zone; it asks an authoritative server, so without RD."""
    return ident.to_bytes(2, "big") + render.query_head(0, False) + _question(zone)


def serial_in(packet: bytes, zone: bytes, ident: int) -> int | None:
    """The serial in the response to a query; None if the response has none for this zone."""
    if not answers(packet, ident, _question(zone)):
        return None
    response = scan(packet)
    if response is None or not response.flags & codes.AA:
        return None
    first = next(iter(answer_records(response)), None)
    if first is None or first.rtype != codes.SOA:
        return None
    serial_at = first.end - _SOA_NUMBERS
    return int.from_bytes(packet[serial_at : serial_at + 4], "big")


def _question(zone: bytes) -> bytes:
    return render.question(zone, codes.SOA)
