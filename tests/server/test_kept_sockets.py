"""The listening sockets: kept while the server restarted, or for addresses that come later."""

import socket
from collections.abc import Iterable, Iterator
from itertools import chain

import pytest

from resolver.policy.settings import Endpoint
from resolver.server.listening import (
    ListenError,
    endpoint_of,
    open_http_socket,
    open_sockets,
    take_http_sockets,
)
from resolver.transport.tcp_options import SEGMENT
from tests.live.ports import free_port


def _flat(sockets: Iterable[list[socket.socket]]) -> list[socket.socket]:
    return list(chain.from_iterable(sockets))


def _endpoint(kept: list[list[socket.socket]]) -> Endpoint:
    return Endpoint(*kept[0][0].getsockname()[:2])


@pytest.fixture
def opened() -> Iterator[list[list[socket.socket]]]:
    sockets = open_sockets([Endpoint("127.0.0.1", free_port())], 2)
    yield sockets
    for item in _flat(sockets):
        item.close()


def test_kept_sockets_are_taken_up_again(opened: list[list[socket.socket]]) -> None:
    kept = _flat(opened)
    again = open_sockets([_endpoint(opened)], 2, kept)
    assert set(_flat(again)) == set(kept)
    for udp, tcp in again:
        assert (udp.type, tcp.type) == (socket.SOCK_DGRAM, socket.SOCK_STREAM)


def test_the_queue_of_a_kept_socket_is_as_long_as_that_of_a_new_one(
    opened: list[list[socket.socket]],
) -> None:
    kept, long = _flat(opened), [_queue(udp) for udp, _ in opened]
    for udp, _ in opened:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    again = open_sockets([_endpoint(opened)], 2, kept)
    assert [_queue(udp) for udp, _ in again] == long


def _queue(udp: socket.socket) -> int:
    return udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def test_more_workers_get_new_sockets_beside_those_kept(
    opened: list[list[socket.socket]],
) -> None:
    kept = _flat(opened)
    again = _flat(open_sockets([_endpoint(opened)], 3, kept))
    assert set(kept) < set(again)
    for item in set(again) - set(kept):
        assert item.getsockname() == kept[0].getsockname()
        item.close()


def test_what_nobody_would_read_is_closed(opened: list[list[socket.socket]]) -> None:
    kept = _flat(opened)
    again = _flat(open_sockets([_endpoint(opened)], 1, kept))
    assert len(again) == 2
    assert {item for item in kept if item.fileno() != -1} == set(again)


def test_an_address_that_is_no_longer_listened_on_is_let_go(
    opened: list[list[socket.socket]],
) -> None:
    kept = _flat(opened)
    everywhere = Endpoint("0.0.0.0", _endpoint(opened).port)
    with pytest.raises(ListenError):
        open_sockets([everywhere], 1)
    for item in _flat(open_sockets([everywhere], 1, kept)):
        item.close()
    assert all(item.fileno() == -1 for item in kept)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_an_address_that_is_missing_is_listened_on_where_the_server_may_wait(address: str) -> None:
    missing, present = Endpoint(address, free_port()), Endpoint("127.0.0.1", free_port())
    with pytest.raises(ListenError, match="no such address"):
        open_sockets([missing, present], 1)
    with pytest.raises(ListenError, match="no such address"):
        open_sockets([missing], 1, wait=True)  # then nobody would be served
    opened = _flat(open_sockets([missing, present], 2, wait=True))
    assert {_endpoint([[item]]) for item in opened} == {missing, present}
    for item in opened:
        with item:
            free_bind = item.getsockopt(socket.IPPROTO_IP, 15)
            assert not free_bind, "no datagram leaves from an address that is not this host's"


def test_the_segments_of_every_stream_are_limited_also_of_kept_ones(
    opened: list[list[socket.socket]],
) -> None:
    for _, tcp in opened:
        assert _segment(tcp) == SEGMENT
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 9000)
    again = open_sockets([_endpoint(opened)], 2, _flat(opened))
    assert [_segment(tcp) for _, tcp in again] == [SEGMENT] * 2


def test_the_segments_of_http_are_limited_also_of_a_kept_socket() -> None:
    with open_http_socket(Endpoint("127.0.0.1", 0), "the page", "listen") as http:
        assert _segment(http) == SEGMENT
        http.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 9000)
        endpoint = endpoint_of(http)
        assert take_http_sockets([endpoint], [http]) == {endpoint: http}
        assert _segment(http) == SEGMENT


def _segment(tcp: socket.socket) -> int:
    """The option, while the socket listens."""
    return tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
