"""Numbers of the protocol, by their registered names (IANA DNS parameters)."""

IN = 1

A = 1
NS = 2
CNAME = 5
SOA = 6
PTR = 12
HINFO = 13
MX = 15
TXT = 16
AAAA = 28
SRV = 33
DNAME = 39
OPT = 41
DS = 43
RRSIG = 46
SVCB = 64
HTTPS = 65
TKEY = 249
TSIG = 250
IXFR = 251
AXFR = 252
MAILB = 253
MAILA = 254
ANY = 255

TYPES: dict[int, str] = {
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
_TYPE_NUMBERS = {name: number for number, name in TYPES.items()}

NOERROR = 0
FORMERR = 1
SERVFAIL = 2
NXDOMAIN = 3
NOTIMP = 4
REFUSED = 5
NOTAUTH = 9
BADVERS = 16

RCODES: dict[int, str] = {
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
QR = 0x8000
OPCODE = 0x7800
AA = 0x0400
TC = 0x0200
RD = 0x0100
RA = 0x0080
AD = 0x0020
CD = 0x0010
RCODE = 0x000F

# EDNS options (RFC 6891) and Extended DNS Errors (RFC 8914).
EDE = 15
EDE_OTHER = 0
EDE_STALE_ANSWER = 3
EDE_BLOCKED = 15
EDE_CENSORED = 16
EDE_NO_REACHABLE_AUTHORITY = 22
EDE_NETWORK_ERROR = 23


def type_text(number: int) -> str:
    """The mnemonic of a type, or ``TYPEn`` (RFC 3597 section 5)."""
    return TYPES.get(number) or f"TYPE{number}"


def parse_type(text: str) -> int | None:
    """The number of a type given as a mnemonic or as ``TYPEn``; None where there is none."""
    word = text.upper()
    if word in _TYPE_NUMBERS:
        return _TYPE_NUMBERS[word]
    digits = word.removeprefix("TYPE")
    if digits != word and digits.isascii() and digits.isdigit() and int(digits) < 65536:
        return int(digits)
    return None
