"""The facade over dnslib: read and print the records of an operator.

Only this module imports dnslib. dnslib is not safe on bytes from the network: it gets only text
that an operator wrote and records that passed our own scan.
"""

from dnslib import QTYPE, RD, RDMAP, RR
from dnslib.label import DNSBuffer

from resolver import DarbanError
from resolver.dns import codes, names, rdata, response
from resolver.dns.local_record import DEFAULT_TTL, LocalRecord


class InvalidRecord(DarbanError):
    """The text is no record; the message says why."""


def parse(rtype: str, data: str, ttl: int | None = None) -> LocalRecord:
    """Read a record from its type and its data in presentation form: ``A`` and ``10.0.0.30``.

    Raises:
        InvalidRecord: the type is unknown, or the data does not fit the type.
    """
    number = codes.parse_type(rtype)
    if number is None or number not in rdata.LAYOUTS or number in _NOT_LOCAL:
        raise InvalidRecord(f"'{rtype}' is no type that a local record can have")
    return LocalRecord(number, DEFAULT_TTL if ttl is None else ttl, _pack(rtype.upper(), data))


def text(record: LocalRecord) -> str:
    """The type and the data of a record that ``parse`` made: ``A 10.0.0.30``."""
    kind = RDMAP.get(_ALIKE.get(codes.type_text(record.rtype), QTYPE.get(record.rtype)), RD)
    data = kind.parse(DNSBuffer(record.data), len(record.data))
    return f"{codes.type_text(record.rtype)} {data}"


_NOT_LOCAL = frozenset({codes.OPT, codes.SOA, codes.DNAME, 46, 47, 50})


_ALIKE = {"SVCB": "HTTPS"}
"""Types that dnslib does not have, and those with the same form (RFC 9460 section 9)."""


def _pack(rtype: str, data: str) -> bytes:
    buffer = DNSBuffer()
    try:
        (parsed,) = RR.fromZone(f"x. 1 IN {_ALIKE.get(rtype, rtype)} {data}\n")
        parsed.rdata.pack(buffer)
    except Exception:  # dnslib raises exceptions of many kinds, in its own words
        raise _no_data(rtype, data) from None
    packed = bytes(buffer.data)
    if not _scans(codes.parse_type(rtype) or 0, packed):
        raise _no_data(rtype, data)
    return packed


_EXAMPLES = {
    "A": "10.0.0.30",
    "AAAA": "fd00::30",
    "CNAME": "www.agency.example",
    "HTTPS": "1 . alpn=h2",
    "MX": "10 mail.agency.example",
    "PTR": "printer.agency.example",
    "SRV": "0 5 5060 phone.agency.example",
    "SVCB": "1 . alpn=dot",
    "TXT": '"some text"',
}


def _no_data(rtype: str, data: str) -> InvalidRecord:
    example = f"; an example is {rtype} {_EXAMPLES[rtype]}" if rtype in _EXAMPLES else ""
    return InvalidRecord(f"'{data}' does not fit the type {rtype}{example}")


def _scans(rtype: int, packed: bytes) -> bool:
    """Whether our own scan accepts a response with this record."""
    head = b"\x00\x00\x80\x00\x00\x01\x00\x01\x00\x00\x00\x00" + names.ROOT + b"\x00\x01\x00\x01"
    record = names.ROOT + rtype.to_bytes(2, "big") + b"\x00\x01" + bytes(4)
    return response.scan(head + record + len(packed).to_bytes(2, "big") + packed) is not None
