"""The log names no HTTP client, and reports only this program's own errors; a crowd waits."""

import asyncio
import logging
import socket
from contextlib import ExitStack, suppress

import pytest
from aiohttp import web

from resolver.system.log import log
from resolver.web import limited_protocol
from resolver.web.listener import listen


async def _broken(_: web.Request) -> web.Response:
    raise ZeroDivisionError


async def _send(sent: bytes) -> bytes:
    app = web.Application()
    app.router.add_get("/broken", _broken)
    async with await listen(app, socket.create_server(("127.0.0.1", 0))) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
    return answer


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET / x\r\n\r\n"])
def test_a_malformed_request_is_refused_and_not_logged(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, log.name):
        assert b" 400 " in asyncio.run(_send(sent))
    assert caplog.text == ""


def test_an_error_in_a_handler_is_logged_without_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, log.name):
        answer = asyncio.run(_send(b"GET /broken HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert b" 500 " in answer
    assert "error while handling an HTTP request" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "127.0.0.1" not in caplog.text


async def _ok(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _answered_before(others: int) -> bytes:
    """What a client gets after whom others send half a request, all before any is accepted."""
    app, loop = web.Application(), asyncio.get_running_loop()
    app.router.add_get("/ok", _ok)
    async with await listen(app, socket.create_server(("127.0.0.1", 0))) as server:
        with ExitStack() as stack:
            first, *crowd = [
                stack.enter_context(_asking(server.sockets[0].getsockname(), sent))
                for sent in [b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n", *[b"GET /ok"] * others]
            ]
            reader, writer = await asyncio.open_connection(sock=first)
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            for waiting in crowd:  # until the server has closed it, so that none is left open
                waiting.setblocking(False)
                with suppress(ConnectionError):
                    await loop.sock_recv(waiting, 1)
    return answer


def _asking(where: tuple[str, int], sent: bytes) -> socket.socket:
    asking = socket.create_connection(where)
    asking.sendall(sent)
    return asking


def test_a_request_is_answered_before_a_crowd_of_half_requests_takes_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limited_protocol, "HEADER_TIMEOUT", 0.5)
    answer = asyncio.run(_answered_before(others=100))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer
