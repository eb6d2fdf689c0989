"""Address hints in the RDATA of SVCB and HTTPS records (RFC 9460 section 7.3)."""

from typing import Final

from resolver.dns.names import end_of

_HINTS: Final = {4: 4, 6: 16}
"""The keys of ipv4hint and ipv6hint, and the octets of an address."""


def address_hints(rdata: bytes) -> list[bytes]:
    """The addresses of all hints, in order. ``rdata`` has passed the scan of its response."""
    at, found = end_of(rdata, 2), []
    while at < len(rdata):
        size = _HINTS.get(rdata[at] << 8 | rdata[at + 1])
        end = at + 4 + (rdata[at + 2] << 8 | rdata[at + 3])
        if size is not None:
            found += [rdata[n : n + size] for n in range(at + 4, end - size + 1, size)]
        at = end
    return found
