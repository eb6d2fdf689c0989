"""The small HTTP server, asked over real sockets by clients of every kind."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.web import page_server
from resolver.web.connection_limit import PLACES
from resolver.web.page_server import PageServer, Request, parse, response
from tests.live.waiting import wait_for

BODY = "x" * (4 << 20)
GET = b"GET /a?b HTTP/1.1\r\nHost: a.example\r\nHost: b\r\nX:  y \r\n\r\n"


class Served:
    """A server in a thread, and what it was asked."""

    def __init__(self, body: str) -> None:
        self.asked: list[Request] = []
        self._body = body
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = self._listening.getsockname()
        self._ours, theirs = socket.socketpair()
        self._server = PageServer([self._listening], self._respond)
        self._server.attend(theirs, self._server.stop)
        self._theirs = theirs
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()

    def _respond(self, request: Request) -> bytes:
        self.asked.append(request)
        return response(200, {"X-Page": "yes"}, self._body, is_head=request.is_head)

    @property
    def open(self) -> int:
        return len(self._server._open)

    @property
    def counted(self) -> int:
        return len(self._server._buckets._by_key)

    def connect(self, client: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(self.address, 10, source_address=(client, 0))

    def get(self, sent: bytes, client: str = "127.0.0.1") -> bytes:
        with self.connect(client) as end:
            end.sendall(sent)
            return _all(end)

    def end(self) -> None:
        self._ours.close()
        self._thread.join(10)
        self._theirs.close()
        self._listening.close()


def _all(end: socket.socket) -> bytes:
    received = b""
    while block := end.recv(1 << 16):
        received += block
    return received


def _undated(header: bytes) -> bytes:
    """A header without its date: a second may have passed between two of them."""
    return re.sub(rb"Date: [^\r]+\r\n", b"", header)


@contextmanager
def _served(body: str = "hello") -> Iterator[Served]:
    served = Served(body)
    try:
        yield served
    finally:
        served.end()


def test_a_request_is_read_and_answered() -> None:
    with _served() as served:
        answer = served.get(GET)
        head = served.get(GET.replace(b"GET", b"HEAD"))
    header, _, body = answer.partition(b"\r\n\r\n")
    assert header.startswith(b"HTTP/1.1 200 OK\r\nX-Page: yes\r\nConnection: close\r\n")
    assert b"\r\nContent-Length: 5\r\n" in header
    assert body == b"hello"
    assert _undated(head) == _undated(header + b"\r\n\r\n")
    asked = served.asked[0]
    assert (asked.target, asked.is_head, asked.client) == ("/a?b", False, "127.0.0.1")
    assert asked.headers == {"host": "a.example", "x": "y"}
    assert asked.server == f"127.0.0.1:{served.address[1]}"


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: GET[:20] + text.encode()))
def test_any_header_is_read_or_refused(header: bytes) -> None:
    request = parse(header, "192.0.2.1", "192.0.2.2:80")
    assert request is None or request.client == "192.0.2.1"


@pytest.mark.parametrize(
    "sent",
    [
        *(b"\r\n\r\n", b"GET /\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET / HTTP/2\r\n\r\n"),
        *(b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/1.1\r\na b: c\r\n\r\n"),
        b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000,
    ],
)
def test_what_is_no_request_is_refused(sent: bytes) -> None:
    with _served() as served:
        assert served.get(sent).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert served.asked == []


def test_a_header_may_come_octet_by_octet() -> None:
    with _served() as served, served.connect() as end:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in GET:
            end.sendall(bytes([octet]))
        assert _all(end).endswith(b"hello")


def test_a_large_body_and_a_large_response_are_no_reason_to_reset_the_connection() -> None:
    sent = b"POST / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n" + b"z" * (1 << 20)
    with _served(BODY) as served:
        assert served.get(sent).endswith(BODY.encode())


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a"], ids=["nothing", "a part"])
def test_who_sends_no_whole_header_is_sent_away(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_server, "HEADER_TIMEOUT", 0.1)
    with _served() as served, served.connect() as end:
        end.sendall(sent)
        assert _all(end) == b""


def test_who_does_not_read_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_server, "READ_TIMEOUT", 0.1)
    with _served(BODY * 4) as served, served.connect() as end:
        end.sendall(GET)
        wait_for(lambda: served.asked and not served.open, "the connection is closed")
        with suppress(ConnectionError):
            assert len(_all(end)) < len(BODY) * 4


def test_at_the_limit_the_oldest_connection_is_closed() -> None:
    with _served() as served, ExitStack() as stack:
        held = [stack.enter_context(served.connect()) for _ in range(PLACES)]
        assert served.get(GET).endswith(b"hello")
        assert held[0].recv(1) == b""
        held[-1].sendall(GET)
        assert _all(held[-1]).endswith(b"hello")


def test_who_does_not_read_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("HEADER_TIMEOUT", "READ_TIMEOUT"):  # so that the number of places alone decides
        monkeypatch.setattr(page_server, limit, 600.0)
    with _served(BODY) as served, ExitStack() as stack:
        asking = stack.enter_context(served.connect())
        for number in range(1, 2 * PLACES):
            unread = stack.enter_context(served.connect(f"127.0.10.{number}"))
            unread.sendall(GET)
            wait_for(lambda: len(served.asked) == number, "the request has come")  # noqa: B023
        wait_for(
            lambda: served.open == PLACES + 1, "the oldest of those that do not read are closed"
        )
        asking.sendall(GET)
        assert _all(asking).endswith(BODY.encode())


def test_open_connections_are_closed_at_the_end() -> None:
    with _served() as served:
        held = served.connect()
        wait_for(lambda: served.open == 1, "the connection is accepted")
    with held:
        assert held.recv(1) == b""


def test_an_address_that_asks_too_often_is_told_so_and_others_are_answered() -> None:
    with _served() as served:
        answers = [served.get(GET, "127.0.10.5").split(b"\r\n")[0] for _ in range(60)]
        assert answers[0] == b"HTTP/1.1 200 OK"
        assert b"HTTP/1.1 429 Too Many Requests" in answers
        assert served.get(GET, "127.0.10.6").startswith(b"HTTP/1.1 200 OK")


def test_the_addresses_that_are_counted_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_server, "_MAX_ADDRESSES", 10)
    with _served() as served:
        for last in range(1, 25):
            assert served.get(GET, f"127.0.10.{last}").startswith(b"HTTP/1.1 200 OK")
        assert served.counted <= 10
