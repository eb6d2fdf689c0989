"""Protocol numbers, by their registered names (IANA DNS parameters)."""

from typing import Final

HEADER: Final = 12
"""Octets of a message's header (RFC 1035 section 4.1.1)."""

IN: Final = 1

A: Final = 1
NS: Final = 2
CNAME: Final = 5
SOA: Final = 6
PTR: Final = 12
HINFO: Final = 13
MX: Final = 15
TXT: Final = 16
AAAA: Final = 28
SRV: Final = 33
DNAME: Final = 39
OPT: Final = 41
DS: Final = 43
RRSIG: Final = 46
SVCB: Final = 64
HTTPS: Final = 65
TKEY: Final = 249
TSIG: Final = 250
IXFR: Final = 251
AXFR: Final = 252
MAILB: Final = 253
MAILA: Final = 254
ANY: Final = 255

TYPES: Final[dict[int, str]] = {
    A: "A",
    NS: "NS",
    3: "MD",
    4: "MF",
    CNAME: "CNAME",
    SOA: "SOA",
    7: "MB",
    8: "MG",
    9: "MR",
    10: "NULL",
    PTR: "PTR",
    HINFO: "HINFO",
    14: "MINFO",
    MX: "MX",
    TXT: "TXT",
    17: "RP",
    18: "AFSDB",
    21: "RT",
    AAAA: "AAAA",
    29: "LOC",
    SRV: "SRV",
    35: "NAPTR",
    36: "KX",
    37: "CERT",
    DNAME: "DNAME",
    OPT: "OPT",
    DS: "DS",
    44: "SSHFP",
    RRSIG: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    50: "NSEC3",
    51: "NSEC3PARAM",
    52: "TLSA",
    53: "SMIMEA",
    59: "CDS",
    60: "CDNSKEY",
    61: "OPENPGPKEY",
    62: "CSYNC",
    63: "ZONEMD",
    SVCB: "SVCB",
    HTTPS: "HTTPS",
    99: "SPF",
    108: "EUI48",
    109: "EUI64",
    TKEY: "TKEY",
    TSIG: "TSIG",
    IXFR: "IXFR",
    AXFR: "AXFR",
    MAILB: "MAILB",
    MAILA: "MAILA",
    ANY: "ANY",
    256: "URI",
    257: "CAA",
}
_TYPE_NUMBERS: Final = {name: number for number, name in TYPES.items()}

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
NOTAUTH: Final = 9
BADVERS: Final = 16

RCODES: Final[dict[int, str]] = {
    NOERROR: "NOERROR",
    FORMERR: "FORMERR",
    SERVFAIL: "SERVFAIL",
    NXDOMAIN: "NXDOMAIN",
    NOTIMP: "NOTIMP",
    REFUSED: "REFUSED",
    6: "YXDOMAIN",
    7: "YXRRSET",
    8: "NXRRSET",
    NOTAUTH: "NOTAUTH",
    10: "NOTZONE",
    BADVERS: "BADVERS",
}

# Header flags (RFC 1035 section 4.1.1, RFC 4035 section 3).
QR: Final = 0x8000
OPCODE: Final = 0x7800
AA: Final = 0x0400
TC: Final = 0x0200
RD: Final = 0x0100
RA: Final = 0x0080
AD: Final = 0x0020
CD: Final = 0x0010
RCODE: Final = 0x000F

# EDNS options (RFC 6891) and Extended DNS Errors (RFC 8914).
EDE: Final = 15
EDE_OTHER: Final = 0
EDE_STALE_ANSWER: Final = 3
EDE_BLOCKED: Final = 15
EDE_CENSORED: Final = 16
EDE_NO_REACHABLE_AUTHORITY: Final = 22
EDE_NETWORK_ERROR: Final = 23


def type_text(number: int) -> str:
    """The mnemonic of a type, or ``TYPEn`` (RFC 3597 section 5)."""
    return TYPES.get(number) or f"TYPE{number}"


def parse_type(text: str) -> int | None:
    """The number of a type from its mnemonic or from ``TYPEn``; None if there is no such type."""
    mnemonic = text.upper()
    if mnemonic in _TYPE_NUMBERS:
        return _TYPE_NUMBERS[mnemonic]
    digits = mnemonic.removeprefix("TYPE")
    if digits != mnemonic and digits.isascii() and digits.isdigit() and int(digits) < 65536:
        return int(digits)
    return None
