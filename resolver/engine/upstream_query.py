"""The query that is sent to an upstream, and whether what comes back answers it.

The upstream's message is Darban's own: a fresh ID, the question in lower case, RD and AD
set (AD asks to be told, RFC 6840 section 5.7), CD and DO as the client had them, and an OPT
with nothing of the client's in it, since OPT is hop by hop.
"""

from typing import Final

from resolver.dns import codes
from resolver.dns.codes import HEADER
from resolver.dns.render import UDP_SIZE
from resolver.engine.question import UpstreamQuestion

QUESTION_AT: Final = 10
"""Where the question stands in a query without its ID."""


def render_query(question: UpstreamQuestion) -> bytes:
    """All of the upstream's query after its ID."""
    return (
        (_HEADER_CD if question.checking_disabled else _HEADER)
        + question.name
        + question.key[len(question.name) : len(question.name) + 2]
        + _IN
        + (_OPT_DO if question.dnssec_ok else _OPT)
    )


def _header(flags: int) -> bytes:
    """A header after its ID: one question, and the OPT."""
    return flags.to_bytes(2, "big") + b"\x00\x01\x00\x00\x00\x00\x00\x01"


def _opt(flags: int) -> bytes:
    return b"\x00\x00\x29" + UDP_SIZE.to_bytes(2, "big") + flags.to_bytes(4, "big") + b"\x00\x00"


_HEADER: Final = _header(codes.RD | codes.AD)
_HEADER_CD: Final = _header(codes.RD | codes.AD | codes.CD)
_OPT: Final = _opt(0)
_OPT_DO: Final = _opt(0x8000)
_IN: Final = codes.IN.to_bytes(2, "big")


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
        and (came == question or came[:-4].lower() + came[-4:] == question)
        and packet[0] << 8 | packet[1] == ident
        and packet[2] & 0xF8 == 0x80
        and packet[4:6] == b"\x00\x01"
    )
