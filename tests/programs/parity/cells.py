"""The matrix: what is asked, in which order, and what was answered.

A pass asks everything as one client. Cold: the caches were emptied before the pass. Warm: another
client's pass came between. Kept: the caches are as they were before the policy changed.
"""

import functools
import itertools
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from dnslib import DNSRecord

from resolver.dns import names
from tests.programs.parity.policy_under_test import CLIENTS, NAMES, Client

TYPES = {"A": 1, "AAAA": 28, "HTTPS": 65, "TXT": 16}
COLD, KEPT = "cold", "kept"
_CNAME, _RRSIG, _OPT, _EDE = 5, 46, 41, 15
_PATIENCE = 5.0
_RD, _DO = 0x0100, 0x8000


class Question(NamedTuple):
    """What a cell asks."""

    client: Client
    kind: str
    """The kind of name, a key of ``NAMES``."""
    type: str
    do: bool
    rd: bool

    def __str__(self) -> str:
        flags = f"DO={self.do:d} RD={self.rd:d}"
        return f"{self.client}: {self.kind} ({NAMES[self.kind]}) {self.type} {flags}"


class Seen(NamedTuple):
    """What an answer says about the policy."""

    rcode: int
    records: tuple[str, ...]
    """Types and data of the answer, sorted; without CNAME and RRSIG."""
    error: int | None
    """The code of the Extended DNS Error."""
    ttl: int
    """The longest of the answer."""

    @property
    def is_blocked(self) -> bool:
        """Whether Darban says so: it always gives the reason."""
        return self.error in (15, 16)

    def __str__(self) -> str:
        shown = " ".join(self.records) or "no records"
        return f"rcode {self.rcode}, {shown}, EDE {self.error}"


Pass = tuple[str, Client, Client | None]
"""The state of the caches, whose pass it is, and whose pass comes before."""
SILENCE = Seen(-1, (), None, 0)

QUESTIONS = {
    client: [
        # Without RD first: then nothing of this VLAN is cached.
        Question(client, kind, rtype, do, rd)
        for rd, do in itertools.product((False, True), (False, True))
        for kind, rtype in itertools.product(NAMES, TYPES)
    ]
    for client in itertools.chain(*CLIENTS.values())
}
"""All of a client, in the order of a pass."""


@dataclass
class Asker:
    """Asks as all clients."""

    tcp: bool = False
    _sockets: dict[tuple[Client, int], socket.socket] = field(default_factory=dict)
    _ident: int = 0

    def __call__(self, port: int, question: Question) -> Seen:
        """Ask once."""
        return self.ask(port, NAMES[question.kind], question)

    def ask(self, port: int, name: str, like: Question) -> Seen:
        """Ask for a name, as the client and with the type and the flags of a question."""
        self._ident = self._ident % 0xFFFF + 1
        query = struct.pack("!H", self._ident) + _query(name, like.type, like.do, like.rd)
        exchange = self._over_tcp if self.tcp else self._over_udp
        packet = exchange(like.client, port, query)
        return SILENCE if packet is None else read(packet)

    def close(self) -> None:
        """Close all sockets."""
        for item in self._sockets.values():
            item.close()

    def _over_udp(self, client: Client, port: int, query: bytes) -> bytes | None:
        """Ask as a client does: once more, where no reply comes in time."""
        asking = self._socket(client, port)
        for _ in range(2):
            asking.send(query)
            with suppress(OSError):
                while (packet := asking.recv(65535))[:2] != query[:2]:
                    pass
                return packet
        return None

    def _over_tcp(self, client: Client, port: int, query: bytes) -> bytes | None:
        """Ask over the connection that is there, and over a new one where it has been closed."""
        for _ in range(2):
            asking = self._socket(client, port)
            try:
                asking.sendall(struct.pack("!H", len(query)) + query)
                (length,) = struct.unpack("!H", _exactly(asking, 2))
                return _exactly(asking, length)
            except OSError:
                self._sockets.pop((client, port)).close()
        return None

    def _socket(self, client: Client, port: int) -> socket.socket:
        asking = self._sockets.get((client, port))
        if asking is None:
            kind = socket.SOCK_STREAM if self.tcp else socket.SOCK_DGRAM
            family = socket.AF_INET6 if ":" in client.address else socket.AF_INET
            asking = self._sockets[client, port] = socket.socket(family, kind)
            asking.settimeout(_PATIENCE)
            asking.bind((client.address, 0))
            asking.connect((client.server, port))
        return asking


@functools.cache
def _query(name: str, rtype: str, do: bool, rd: bool) -> bytes:
    """A query without its ID."""
    header = struct.pack("!5H", _RD if rd else 0, 1, 0, 0, 1)
    opt = b"\0" + struct.pack("!HHIH", _OPT, 1232, _DO if do else 0, 0)
    return header + names.parse(name) + struct.pack("!HH", TYPES[rtype], 1) + opt


def _exactly(connection: socket.socket, octets: int) -> bytes:
    """So many octets; ConnectionError where the connection ends before."""
    received = connection.recv(octets, socket.MSG_WAITALL)
    if len(received) < octets:
        raise ConnectionResetError
    return received


def read(packet: bytes) -> Seen:
    """What a response says."""
    return _read(b"\0\0" + packet[2:])


@functools.cache
def _read(packet: bytes) -> Seen:
    """The same without an ID: most responses come again, and to parse one takes long."""
    message = DNSRecord.parse(packet)
    records = [record for record in message.rr if record.rtype not in (_CNAME, _RRSIG)]
    error = None
    for record in message.ar:
        if record.rtype == _OPT:
            codes = [option.data for option in record.rdata if option.code == _EDE]
            error = int.from_bytes(codes[0][:2], "big") if codes else None
    return Seen(
        message.header.rcode,
        tuple(sorted(f"{record.rtype}:{record.rdata}" for record in records)),
        error,
        max((record.ttl for record in records), default=0),
    )


def passes(state: int, *, quick: bool) -> Iterator[Pass]:
    """Each pass that is compared in a state of the policy; ``state`` is its number, from 0.

    The caches are to be emptied before each pass but the kept ones, which follow an earlier state.
    Of each two clients, each asks after the other, in one of the four pairs of families. Quick:
    none is warmed, and a client asks over one family, in the next state over the other.
    """
    pairs = [*CLIENTS.values()]
    clients = [*itertools.chain(*pairs)]
    if quick:
        clients = [pair[(number + state) % 2] for number, pair in enumerate(pairs)]
    if state > 0:
        yield from ((KEPT, client, None) for client in clients)
    yield from ((COLD, client, None) for client in clients)
    for number, (name, warming) in enumerate(() if quick else itertools.permutations(CLIENTS, 2)):
        first, then = CLIENTS[warming][number >> 1 & 1], CLIENTS[name][number & 1]
        yield f"warmed by {warming}", then, first
