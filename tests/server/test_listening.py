"""The sockets that the server listens on."""

import socket

import pytest

from resolver.server.listening import open_http_socket
from resolver.settings import Endpoint
from tests.live.ports import free_port


def test_a_connection_over_http_is_handed_in_with_its_request() -> None:
    endpoint = Endpoint("127.0.0.1", free_port())
    with (
        open_http_socket(endpoint, "the page", "[metrics] listen") as listening,
        socket.create_connection((endpoint.address, endpoint.port)) as client,
    ):
        with pytest.raises(BlockingIOError):
            listening.accept()
        client.sendall(b"GET / HTTP/1.1\r\n")
        accepted, _ = listening.accept()
        accepted.close()
