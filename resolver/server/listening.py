"""Open the listening sockets: for each worker, one for each address and transport.

The supervisor opens them with SO_REUSEPORT, so the kernel spreads the clients over the workers.
With this option a second server could also bind, without an error, and take half of the queries.
So each address is bound once without the option first. Sockets that systemd stored during a restart
are used again, with the queries that wait in them.

A socket can be bound to an address that this host lacks (IP_FREEBIND in ip(7)). It receives once
the host has the address.
"""

import errno
import socket
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from resolver import DarbanError
from resolver.policy.settings import Endpoint
from resolver.system.interfaces import family_of, is_missing
from resolver.system.log import log
from resolver.transport.tcp_options import limit_segments

_Listener = tuple[Endpoint, socket.SocketKind]

_KINDS = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
_BACKLOG: Final = 1024
_RECEIVE_BUFFER: Final = 8 << 20
"""In octets: 20,000 small queries, if the kernel's net.core.rmem_max allows it."""
_IP_FREEBIND: Final = 15  # Linux's number; the socket module does not have it
_DEFERRED: Final = 3
"""Seconds that the kernel waits for the request of an HTTP client before it hands in a connection.
So one that asks takes the place of one that does not, as soon as its request is here."""
_SEND_BUFFER: Final = 1 << 20
"""In octets: all replies of an iteration at their largest, which exceed the kernel's default."""

_FREE_RESOLVED: Final = (
    ". systemd-resolved leaves the port with: mkdir -p /etc/systemd/resolved.conf.d && "
    "printf '[Resolve]\\nDNSStubListener=no\\n' >/etc/systemd/resolved.conf.d/darban.conf && "
    "systemctl restart systemd-resolved"
)


class ListenError(DarbanError):
    """A socket cannot listen on an address; the message says why and what to do."""


def open_sockets(
    endpoints: Sequence[Endpoint],
    workers: int,
    stored: Iterable[socket.socket] = (),
    *,
    tls: Sequence[Endpoint] = (),
    wait: bool = False,
) -> list[list[socket.socket]]:
    """Open, for each worker, a UDP and a TCP socket for every address, for TLS a TCP socket only.

    Stored sockets are used first. The unused ones are closed: else the kernel would go on to
    put queries into sockets that no worker reads. With ``wait``, an address that this host lacks
    is logged, and listened on, unless it lacks all of them.

    Raises:
        ListenError: an address is taken, not this host's, or not allowed.
    """
    wait = wait and not all(is_missing(endpoint.address) for endpoint in endpoints)
    if wait:
        for endpoint in (*endpoints, *tls):
            _log_if_missing(endpoint, "DNS", "'listen'", "The other addresses are served")
    listeners = [(endpoint, kind) for endpoint in endpoints for kind in _KINDS]
    listeners += [(endpoint, socket.SOCK_STREAM) for endpoint in tls]
    usable = _usable(stored, listeners, workers)
    for endpoint, kind in listeners:
        if not usable[endpoint, kind]:
            _open(endpoint, kind, shared=False, wait=wait).close()
    return [
        [
            usable[listener].pop() if usable[listener] else _open(*listener, shared=True, wait=wait)
            for listener in listeners
        ]
        for _ in range(workers)
    ]


def _usable(
    stored: Iterable[socket.socket], listeners: Sequence[_Listener], workers: int
) -> dict[_Listener, list[socket.socket]]:
    """The stored sockets by address and transport; the others are closed."""
    usable: dict[_Listener, list[socket.socket]] = {listener: [] for listener in listeners}
    for socket_ in stored:
        sockets = usable.get((endpoint_of(socket_), socket_.type))
        if sockets is None or len(sockets) == workers:
            socket_.close()
        else:
            if socket_.type == socket.SOCK_DGRAM:
                _set_buffers(socket_)  # rmem_max may be larger now, or this a newer release
            else:
                limit_segments(socket_)  # the release that opened it may not have done so
            sockets.append(socket_)
    return usable


def endpoint_of(listening: socket.socket) -> Endpoint:
    """The address and port that a socket listens on."""
    address, port, *_ = listening.getsockname()
    return Endpoint(address, port)


def _open(
    endpoint: Endpoint, kind: socket.SocketKind, *, shared: bool, wait: bool
) -> socket.socket:
    family = family_of(endpoint.address)
    try:
        listening = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise ListenError(_advice(endpoint, error)) from None
    try:
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            limit_segments(listening)
        else:
            _set_buffers(listening)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _bind(listening, endpoint, wait=wait)
        if shared and kind == socket.SOCK_STREAM:
            listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ListenError(_advice(endpoint, error)) from None
    return listening


def _set_buffers(udp: socket.socket) -> None:
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)


def open_http_socket(endpoint: Endpoint, what: str, setting: str) -> socket.socket:
    """Open a socket for HTTP. If this host lacks the address, it listens once the host has it.

    ``what`` is served there, as ``setting`` says. OSError if it cannot be, such as at a port that
    is taken.
    """
    family = family_of(endpoint.address)
    listening = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _DEFERRED)
        limit_segments(listening)
        _bind(listening, endpoint, wait=True)
        listening.listen()
    except OSError:
        listening.close()
        raise
    _log_if_missing(endpoint, what, setting, "DNS is not affected")
    return listening


def take_http_sockets(
    endpoints: Collection[Endpoint], stored: list[socket.socket]
) -> dict[Endpoint, socket.socket]:
    """Take the sockets of ``open_http_socket`` out of the stored ones; those of elsewhere close.

    Those for DNS have SO_REUSEPORT.
    """
    http_sockets: dict[Endpoint, socket.socket] = {}
    for socket_ in stored.copy():
        if not socket_.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT):
            stored.remove(socket_)
            endpoint = endpoint_of(socket_)
            if endpoint in endpoints and endpoint not in http_sockets:
                limit_segments(socket_)  # the release that opened it may not have done so
                http_sockets[endpoint] = socket_
            else:
                socket_.close()
    return http_sockets


def _bind(listening: socket.socket, endpoint: Endpoint, *, wait: bool) -> None:
    """Bind a socket; with ``wait``, also to an address that this host lacks.

    The option is for this alone: with it, a reply to a multicast query would leave from the
    multicast address.
    """
    listening.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, wait)
    listening.bind((endpoint.address, endpoint.port))
    listening.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 0)


def _log_if_missing(endpoint: Endpoint, what: str, setting: str, besides: str) -> None:
    """Log that this host lacks an address."""
    if is_missing(endpoint.address):
        log.error(
            "%s: %s cannot be served there until this host has the address. %s. Add the "
            "address to this host, or change %s; see the addresses it has with: ip address",
            *(endpoint, what, besides, setting),
        )


def _advice(endpoint: Endpoint, error: OSError) -> str:
    advice = {
        errno.EADDRINUSE: (
            f"another program listens there; find it with: ss -lntup 'sport = :{endpoint.port}'"
            f"{_FREE_RESOLVED if endpoint.port == 53 else ''}"
        ),
        errno.EACCES: (
            "ports below 1024 need CAP_NET_BIND_SERVICE; start it by its systemd unit, as root, "
            "or listen on a port such as 5300"
        ),
        errno.EADDRNOTAVAIL: (
            "this host has no such address, or it is still tentative; see the addresses it has "
            "with: ip address"
        ),
        errno.EAFNOSUPPORT: "this host has no IPv6; take the address out of [server] listen",
    }.get(error.errno or 0, error.strerror or str(error))
    return f"{endpoint}: cannot listen there: {advice}"
