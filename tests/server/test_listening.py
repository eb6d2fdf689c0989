"""The sockets that the server listens on."""

import socket

import pytest

from resolver.policy.settings import Endpoint
from resolver.server.listening import ListenError, open_http_socket, open_sockets
from tests.live.ports import free_port
from tests.live.programs import lacking


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


def test_at_port_53_it_is_told_how_systemd_resolved_leaves_it() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        try:
            other.bind(("127.0.53.1", 53))
        except PermissionError:
            lacking("needs the right to listen on port 53: run it as root")
        with pytest.raises(ListenError, match=r"DNSStubListener=no"):
            open_sockets([Endpoint("127.0.53.1", 53)], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.53.1", 0))
        free = other.getsockname()[1]
        with pytest.raises(ListenError, match=r"ss -lntup 'sport = :\d+'$"):
            open_sockets([Endpoint("127.0.53.1", free)], 1)
