"""The query that is sent to an upstream, and whether what comes back answers it.

The upstream's message is Darban's own: a fresh ID, the question in lower case, RD and AD
set (AD asks to be told, RFC 6840 section 5.7), CD and DO as the client had them, and an OPT
with nothing of the client's in it, since OPT is hop by hop.
"""

from resolver.answers.cache import Key
from resolver.dns import codes
from resolver.dns.query import HEADER
from resolver.dns.render import UDP_SIZE

QUESTION_AT = 10
"""Where the question stands in a query without its ID."""


def render_question(key: Key) -> bytes:
    """All of the upstream's query after its ID."""
    flags = codes.RD | codes.AD | (codes.CD if key.checking_disabled else 0)
    return (
        flags.to_bytes(2, "big")
        + b"\x00\x01\x00\x00\x00\x00\x00\x01"
        + key.name
        + key.qtype.to_bytes(2, "big")
        + b"\x00\x01"
        + b"\x00\x00\x29"
        + UDP_SIZE.to_bytes(2, "big")
        + (b"\x00\x00\x80\x00" if key.dnssec_ok else bytes(4))
        + b"\x00\x00"
    )


def without_edns(question: bytes) -> bytes:
    """The same query without its OPT, for a server that cannot read one."""
    return question[:8] + b"\x00\x00" + question[10:-11]


def answers(packet: bytes, ident: int, question: bytes) -> bool:
    """Whether a packet is the response to a query with this ID (RFC 5452 section 9.1).

    The address and port are the socket's to check. QR, opcode, the one question and each of
    its parts are checked here; the case of the name does not matter.
    """
    end = HEADER + len(question)
    came = packet[HEADER:end]
    return (
        len(packet) >= end
        and packet[:2] == ident.to_bytes(2, "big")
        and packet[2] & 0xF8 == 0x80
        and packet[4:6] == b"\x00\x01"
        and (came == question or came[:-4].lower() + came[-4:] == question)
    )
