"""Opening the sockets that workers serve: one a worker for each address and transport.

All are opened by the supervisor, with SO_REUSEPORT so that the kernel spreads clients over
the workers. That option would also let a second server bind silently and take half of the
queries, so each address is claimed first, and tried once without it. Sockets that were kept
while the server restarted are taken up again, with the queries that wait in them.
"""

import errno
import socket
from collections.abc import Iterable, Sequence

from resolver.errors import DarbanError
from resolver.policy.compiled import Endpoint

_Place = tuple[Endpoint, socket.SocketKind]

_KINDS = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
_BACKLOG = 1024
_RECEIVE_BUFFER = 8 << 20
"""20,000 small queries, if the kernel's net.core.rmem_max allows it."""
_SEND_BUFFER = 1 << 20
"""All replies of a round at their largest; by the kernel's default they would not fit."""


class ListenError(DarbanError):
    """An address cannot be listened on; the message says why and what to do."""


def claim(endpoint: Endpoint) -> socket.socket:
    """Hold an address against other servers of this program, for as long as it is open.

    The claim is an abstract socket, which like a port belongs to the network namespace and
    ends with its process.
    """
    claimed = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claimed.bind(f"\0darban {endpoint}")
    except OSError:
        claimed.close()
        raise ListenError(
            f"{endpoint}: another darban listens there; stop it, or listen elsewhere "
            "([server] listen)"
        ) from None
    return claimed


def open_sockets(
    endpoints: Sequence[Endpoint], workers: int, kept: Iterable[socket.socket] = ()
) -> list[list[socket.socket]]:
    """For each worker a UDP and a TCP socket of every address.

    Those that were kept come first; what is left of them is closed, for the kernel would go
    on to put clients' queries into sockets that nobody reads.

    Raises:
        ListenError: an address is taken, not this host's, or not allowed.
    """
    places = [(endpoint, kind) for endpoint in endpoints for kind in _KINDS]
    at_hand = _sorted_out(kept, places, workers)
    for endpoint, kind in places:
        if not at_hand[endpoint, kind]:
            _open(endpoint, kind, shared=False).close()
    return [
        [at_hand[place].pop() if at_hand[place] else _open(*place, shared=True) for place in places]
        for _ in range(workers)
    ]


def _sorted_out(
    kept: Iterable[socket.socket], places: Sequence[_Place], workers: int
) -> dict[_Place, list[socket.socket]]:
    """The kept sockets by what they listen on; those that are not wanted are closed."""
    found: dict[_Place, list[socket.socket]] = {place: [] for place in places}
    for each in kept:
        wanted = found.get(_place(each))
        if wanted is None or len(wanted) == workers:
            each.close()
        else:
            wanted.append(each)
    return found


def _place(listening: socket.socket) -> _Place:
    address, port, *_ = listening.getsockname()
    return Endpoint(address, port), listening.type


def _open(endpoint: Endpoint, kind: socket.SocketKind, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    try:
        listening = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise ListenError(_advice(endpoint, error)) from None
    try:
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((endpoint.address, endpoint.port))
        if shared and kind == socket.SOCK_STREAM:
            listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ListenError(_advice(endpoint, error)) from None
    return listening


def _advice(endpoint: Endpoint, error: OSError) -> str:
    advice = {
        errno.EADDRINUSE: (
            f"another program listens there; find it with: ss -lntup 'sport = :{endpoint.port}'"
        ),
        errno.EACCES: (
            "ports below 1024 need CAP_NET_BIND_SERVICE; start it by its systemd unit, as root, "
            "or listen on a port such as 5300"
        ),
        errno.EADDRNOTAVAIL: (
            "this host has no such address; see the addresses it has with: ip address"
        ),
        errno.EAFNOSUPPORT: "this host has no IPv6; take the address out of [server] listen",
    }.get(error.errno or 0, error.strerror or str(error))
    return f"{endpoint}: cannot listen there: {advice}"
