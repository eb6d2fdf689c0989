"""The side of the clients: single questions, and volleys of many at a set pace."""

import contextlib
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.programs.attacks import wire

ADMINISTRATION = "127.0.10.5"
PUBLICITY = "127.0.20.5"
NOBODY = "127.0.99.5"
"""In no VLAN."""


def ask(
    port: int, packet: bytes, client: str = PUBLICITY, *, seconds: float = 5.0
) -> wire.Packet | None:
    """Ask over UDP; the reply's parts, None where none comes in time."""
    raw = ask_raw(port, packet, client, seconds=seconds)
    return None if raw is None else wire.read(raw)


def ask_raw(
    port: int, packet: bytes, client: str = PUBLICITY, *, seconds: float = 5.0
) -> bytes | None:
    """Ask over UDP; the reply as it came, None where none comes in time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(seconds)
        asking.bind((client, 0))
        asking.connect(("127.0.0.1", port))
        asking.send(packet)
        with contextlib.suppress(OSError):
            return asking.recv(65535)
    return None


class Shot(NamedTuple):
    """A packet to send at its moment."""

    at: float
    """Seconds from the beginning of the volley."""
    packet: bytes
    """Its first two octets, the ID, are the volley's to set."""
    client: str = PUBLICITY


class Heard(NamedTuple):
    """The reply to a shot, and the seconds that it took."""

    packet: bytes
    took: float


def volley(port: int, shots: Sequence[Shot], grace: float = 5.0) -> list[Heard | None]:
    """Send every packet at its moment; each one's reply, or None where none came.

    ``grace`` is the time to wait for replies after the last packet. At most 65,536 shots a
    client, so that each has an ID of its own.
    """
    heard: list[Heard | None] = [None] * len(shots)
    order = sorted(range(len(shots)), key=lambda place: shots[place].at)
    with _Guns(port) as guns:
        began = time.monotonic()
        missing = len(shots)
        sent: list[float] = [0.0] * len(shots)
        upcoming = iter(order)
        place = next(upcoming, None)
        end = began + (shots[order[-1]].at if order else 0.0) + grace
        while missing and (now := time.monotonic()) < end:
            due = end if place is None else began + shots[place].at
            if place is not None and due <= now:
                sent[place] = now
                guns.fire(place, shots[place])
                place = next(upcoming, None)
                due = now
            for which, packet, came in guns.hear(max(0.0, due - now)):
                if heard[which] is None:
                    heard[which] = Heard(packet, came - sent[which])
                    missing -= 1
    return heard


class _Guns:
    """A socket for each client, and whose reply is whose."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._sockets: dict[str, tuple[socket.socket, dict[int, int]]] = {}

    def __enter__(self) -> "_Guns":
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for item, _places in self._sockets.values():
            item.close()

    def fire(self, place: int, shot: Shot) -> None:
        if shot.client not in self._sockets:
            self._sockets[shot.client] = self._open(shot.client)
        gun, places = self._sockets[shot.client]
        ident = len(places)
        places[ident] = place
        with contextlib.suppress(OSError):
            gun.send(ident.to_bytes(2, "big") + shot.packet[2:])

    def hear(self, seconds: float) -> Iterator[tuple[int, bytes, float]]:
        if not self._sockets:
            time.sleep(seconds)
            return
        for key, _ in self._selector.select(seconds):
            gun, places = key.data
            for _ in range(64):
                try:
                    packet = gun.recv(65535)
                except OSError:
                    break
                came = time.monotonic()
                place = places.get(wire.ident_of(packet))
                if place is not None:
                    yield place, packet, came

    def _open(self, client: str) -> tuple[socket.socket, dict[int, int]]:
        gun = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        gun.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        gun.bind((client, 0))
        gun.connect(("127.0.0.1", self._port))
        places: dict[int, int] = {}
        self._selector.register(gun, selectors.EVENT_READ, (gun, places))
        return gun, places


def percentile(times: Sequence[float], share: float) -> float:
    """The time that this share of all stays under; 0 where there are none."""
    ordered = sorted(times)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


class Stream:
    """A TCP connection to the server."""

    def __init__(self, port: int, client: str = PUBLICITY, *, seconds: float = 5.0) -> None:
        self.socket = socket.create_connection(
            ("127.0.0.1", port), timeout=seconds, source_address=(client, 0)
        )
        self._buffer = b""

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *packets: bytes) -> None:
        """Send messages, each after its length."""
        self.socket.sendall(b"".join(len(p).to_bytes(2, "big") + p for p in packets))

    def receive(self) -> bytes | None:
        """The next message; None where the connection ends first, or nothing comes."""
        while True:
            end = 2 + int.from_bytes(self._buffer[:2], "big")
            if len(self._buffer) >= max(end, 2):
                packet, self._buffer = self._buffer[2:end], self._buffer[end:]
                return packet
            try:
                data = self.socket.recv(65535)
            except OSError:
                return None
            if not data:
                return None
            self._buffer += data

    def closed_within(self, seconds: float) -> float | None:
        """Seconds until the server closes it, None where it does not."""
        began = time.monotonic()
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65535):
                pass
        except TimeoutError:
            return None
        except OSError:
            pass
        return time.monotonic() - began


def ask_stream(port: int, packet: bytes, client: str = PUBLICITY) -> bytes | None:
    """Ask once over TCP; None where no reply comes."""
    try:
        with Stream(port, client) as stream:
            stream.send(packet)
            return stream.receive()
    except OSError:
        return None
