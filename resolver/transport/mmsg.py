"""The system calls recvmmsg and sendmmsg (Linux), and the memory that they use, by ctypes.

For ctypes, mypyc emits C that does not compile, so this module is interpreted. A compiled caller
calls the two functions directly: a batch runs no interpreted code.
"""

import ctypes
import socket
from array import array
from typing import Final, Protocol, cast

SLOTS: Final = 128
"""Datagrams that are received at once, before other sockets are read."""
SLOT_SIZE: Final = 4096 + 64
"""Octets of a slot. A longer query is cut off here, and is then malformed.

It is no power of two: else the first octets of all slots would share a few CPU cache lines."""

_IPV4, _IPV6, _IPV6_ALIGNED = 16, 28, 32
"""The size of a sockaddr_in, of a sockaddr_in6, and of the latter with padding."""
_CMSG_HEADER: Final = 16
_IPV4_CONTROL, _IPV6_CONTROL = 32, 40
"""CMSG_SPACE of a struct in_pktinfo and of a struct in6_pktinfo."""
_WORDS: Final = 16
"""The size of a struct mmsghdr in words of 32 bits."""
_LENGTH: Final = 14
"""The offset of its msg_len, in words of 32 bits."""
_CONTROL_LENGTH: Final = 5
"""The offset of its msg_controllen, in words of 64 bits."""


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _MMsgHdr(ctypes.Structure):
    _fields_ = (("header", _MsgHdr), ("length", ctypes.c_uint))


HEADER: Final = ctypes.sizeof(_MMsgHdr)
"""The size of a struct mmsghdr, in octets."""

# These calls never wait, so they keep the GIL. Without argument types a call takes 0.3 us instead
# of 0.5: an address is passed as a ``c_void_p``, since an int would be passed as 32 bits.
_libc = ctypes.PyDLL(None)
recvmmsg, sendmmsg = _libc.recvmmsg, _libc.sendmmsg


class Octets(Protocol):
    """An array of octets; a slice is a copy."""

    def __getitem__(self, part: slice, /) -> bytes: ...


class Slots:
    """The memory of the slots of one socket, and the structures that tell the kernel of it."""

    def __init__(self, listening: socket.socket, wildcard: bool) -> None:
        """``wildcard``: the socket listens on all addresses of its family."""
        ipv6 = listening.family == socket.AF_INET6
        self._name_size = _IPV6 if ipv6 else _IPV4
        self._control_at = _IPV6_ALIGNED if ipv6 else _IPV4
        self.control_size = (_IPV6_CONTROL if ipv6 else _IPV4_CONTROL) if wildcard else 0
        self.origin_size = self._control_at + self.control_size
        octets = (ctypes.c_char * (SLOTS * SLOT_SIZE))()
        origins = (ctypes.c_char * (SLOTS * self.origin_size))()
        self.octets, self.origins = cast("Octets", octets), cast("Octets", origins)
        """The octets and the origins of all slots."""
        self.writable = memoryview(octets).cast("B")
        self.writable_origins = memoryview(origins).cast("B")
        self._at = ctypes.addressof(octets), ctypes.addressof(origins)
        received, self._received_vectors = self._headers()
        self._sent, sent_vectors = self._headers()
        self._gathered = (_MMsgHdr * SLOTS)()
        self.received_at = ctypes.c_void_p(ctypes.addressof(received))
        self.sent = memoryview(self._sent).cast("B")
        """The headers that are sent, one a slot."""
        self.gathered = memoryview(self._gathered).cast("B")
        """Room for copies of the headers of slots with a reply, without gaps."""
        self.lengths = memoryview(received).cast("B").cast("I")[_LENGTH::_WORDS]
        """The number of octets received, by slot."""
        self.reply_lengths = memoryview(sent_vectors).cast("B").cast("Q")[1::2]
        """The number of octets to send, by slot."""
        headers = memoryview(received).cast("B").cast("Q")
        self.control_lengths = headers[_CONTROL_LENGTH :: _WORDS // 2]
        self.control_capacities = memoryview(array("Q", [self.control_size]) * SLOTS)
        self.interfaces, self.no_interfaces = None, memoryview(array("I", [0]) * SLOTS)
        if wildcard and not ipv6:
            words = self.writable_origins.cast("I")
            self.interfaces = words[(_IPV4 + _CMSG_HEADER) // 4 :: self.origin_size // 4]

    def _headers(self) -> tuple[ctypes.Array[_MMsgHdr], ctypes.Array[_IoVec]]:
        headers, vectors = (_MMsgHdr * SLOTS)(), (_IoVec * SLOTS)()
        octets, origins = self._at
        for slot, (header, vector) in enumerate(zip(headers, vectors, strict=True)):
            vector.base, vector.length = octets + slot * SLOT_SIZE, SLOT_SIZE
            origin = origins + slot * self.origin_size
            header.header.name = origin
            header.header.name_length = self._name_size
            header.header.vectors = ctypes.addressof(vectors) + slot * ctypes.sizeof(_IoVec)
            header.header.vector_count = 1
            if self.control_size:
                header.header.control = origin + self._control_at
                header.header.control_length = self.control_size
        return headers, vectors

    def header_at(self, gathered: bool, place: int) -> ctypes.c_void_p:
        """The address of a header among those that are sent, or among the gathered copies."""
        headers = self._gathered if gathered else self._sent
        return ctypes.c_void_p(ctypes.addressof(headers) + place * HEADER)
