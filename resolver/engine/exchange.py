"""One question on its way to an upstream: a state machine without sockets.

The driver asks what to do (``begin``), does it, and reports what happened (``received``,
``suspected``, ``expired``, ``unreachable``, ``crowded``); each returns the next ``Attempt``
to make, None to go on waiting, or the end: a ``CacheEntry`` for the clients, or a ``Failure``.

The rules:
- Three attempts at most (RFC 9520 section 3.1), each at another server while there is one,
  all within ``PATIENCE`` seconds, over TCP ``TCP_PATIENCE``. An earlier attempt is still
  listened to while a later one is under way: the first good answer ends the exchange.
- A packet that does not answer our query comes from somebody else; the first such packet
  sends the question over TCP, where it cannot be guessed at. Should TCP not work, the question
  goes on over UDP with another port and ID: or else one forged packet would end it.
- TC goes to TCP. A server that cannot read our OPT is asked again without it.
- SERVFAIL, REFUSED and the like are tried at the other servers; the last is passed on.
"""

from typing import Final

from resolver.dns import codes
from resolver.dns.response import scan
from resolver.engine.entry import CacheEntry, make_entry
from resolver.engine.question import UpstreamQuestion
from resolver.engine.servers import Group, Server
from resolver.engine.upstream_query import QUESTION_AT, answers, render_query, without_edns

PATIENCE: Final = 1.8
TCP_PATIENCE: Final = 2.8
_TCP_WAIT: Final = 1.2
_ATTEMPTS: Final = 3
_NONE_TRIED: Final[tuple[Server, ...]] = ()


class Attempt:
    """A query to send, and how long to wait before the next attempt."""

    __slots__ = ("alone", "began", "message", "server", "stream", "until")

    def __init__(
        self,
        server: Server,
        stream: bool,
        message: bytes,
        began: float,
        until: float,
        alone: bool = False,
    ) -> None:
        self.server = server
        self.stream = stream
        """Over TCP."""
        self.message = message
        """The query after its ID."""
        self.began = began
        """Monotonic seconds."""
        self.until = until
        self.alone = alone
        """On a port that nothing else uses."""


class Failure:
    """Nobody could be asked, or nobody answered: the Extended DNS Error that says so."""

    __slots__ = ("code", "text")

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text


Step = Attempt | CacheEntry | Failure


class Exchange:
    """One question and its attempts; ``now`` is always in monotonic seconds."""

    __slots__ = (
        *("_edns", "_group", "_guessed", "_latest", "_poor", "_query", "_stream", "_tried"),
        *("began", "question"),
    )

    def __init__(self, question: UpstreamQuestion, group: Group, now: float) -> None:
        self.question = question
        self.began = now
        self._group = group
        self._query = render_query(question)
        self._stream = False
        self._guessed = False
        self._edns = True
        self._poor: CacheEntry | None = None
        self._tried = _NONE_TRIED
        self._latest: Attempt | None = None

    def begin(self, now: float) -> Step:
        """The first attempt."""
        server = self._group.choose(now, _NONE_TRIED)
        if server is None:
            return Failure(codes.EDE_NETWORK_ERROR, "no upstream server has an address yet")
        self._tried = server.alone
        return self._attempt(server, self._query, now, now + server.wait)

    def received(self, attempt: Attempt, packet: bytes, ident: int, now: float) -> Step | None:
        """Take a packet that has come where the answer to an attempt is awaited.

        An answer that cannot be used leads on to the next attempt, unless that is under way.
        """
        asked = self._query[QUESTION_AT : QUESTION_AT + len(self.question.name) + 4]
        if not answers(packet, ident, asked):
            return self.suspected(attempt, now)
        response = scan(packet)
        latest = attempt is self._latest
        if response is None:
            return self._next(now) if latest else None
        attempt.server.answered(now - attempt.began)
        if response.flags & codes.TC:  # over TCP it is half an answer, and of no use
            return self._over_tcp(now) if latest else None
        entry = make_entry(response, now)
        rcode = response.rcode
        if rcode == codes.NOERROR or rcode == codes.NXDOMAIN:
            return entry
        self._poor = entry
        if not latest:
            return None
        if self._edns and rcode in (codes.FORMERR, codes.NOTIMP) and not response.has_opt:
            self._edns = False
            return self._ask(self._again(), now)
        return self._next(now) if self._group.others(self._tried) else entry

    def suspected(self, attempt: Attempt, now: float) -> Step | None:
        """React to a packet that does not answer: somebody may guess at this attempt's port."""
        self._guessed = True
        return self._over_tcp(now) if attempt is self._latest else None

    def expired(self, attempt: Attempt, now: float) -> Step | None:
        """Go on when an attempt's time is over; it may still be answered."""
        attempt.server.timed_out(now)
        return self._next(now) if attempt is self._latest else None

    def waited(self, attempt: Attempt, now: float) -> Step | None:
        """Go on when the time of an attempt that was unreachable is over."""
        return self._next(now) if attempt is self._latest else None

    def unreachable(self, attempt: Attempt, now: float) -> Step | None:
        """Go on when an attempt could not be sent, or the server's host refuses it.

        Where there is no other server to ask, one that was up till now is asked again when
        the attempt's time is over: it may only be restarting.
        """
        was_up = attempt.server.up
        attempt.server.timed_out(now)
        if attempt is not self._latest:
            return None
        if self._guessed or self._group.others(self._tried):
            return self._next(now)
        if was_up:
            return None
        return self._poor or Failure(codes.EDE_NETWORK_ERROR, "the upstream cannot be reached")

    def crowded(self, now: float) -> Step:
        """Go on over UDP, with a port of its own: no TCP connection has room."""
        self._stream = False
        if now >= self.began + PATIENCE:
            return self._end()
        attempt = self._ask(self._again(), now)
        attempt.alone = True
        return attempt

    def _next(self, now: float) -> Step:
        server = self._group.choose(now, self._tried)
        if server is None or len(self._tried) >= _ATTEMPTS or now >= self.began + PATIENCE:
            return self._end()
        self._stream = self._stream and not self._guessed  # after TC only TCP is of use
        return self._ask(server, now)

    def _end(self) -> Step:
        """The last answer of a server that could not answer well, or else a failure."""
        if self._poor is not None:
            return self._poor
        return Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "no upstream server answered in time")

    def _over_tcp(self, now: float) -> Step:
        if self._stream:  # a stream that carries what was not asked is of no use
            return self._next(now)
        self._stream = True
        return self._ask(self._again(), now)

    def _again(self) -> Server:
        """The server that was asked last, which is to be asked in another way."""
        server = self._tried[-1]
        self._tried = self._tried[:-1]
        return server

    def _ask(self, server: Server, now: float) -> Attempt:
        self._tried = (*self._tried, server)
        last = len(self._tried) >= _ATTEMPTS
        end = self.began + (TCP_PATIENCE if self._stream else PATIENCE)
        wait = _TCP_WAIT if self._stream else server.wait
        until = end if last else min(now + wait, end)
        message = self._query if self._edns else without_edns(self._query)
        return self._attempt(server, message, now, until)

    def _attempt(self, server: Server, message: bytes, now: float, until: float) -> Attempt:
        self._latest = self.new_attempt(server, self._stream, message, now, until)
        return self._latest

    def new_attempt(
        self, server: Server, stream: bool, message: bytes, now: float, until: float
    ) -> Attempt:
        """Make an attempt; a driver may make one that holds more."""
        return Attempt(server, stream, message, now, until)
