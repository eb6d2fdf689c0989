"""What a client receives: the reply that the engine made, as values to show."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from resolver.dns import codes, names
from resolver.dns.response import scan
from resolver.dns.scanned_record import Record, answer_records

_OPTIONS_AT = 11
"""Octets of an OPT before its options: root, type, size, rcode and flags, length (RFC 6891)."""


@dataclass(frozen=True, slots=True)
class Received:
    """A reply: what ``dig`` would show of it."""

    rcode: str
    records: tuple[str, ...] = ()
    """The answer section: ``A 0.0.0.0``; of a type without address or target only the type."""
    ttl: int | None = None
    """The shortest TTL of all records, in seconds; that of the SOA where there is no answer."""
    ede: tuple[str, ...] = ()
    """Extended DNS Errors: ``16 telegram: directive 1595 (2015-02-18)``."""

    def __str__(self) -> str:
        ttl = "" if self.ttl is None else f"TTL {self.ttl}"
        parts = (self.rcode, ", ".join(self.records) or "no record", ttl)
        return ", ".join([*filter(None, parts), *(f"EDE {code}" for code in self.ede)])


def received(packet: bytes) -> Received:
    """Read a reply of the engine."""
    response = scan(packet)
    assert response is not None, "the engine's replies are well-formed"
    return Received(
        codes.rcode_text(response.rcode),
        tuple(map(_text, answer_records(response))),
        response.min_ttl if any(response.counts) else None,
        tuple(_errors(packet[response.end + _OPTIONS_AT :])),
    )


def _text(record: Record) -> str:
    data = ""
    if record.rtype in (codes.A, codes.AAAA):
        data = str(ip_address(record.rdata))
    elif record.target:
        data = names.text(record.target)
    return f"{codes.type_text(record.rtype)} {data}".rstrip()


def _errors(options: bytes) -> Iterator[str]:
    """The whole Extended DNS Errors of an OPT (RFC 8914); the scan of a response cuts long ones."""
    while options:
        code, length = (int.from_bytes(options[at : at + 2], "big") for at in (0, 2))
        data, options = options[4 : 4 + length], options[4 + length :]
        if code == codes.EDE:
            text = data[2:].decode(errors="replace")
            yield f"{int.from_bytes(data[:2], 'big')} {text}".rstrip()
