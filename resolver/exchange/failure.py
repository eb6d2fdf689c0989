"""Why a question has no answer, as an Extended DNS Error for its clients (RFC 8914).

What an exchange has seen of its attempts is a set of bits. Here alone it becomes a text, which
states nothing that was not seen.
"""

from typing import Final

from resolver.dns import codes

ANSWERED: Final = 1
"""A server answered, but not so that the answer could be used."""
REFUSED: Final = 2
UNSENT: Final = 4
TCP_FAILED: Final = 8
MISMATCH: Final = 16
TIMED_OUT: Final = 32
TLS_FAILED: Final = 64

_REASONS: Final = (
    (REFUSED, "refused by an ICMP error"),
    (UNSENT, "query could not be sent"),
    (TCP_FAILED, "TCP connection failed"),
    (TLS_FAILED, "TLS connection failed"),
    (MISMATCH, "a packet matched no query"),
    (TIMED_OUT, "timed out"),
)


class Failure:
    """No server could be asked, or none answered: the Extended DNS Error for the clients."""

    __slots__ = ("code", "is_cached", "text")

    def __init__(self, code: int, text: str, is_cached: bool = True) -> None:
        self.code = code
        self.text = text
        self.is_cached = is_cached
        """Whether the failure cache keeps it. Else the question may be asked again at once."""


CROWDED: Final = Failure(codes.EDE_NETWORK_ERROR, "too many questions in flight", is_cached=False)
FAULT: Final = Failure(codes.EDE_OTHER, "a fault of the resolver itself")
NO_ROOM: Final = Failure(codes.EDE_NETWORK_ERROR, "no TCP connection to the upstream has room")
NO_ADDRESS: Final = Failure(codes.EDE_NETWORK_ERROR, "no upstream server has an address yet")


def no_answer(seen: int) -> Failure:
    """The failure of an exchange that has seen this of its attempts, and no usable answer."""
    code, text = codes.EDE_NO_REACHABLE_AUTHORITY, "no upstream server answered in time"
    if seen & ANSWERED:
        text = "no upstream server gave a usable answer"
    elif seen & ~TIMED_OUT:
        reasons = ", ".join([reason for bit, reason in _REASONS if seen & bit])
        text = f"no upstream server answered: {reasons}"
        if not seen & TIMED_OUT:
            code = codes.EDE_NETWORK_ERROR
    return Failure(code, text)
