"""The RDATA layout of each known type.

Records of an upstream's response go to clients as bytes. A record that a client cannot parse
must not go to a client. For the types below, the scan checks the layout and follows the names,
which may be compressed (RFC 3597 section 4). The RDATA of every other type is opaque.
"""

from typing import Final

from resolver.dns import codes

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

LAYOUTS: Final[dict[int, tuple[int, ...]]] = {
    codes.A: (4,),
    codes.NS: (NAME,),
    3: (NAME,),  # MD
    4: (NAME,),  # MF
    codes.CNAME: (NAME,),
    codes.SOA: (NAME, NAME, 20),
    7: (NAME,),  # MB
    8: (NAME,),  # MG
    9: (NAME,),  # MR
    codes.PTR: (NAME,),
    13: (STRING, STRING),  # HINFO
    14: (NAME, NAME),  # MINFO
    codes.MX: (2, NAME),
    codes.TXT: (STRINGS,),
    17: (NAME, NAME),  # RP
    18: (2, NAME),  # AFSDB
    21: (2, NAME),  # RT
    24: (18, NAME, REST),  # SIG
    26: (2, NAME, NAME),  # PX
    codes.AAAA: (16,),
    codes.SRV: (6, NAME),
    35: (4, STRING, STRING, STRING, NAME),  # NAPTR
    36: (2, NAME),  # KX
    codes.DNAME: (NAME,),
    codes.OPT: (OPTIONS,),
    codes.DS: (4, REST),
    44: (2, REST),  # SSHFP
    46: (18, NAME, REST),  # RRSIG
    47: (NAME, REST),  # NSEC
    48: (4, REST),  # DNSKEY
    50: (4, STRING, STRING, REST),  # NSEC3
    51: (4, STRING),  # NSEC3PARAM
    52: (3, REST),  # TLSA
    codes.SVCB: (2, NAME, PARAMS),
    codes.HTTPS: (2, NAME, PARAMS),
    99: (STRINGS,),  # SPF
    107: (2, NAME),  # LP
    108: (6,),  # EUI48
    109: (8,),  # EUI64
    256: (4, REST),  # URI
    257: (1, STRING, REST),  # CAA
}
"""The parts of each type's RDATA, in order; a positive number is that many octets."""
