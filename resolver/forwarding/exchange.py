"""One question on its way to an upstream: a state machine without sockets.

The driver asks what to do (``begin``), does it, and tells what happened (``received``,
``expired``, ``unreachable``); each returns the next ``Attempt`` to make, or the end: a
``Response`` for the clients, or a ``Failure``.

The rules:
- Three attempts at most over UDP (RFC 9520 section 3.1), each at another server while
  there is one, all within ``PATIENCE`` seconds; a TCP attempt may take to ``TCP_PATIENCE``.
- A packet that does not answer our query is somebody else's; the first such packet sends
  the question over TCP, where it cannot be guessed at. Should TCP not work, the question
  goes on over UDP with another port and ID: or else one forged packet would end it.
- TC goes to TCP. A server that cannot read our OPT is asked again without it.
- SERVFAIL, REFUSED and the like are tried at the other servers; the last is passed on.
"""

from typing import NamedTuple

from resolver.answers.cache import Key
from resolver.dns import codes
from resolver.dns.response import Response, scan
from resolver.forwarding.message import answers, render_question, without_edns
from resolver.forwarding.servers import Group, Server

PATIENCE = 1.8
TCP_PATIENCE = 2.8
_TCP_WAIT = 1.2
_ATTEMPTS = 3

_USABLE = frozenset({codes.NOERROR, codes.NXDOMAIN})


class Attempt(NamedTuple):
    """A query to send, and how long to wait for its answer."""

    server: Server
    stream: bool
    """Over TCP."""
    message: bytes
    """The query after its ID."""
    until: float
    """Monotonic seconds."""


class Failure(NamedTuple):
    """Nobody could be asked, or nobody answered: the Extended DNS Error that says so."""

    code: int
    text: str


class Exchange:
    """One question and its attempts; ``now`` is always in monotonic seconds."""

    __slots__ = (
        *("_asked_at", "_edns", "_group", "_guessed", "_poor", "_question", "_stream", "_tried"),
        *("began", "key"),
    )

    def __init__(self, key: Key, group: Group, now: float) -> None:
        self.key = key
        self.began = now
        self._group = group
        self._question = render_question(key)
        self._tried: list[Server] = []
        self._stream = False
        self._guessed = False
        self._edns = True
        self._asked_at = now
        self._poor: Response | None = None

    def begin(self, now: float) -> Attempt | Failure:
        """The first attempt."""
        server = self._group.choose(now, ())
        if server is None:
            return Failure(codes.EDE_NETWORK_ERROR, "no upstream server has an address yet")
        return self._ask(server, now)

    def received(self, packet: bytes, ident: int, now: float) -> Response | Attempt | Failure:
        """A packet has come where the answer to this attempt is awaited."""
        if not answers(packet, ident, self.key):
            return self.suspected(now)
        response = scan(packet)
        if response is None:
            return self._next(now)
        self._tried[-1].answered(now - self._asked_at)
        if response.flags & codes.TC and not self._stream:
            return self._over_tcp(now)
        if response.rcode in _USABLE:
            return response
        if self._edns and response.rcode in (codes.FORMERR, codes.NOTIMP) and not response.has_opt:
            self._edns = False
            return self._ask(self._tried.pop(), now)
        self._poor = response
        return self._next(now) if self._group.others(self._tried) else response

    def suspected(self, now: float) -> Response | Attempt | Failure:
        """Somebody guesses at the port that this attempt waits on."""
        self._guessed = True
        return self._over_tcp(now)

    def expired(self, now: float) -> Response | Attempt | Failure:
        """The attempt's time is over."""
        self._tried[-1].timed_out(now)
        return self._next(now)

    def unreachable(self, now: float) -> Response | Attempt | Failure:
        """The attempt could not be sent, or the server's host refuses it."""
        self._tried[-1].timed_out(now)
        if not self._guessed and not self._group.others(self._tried):
            return self._poor or Failure(codes.EDE_NETWORK_ERROR, "the upstream cannot be reached")
        return self._next(now)

    def crowded(self, now: float) -> Response | Attempt | Failure:
        """No TCP connection has room: go on over UDP, with another port and ID."""
        self._stream = False
        if len(self._tried) >= _ATTEMPTS or now >= self.began + PATIENCE:
            return self._poor or _unanswered()
        return self._ask(self._tried[-1], now)

    def _next(self, now: float) -> Response | Attempt | Failure:
        server = self._group.choose(now, self._tried)
        if server is None or len(self._tried) >= _ATTEMPTS or now >= self.began + PATIENCE:
            return self._poor or _unanswered()
        self._stream = self._stream and not self._guessed  # after TC only TCP is of use
        return self._ask(server, now)

    def _over_tcp(self, now: float) -> Response | Attempt | Failure:
        if self._stream:  # a stream that carries what was not asked is of no use
            return self._next(now)
        self._stream = True
        return self._ask(self._tried.pop(), now)

    def _ask(self, server: Server, now: float) -> Attempt:
        self._tried.append(server)
        self._asked_at = now
        last = len(self._tried) >= _ATTEMPTS
        end = self.began + (TCP_PATIENCE if self._stream else PATIENCE)
        wait = _TCP_WAIT if self._stream else server.wait
        until = end if last else min(now + wait, end)
        message = self._question if self._edns else without_edns(self._question)
        return Attempt(server, self._stream, message, until)


def _unanswered() -> Failure:
    return Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "no upstream server answered in time")
