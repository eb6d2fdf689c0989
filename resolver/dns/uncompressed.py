"""Records of a response on their own, and a response of such records."""

from resolver.dns import codes, rdata
from resolver.dns.names import MAX_LABEL
from resolver.dns.records import Record
from resolver.dns.render import Counts
from resolver.dns.response import Response, scan


def uncompressed(response: Response, records: list[Record]) -> bytes:
    """Render records of a response without compression; names are in lower case."""
    return b"".join([_uncompressed(response, record) for record in records])


def _uncompressed(response: Response, record: Record) -> bytes:
    packet = response.packet
    start, end = record.rdata_at, record.end
    parts = []
    for part in rdata.LAYOUTS.get(record.rtype, (rdata.REST,)):
        at = start
        if part == rdata.NAME:
            parts.append(response.name_at(at))
            start = _behind_name(packet, at)
            continue
        if part >= 0:
            start += part
        elif part == rdata.STRING:
            start += 1 + packet[start]
        else:
            start = end
        parts.append(packet[at:start])
    data = b"".join(parts)
    fixed = packet[record.fixed_at : record.fixed_at + 8]
    return record.owner + fixed + len(data).to_bytes(2, "big") + data


def _behind_name(packet: bytes, at: int) -> int:
    """The offset behind a name that the scan has checked."""
    while length := packet[at]:
        if length > MAX_LABEL:
            return at + 2
        at += 1 + length
    return at + 1


def assembled(flags: int, question: bytes, counts: Counts, records: bytes) -> Response:
    """Make a response of uncompressed records, which scan without error."""
    header = b"\x00\x00" + (flags | codes.QR).to_bytes(2, "big") + b"\x00\x01"
    header += b"".join([count.to_bytes(2, "big") for count in counts])
    found = scan(header + question + records)
    assert found is not None, "records that were scanned and uncompressed scan again"
    return found
