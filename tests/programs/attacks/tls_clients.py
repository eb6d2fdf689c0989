"""Clients of DNS over TLS that take what handshakes cost the server."""

import itertools
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from resolver.transport.tls_session import TlsSession
from tests.live.dnsdist import certificate
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import (
    ADMINISTRATION,
    Shot,
    Stream,
    ask_stream,
    percentile,
    volley,
)
from tests.programs.attacks.real_server import BLOCKED, Darban, darban

_QUESTION = wire.question(BLOCKED)
_SECONDS = 4.0
"""How long an attack lasts, at least."""
_RATE = 500
"""Queries a second over UDP meanwhile."""
_ROUNDS = 40
"""Queries over each connection that is there before."""
_SILENT_RATE = 200
"""Connections a second that say nothing."""
_ROUND_TRIP = 0.05
"""Seconds between the connection of a newcomer and its handshake."""
_NEWCOMERS = 60
"""Clients that come meanwhile, of each kind."""
_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CONTEXT.check_hostname, _CONTEXT.verify_mode = False, ssl.CERT_NONE
_ATTACKERS = [f"127.0.{20 + n % 2}.{1 + n % 200}" for n in range(400)]


@contextmanager
def _serving() -> Iterator[tuple[Darban, int]]:
    """A server, and its port of DNS over TLS."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="darban-attack-") as place:
        files = Path(place)
        certificate(needed("openssl"), files)
        tls = f'[server.tls]\nlisten = ["127.0.0.1:{port}"]\n'
        tls += f'certificate = "{files / "dns.pem"}"\nkey = "{files / "dns.key"}"\n'
        with darban(["127.0.0.1:9"], more=tls) as server:
            yield server, port


def _connected(port: int, client: str, round_trip: float = 0.0) -> ssl.SSLSocket:
    made = socket.create_connection(("127.0.0.1", port), 5.0, source_address=(client, 0))
    time.sleep(round_trip)
    return _CONTEXT.wrap_socket(made)


class _Others:
    """Who asks meanwhile: over UDP, and over connections of TCP and of TLS from before."""

    def __init__(self, server: Darban, port: int, stack: ExitStack) -> None:
        self._server = server
        self._tcp = stack.enter_context(Stream(server.port, ADMINISTRATION))
        self._tls = stack.enter_context(_connected(port, ADMINISTRATION))
        self._port = port

    def ask(self) -> Seen:
        """Ask while an attack lasts: how many were answered, and how soon."""
        shots = [Shot(n / _RATE, _QUESTION, ADMINISTRATION) for n in range(int(_RATE * _SECONDS))]
        streams: list[int] = []
        asking = threading.Thread(target=lambda: streams.append(self._over_streams()))
        asking.start()
        heard = [heard for heard in volley(self._server.port, shots, 2.0) if heard is not None]
        asking.join()
        slow = percentile([item.took for item in heard], 0.99) * 1000
        answered, kept = len(heard), streams[0]
        text = f"{answered} of {len(shots)} answered over UDP, 99 of 100 within {slow:.0f} ms; "
        text += f"{kept} of {3 * _ROUNDS} over TCP, and TLS from before and anew"
        return Seen(answered == len(shots) and kept == 3 * _ROUNDS, text)

    def _over_streams(self) -> int:
        answered = 0
        for _ in range(_ROUNDS):
            with suppress(OSError):
                self._tcp.send(_QUESTION)
                answered += self._tcp.receive() is not None
            with suppress(OSError):
                answered += _asked(self._tls)
            with suppress(OSError), _connected(self._port, ADMINISTRATION) as new:
                answered += _asked(new)
            time.sleep(_SECONDS / _ROUNDS / 4)
        return answered


def _asked(connection: ssl.SSLSocket) -> bool:
    connection.sendall(len(_QUESTION).to_bytes(2) + _QUESTION)
    return len(connection.recv(4096)) > len(_QUESTION)


def _during(attack: Callable[[int, threading.Event], int]) -> Seen:
    """What others see while four threads attack, each until the event is set."""
    with _serving() as (server, port), ExitStack() as stack:
        others, ended, before = _Others(server, port, stack), threading.Event(), server.cpu()
        counts: list[int] = []
        threads = [
            threading.Thread(target=lambda: counts.append(attack(port, ended))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        try:
            seen = others.ask()
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        text = f"{sum(counts)} connections; {seen.text}; {server.cpu() - before:.1f} s of CPU, "
        text += f"{server.memory():.0f} MiB, {server.descriptors()} descriptors"
        return Seen(seen.good, text)


def flood() -> Seen:
    """Whole handshakes from 400 addresses, as many as four threads can make."""

    def attack(port: int, ended: threading.Event) -> int:
        made = 0
        for client in itertools.cycle(_ATTACKERS):
            if ended.is_set():
                return made
            with suppress(OSError), _connected(port, client):
                made += 1
        return made

    return _during(attack)


def unfinished() -> Seen:
    """Connections that begin a handshake, which the server answers, and never end it."""
    return _during(lambda port, ended: _hoard(port, ended, whole=True))


def half() -> Seen:
    """Connections that send half a ClientHello."""
    return _during(lambda port, ended: _hoard(port, ended, whole=False))


def _hoard(port: int, ended: threading.Event, *, whole: bool) -> int:
    """Hold 1,250 connections, the newest, and open more until the event is set."""
    held: list[socket.socket] = []
    made = 0
    for client in itertools.cycle(_ATTACKERS):
        if ended.is_set() and made >= 1250:
            break
        session = TlsSession(_CONTEXT, "localhost")
        session.receive(b"")
        hello = session.outgoing()
        with suppress(OSError):
            connection = socket.create_connection(
                ("127.0.0.1", port), 5.0, source_address=(client, 0)
            )
            held.append(connection)
            connection.sendall(hello if whole else hello[: len(hello) // 2])
            made += 1
        if len(held) > 1250:
            held.pop(0).close()
    for item in held:
        item.close()
    return made


def renegotiation() -> Seen:
    """A client of TLS 1.2 asks for a second handshake on its connection."""
    with _serving() as (server, port):
        command: list[str | Path] = [
            needed("openssl"),
            "s_client",
            "-tls1_2",
            "-connect",
            f"127.0.0.1:{port}",
        ]
        done = subprocess.run(
            command, input="R\n" * 50, capture_output=True, text=True, timeout=20, check=False
        )
        served = ask_stream(server.port, _QUESTION, ADMINISTRATION) is not None
    refused = "no renegotiation" in done.stderr
    text = f"{'refused' if refused else 'DONE'}; others {'served' if served else 'NOT served'}"
    return Seen(refused and served, text)


class _Hoard:
    """The connections of one host, by eight addresses: established ones, and silent ones."""

    def __init__(self, port: int) -> None:
        self._clients = itertools.cycle([f"127.0.20.{n}" for n in range(1, 9)])
        self._port = port
        self._established: list[ssl.SSLSocket] = []
        self._silent: list[socket.socket] = []

    def establish(self, count: int) -> int:
        """Have so many established connections, and ask on each, so that none is idle."""
        kept = []
        for item in self._established:
            try:
                item.sendall(len(_QUESTION).to_bytes(2) + _QUESTION)
                kept.append(item)
            except OSError:
                item.close()
        self._established = kept
        while len(kept) < count:
            with suppress(OSError):
                kept.append(_connected(self._port, next(self._clients)))
        return len(kept)

    def be_silent(self, ended: threading.Event) -> None:
        """Open 200 connections a second that say nothing, until the event is set."""
        while not ended.wait(1 / _SILENT_RATE):
            with suppress(OSError):
                where, client = ("127.0.0.1", self._port), next(self._clients)
                self._silent.append(socket.create_connection(where, 5.0, (client, 0)))
            if len(self._silent) > 2000:
                self._silent.pop(0).close()

    def close(self) -> None:
        for item in (*self._established, *self._silent):
            item.close()


def hoard() -> Seen:
    """One host holds all connections, and opens 200 a second that are silent."""
    answered = dict.fromkeys((ADMINISTRATION, "127.0.21.9"), 0)
    with _serving() as (_, port), ExitStack() as stack:
        hoard, ended = _Hoard(port), threading.Event()
        stack.callback(hoard.close)
        held = hoard.establish(1000)
        opening = threading.Thread(target=hoard.be_silent, args=(ended,))
        opening.start()
        try:
            for n in range(_NEWCOMERS):
                for client in answered:
                    with suppress(OSError), _connected(port, client, _ROUND_TRIP) as new:
                        answered[client] += _asked(new)
                if n % 15 == 14:
                    hoard.establish(1000)
        finally:
            ended.set()
            opening.join()
    other_vlan, other_prefix = answered.values()
    text = f"of {_NEWCOMERS} clients each, {other_vlan} of another VLAN and {other_prefix} of "
    text += f"another prefix were answered, beside {held} connections of one host"
    return Seen(other_vlan == other_prefix == _NEWCOMERS, text)


ATTACKS = (
    Attack("tls-renegotiation", "refused", renegotiation),
    Attack("tls-half-handshakes", "all of others answered", half, quick=False),
    Attack("tls-unfinished", "all of others answered", unfinished, quick=False),
    Attack("tls-hoard", "60 of 60 of another VLAN and of another prefix", hoard, quick=False),
    Attack("tls-flood", "all of others answered", flood, quick=False),
)
