"""Whether a packet is the response to a query (RFC 5452 section 9.1)."""

from resolver.dns import codes
from resolver.dns.codes import HEADER


def answers(packet: bytes, ident: int, question: bytes) -> bool:
    """Whether a packet is the response to a query with this ID (RFC 5452 section 9.1).

    The socket checks address and port. This function checks ID, QR, opcode and question; the case
    of the name does not matter.
    """
    end = HEADER + len(question)
    echoed = packet[HEADER:end]
    return (
        len(packet) >= end
        and (echoed == question or echoed[:-4].lower() + echoed[-4:] == question)
        and packet[0] << 8 | packet[1] == ident
        and packet[2] & 0xF8 == 0x80
        and packet[4:6] == b"\x00\x01"
    )


def is_bare_error(packet: bytes, ident: int) -> bool:
    """Whether a packet is an error response to this ID that is only a header, without a question.

    Old servers answer so to an OPT (RFC 6891 section 7).
    """
    return (
        len(packet) == HEADER
        and packet[0] << 8 | packet[1] == ident
        and packet[2] & 0xFA == 0x80
        and packet[3] & codes.RCODE not in (codes.NOERROR, codes.NXDOMAIN)
        and packet[6:] == bytes(6)
    )
