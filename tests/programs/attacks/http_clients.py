"""HTTP clients that send half a request, and connect again as soon as they are closed."""

import contextlib
import selectors
import socket
import threading
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from tests.live.ports import free_port
from tests.live.waiting import wait_for
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.fake_upstream import honest
from tests.programs.attacks.real_server import behind

_CONNECTIONS = 300
_MOST = 100_000
"""Connections in all, after which the crowd makes no more."""
_HALF = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
_GETS = 30
_PATIENCE = 5.0
"""Seconds that a scraper waits."""


class _Crowd:
    """Connections that each send half a request, and are made again when they are closed."""

    def __init__(self, port: int) -> None:
        self._where = ("127.0.0.1", port)
        self._selector = selectors.DefaultSelector()
        self._ending = False
        self.made = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "_Crowd":
        for _ in range(_CONNECTIONS):
            self._connect()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            self._close(key.fileobj)
        self._selector.close()

    def _run(self) -> None:
        while not self._ending:
            for key, event in self._selector.select(0.1):
                self._go_on(key.fileobj, event)

    def _connect(self) -> None:
        self.made += 1
        connecting = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        connecting.connect_ex(self._where)
        self._selector.register(connecting, selectors.EVENT_WRITE)

    def _go_on(self, connection: object, event: int) -> None:
        assert isinstance(connection, socket.socket)
        try:
            if event & selectors.EVENT_WRITE:
                connection.send(_HALF)
                self._selector.modify(connection, selectors.EVENT_READ)
                return
            if connection.recv(4096):
                return
        except OSError:
            pass
        self._close(connection)
        if self.made < _MOST:
            self._connect()

    def _close(self, connection: object) -> None:
        assert isinstance(connection, socket.socket)
        self._selector.unregister(connection)
        connection.close()


def _is_answered(port: int, path: str, client: str = "127.0.21.1") -> bool:
    asking = HTTPConnection("127.0.0.1", port, _PATIENCE, source_address=(client, 0))
    with contextlib.closing(asking):
        try:
            asking.request("GET", path)
            response = asking.getresponse()
            return bool(response.read()) and response.status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False


def _seen(port: int, path: str) -> Seen:
    wait_for(lambda: _is_answered(port, path), "it is served")
    with _Crowd(port) as crowd:
        answered = sum(_is_answered(port, path, f"127.0.20.{n}") for n in range(1, _GETS + 1))
    text = f"{answered} of {_GETS} answered beside {crowd.made} connections with half a request"
    return Seen(answered == _GETS, text)


def half_requests_of_metrics() -> Seen:
    """300 connections to the metrics listener, made again when they are closed."""
    with behind(honest) as (server, _):
        return _seen(server.metrics_port, "/metrics")


def half_requests_of_page() -> Seen:
    """The same at the block page."""
    port = free_port()
    with behind(honest, more=f'[block_page]\nlisten = ["127.0.0.1:{port}"]\n'):
        return _seen(port, "/")


_WANTED = f"{_GETS} of {_GETS} answered"
ATTACKS = (
    Attack("metrics-half", _WANTED, half_requests_of_metrics, quick=False),
    Attack("page-half", _WANTED, half_requests_of_page, quick=False),
)
