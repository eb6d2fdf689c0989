"""Clients of DNS over TLS that ask steadily, over connections kept and new."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

_PATIENCE = 5.0
"""Seconds after which a query without an answer is lost."""
_CLIENTS = 4
_PAUSE = 0.01
_PER_CONNECTION = 20
"""Queries, after which each client but the first opens another connection."""
_LOCALHOST = bytes.fromhex("01000001000000000000096c6f63616c686f73740000010001")


@dataclass
class TlsClient:
    """A client, and what has become of its queries so far."""

    port: int
    per_connection: int
    asked: int = 0
    answered: int = 0
    certificates: set[bytes] = field(default_factory=set)
    """Those that the server has presented, in DER."""

    def ask_until(self, ended: threading.Event) -> None:
        """Ask steadily until the event is set."""
        with ExitStack() as stack:
            connection = None
            while not ended.wait(_PAUSE):
                self.asked += 1
                try:
                    connection = connection or stack.enter_context(self._connect())
                    answered = self._exchange(connection)
                except OSError:
                    answered = False
                self.answered += answered
                if not answered or self.asked % self.per_connection == 0:
                    stack.close()
                    connection = None

    def _connect(self) -> ssl.SSLSocket:
        connection = connected(self.port)
        self.certificates.add(certificate_of(connection))
        return connection

    def _exchange(self, connection: ssl.SSLSocket) -> bool:
        query = self.asked.to_bytes(4)[2:] + _LOCALHOST
        connection.sendall(len(query).to_bytes(2) + query)
        return connection.recv(4096)[2:4] == query[:2]


@contextmanager
def tls_load(port: int) -> Iterator[list[TlsClient]]:
    """Clients that ask a server on 127.0.0.1 until the block ends."""
    ended = threading.Event()
    kept = 1 << 30
    clients = [TlsClient(port, _PER_CONNECTION if n else kept) for n in range(_CLIENTS)]
    threads = [threading.Thread(target=client.ask_until, args=(ended,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def connected(port: int) -> ssl.SSLSocket:
    """A connection whose certificate is not verified."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), _PATIENCE))


def certificate_of(connection: ssl.SSLSocket) -> bytes:
    """The server's certificate, in DER."""
    found = connection.getpeercert(binary_form=True)
    assert found
    return found
