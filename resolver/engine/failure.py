"""Why a question has no answer, as an Extended DNS Error for its clients (RFC 8914)."""

from typing import Final

from resolver.dns import codes


class Failure:
    """No server could be asked, or none answered: the Extended DNS Error for the clients."""

    __slots__ = ("code", "is_cached", "text")

    def __init__(self, code: int, text: str, is_cached: bool = True) -> None:
        self.code = code
        self.text = text
        self.is_cached = is_cached
        """Whether the failure cache keeps it. Else the question may be asked again at once."""


SLOW: Final = Failure(
    codes.EDE_NO_REACHABLE_AUTHORITY, "no upstream server answered in time", is_cached=False
)
"""For a client whose time is over while the exchange goes on."""
SILENT: Final = Failure(SLOW.code, SLOW.text)
UNUSABLE: Final = Failure(
    codes.EDE_NO_REACHABLE_AUTHORITY, "no upstream server gave a usable answer"
)
UNREACHABLE: Final = Failure(codes.EDE_NETWORK_ERROR, "the upstream cannot be reached")
NO_ROOM: Final = Failure(codes.EDE_NETWORK_ERROR, "no TCP connection to the upstream has room")
NO_ADDRESS: Final = Failure(codes.EDE_NETWORK_ERROR, "no upstream server has an address yet")
