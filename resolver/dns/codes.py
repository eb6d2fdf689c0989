"""Protocol numbers, by their registered names (IANA DNS parameters)."""

from typing import Final


def _names(text: str) -> dict[int, str]:
    """Names by their numbers, from a text of names that are each followed by the number."""
    words = text.split()
    return {int(number): name for name, number in zip(words[::2], words[1::2], strict=True)}


HEADER: Final = 12
"""Octets of a message's header (RFC 1035 section 4.1.1)."""

IN: Final = 1
CH: Final = 3

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
NSEC: Final = 47
NSEC3: Final = 50
SVCB: Final = 64
HTTPS: Final = 65
NXNAME: Final = 128
TKEY: Final = 249
TSIG: Final = 250
IXFR: Final = 251
AXFR: Final = 252
MAILB: Final = 253
MAILA: Final = 254
ANY: Final = 255

TYPES: Final[dict[int, str]] = _names(
    """
    A 1  NS 2  MD 3  MF 4  CNAME 5  SOA 6  MB 7  MG 8  MR 9  NULL 10  PTR 12  HINFO 13
    MINFO 14  MX 15  TXT 16  RP 17  AFSDB 18  RT 21  AAAA 28  LOC 29  SRV 33  NAPTR 35
    KX 36  CERT 37  DNAME 39  OPT 41  DS 43  SSHFP 44  RRSIG 46  NSEC 47  DNSKEY 48
    NSEC3 50  NSEC3PARAM 51  TLSA 52  SMIMEA 53  CDS 59  CDNSKEY 60  OPENPGPKEY 61  CSYNC 62
    ZONEMD 63  SVCB 64  HTTPS 65  SPF 99  EUI48 108  EUI64 109  TKEY 249  TSIG 250  IXFR 251
    AXFR 252  MAILB 253  MAILA 254  ANY 255  URI 256  CAA 257
    """
)
_TYPE_NUMBERS: Final = {name: number for number, name in TYPES.items()}

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
YXDOMAIN: Final = 6
NOTAUTH: Final = 9
BADVERS: Final = 16

RCODES: Final[dict[int, str]] = _names(
    """
    NOERROR 0  FORMERR 1  SERVFAIL 2  NXDOMAIN 3  NOTIMP 4  REFUSED 5  YXDOMAIN 6  YXRRSET 7
    NXRRSET 8  NOTAUTH 9  NOTZONE 10  BADVERS 16
    """
)

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
NSID: Final = 3
PADDING: Final = 12
ECS: Final = 8
COOKIE: Final = 10
EDE: Final = 15
EDE_OTHER: Final = 0
EDE_STALE_ANSWER: Final = 3
EDE_FORGED_ANSWER: Final = 4
EDE_NOT_READY: Final = 14
EDE_BLOCKED: Final = 15
EDE_CENSORED: Final = 16
EDE_STALE_NXDOMAIN: Final = 19
EDE_NOT_AUTHORITATIVE: Final = 20
EDE_NO_REACHABLE_AUTHORITY: Final = 22
EDE_NETWORK_ERROR: Final = 23


def rcode_text(number: int) -> str:
    """The mnemonic of an rcode, or ``RCODEn``."""
    return RCODES.get(number) or f"RCODE{number}"


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
