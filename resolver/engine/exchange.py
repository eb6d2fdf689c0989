"""The exchange with upstream servers about one question: a state machine without sockets.

The driver calls ``begin`` and then reports each event: ``received``, ``suspected``, ``expired``,
``waited``, ``unreachable``, ``closed`` or ``crowded``. Each call returns the next ``Attempt`` to
send, None to go on waiting, or the result: a ``CacheEntry`` or a ``Failure``.

The rules:
- There are at most three attempts (RFC 9520 section 3.1), each at another server if there is one.
  All are made within ``PATIENCE`` seconds, over TCP within ``TCP_PATIENCE``. Earlier attempts can
  still be answered while a later one is in flight: the first good answer ends the exchange.
- A packet that does not match the query may be forged. After the first such packet the question
  goes over TCP, where nobody can guess port and ID. If TCP fails, the question goes over UDP with
  another port and ID; else one forged packet could end the exchange.
- After TC the question goes over TCP. If no TCP connection has room, it goes over UDP again, as
  one more attempt. A server that does not understand the OPT is asked without.
- A server may close a TCP connection after some answers. The queries without one are asked again
  at once, at most ``_MAX_CLOSED`` times; this does not count as an attempt.
- After SERVFAIL, REFUSED and other errors, a lame answer, or an answer for another name, the other
  servers are asked. The last error becomes the result.
"""

from typing import Final

from resolver.dns import codes
from resolver.dns.response import ANSWER, Response, scan
from resolver.dns.uncompressed import assembled
from resolver.engine.entry import CacheEntry, make_entry
from resolver.engine.question import UpstreamQuestion
from resolver.engine.servers import Group, Server
from resolver.engine.upstream_query import (
    QUESTION_AT,
    answers,
    is_bare_error,
    is_lame,
    render_query,
    without_edns,
)

PATIENCE: Final = 1.8
"""Seconds for the whole exchange over UDP."""
TCP_PATIENCE: Final = 2.8
"""Seconds for the whole exchange with a last attempt over TCP."""
_TCP_WAIT: Final = 1.2
"""Seconds for one attempt over TCP."""
_ATTEMPTS: Final = 3
_MAX_CLOSED: Final = 8
_NONE_TRIED: Final[tuple[Server, ...]] = ()


class Attempt:
    """A query to send to a server, and the time of the next attempt."""

    __slots__ = ("began", "message", "own_socket", "server", "stream", "until")

    def __init__(
        self,
        server: Server,
        stream: bool,
        message: bytes,
        began: float,
        until: float,
        own_socket: bool = False,
    ) -> None:
        self.server = server
        self.stream = stream
        """Whether to send it over TCP."""
        self.message = message
        """The query without its ID."""
        self.began = began
        """In monotonic seconds, as ``until``."""
        self.until = until
        """The time of the next attempt, if there is no answer."""
        self.own_socket = own_socket
        """Whether to send it from a port that no other query uses."""


class Failure:
    """No server could be asked, or none answered: the Extended DNS Error for the clients."""

    __slots__ = ("code", "text")

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text


_UNUSABLE: Final = Failure(
    codes.EDE_NO_REACHABLE_AUTHORITY, "no upstream server gave a usable answer"
)
_NO_ROOM: Final = Failure(codes.EDE_NETWORK_ERROR, "no TCP connection to the upstream has room")
Step = Attempt | CacheEntry | Failure


class Exchange:
    """One question and its attempts; ``now`` is in monotonic seconds."""

    __slots__ = (
        *("_closed", "_error", "_group", "_latest", "_query", "_spoofing", "_stream", "_tried"),
        *("began", "question"),
    )

    def __init__(self, question: UpstreamQuestion, group: Group, now: float) -> None:
        self.question = question
        self.began = now
        self._group = group
        self._query = render_query(question)
        self._stream = False
        self._spoofing = False
        self._closed = 0
        self._error: CacheEntry | Failure | None = None
        self._tried = _NONE_TRIED
        self._latest: Attempt | None = None

    def begin(self, now: float) -> Step:
        """Begin: the first attempt, or a failure."""
        server = self._group.choose(now, _NONE_TRIED)
        if server is None:
            return Failure(codes.EDE_NETWORK_ERROR, "no upstream server has an address yet")
        self._tried = server.only_self
        return self._attempt(server, self._message(server, now), now, now + server.wait)

    def received(self, attempt: Attempt, packet: bytes, ident: int, now: float) -> Step | None:
        """Process a packet that was received for an attempt.

        After an answer that cannot be used, the next attempt is made, unless it is in flight.
        """
        asked = self._query[QUESTION_AT : QUESTION_AT + len(self.question.name) + 4]
        latest = attempt is self._latest
        if answers(packet, ident, asked):
            response = scan(packet)
        elif is_bare_error(packet, ident):
            response = assembled(int.from_bytes(packet[2:4], "big"), asked, (0, 0, 0), b"")
        else:
            return self.suspected(attempt, now)
        if response is None:
            self._error = self._error or _UNUSABLE
            return self._next(now) if latest else None
        attempt.server.answered(now - attempt.began)
        if self._lacks_edns(attempt, response):
            return self._ask(self._retry_server(), now, edns=False) if latest else None
        if response.flags & codes.TC:  # over TCP, TC means an unusable answer
            return self._over_tcp(now) if latest else None
        entry = self._usable(attempt.server, response, now)
        if entry is not None or not latest:
            return entry
        return self._next(now) if self._group.has_untried(self._tried) else self._end()

    def _lacks_edns(self, attempt: Attempt, response: Response) -> bool:
        """Whether a response rejects the EDNS of its query; note a server that answers without."""
        rcode = response.rcode
        if len(attempt.message) == len(self._query):
            return rcode in (codes.FORMERR, codes.NOTIMP) and not response.has_opt
        if rcode in (codes.NOERROR, codes.NXDOMAIN):
            attempt.server.note_no_edns(attempt.began)
        return False

    def _usable(self, server: Server, response: Response, now: float) -> CacheEntry | None:
        """The entry of a response; None if it does not answer the question."""
        answered = response.ends[ANSWER] > response.question_end
        if not answered and is_lame(response):
            server.note_lame(now)
        else:
            entry = make_entry(response, now, self.question.dnssec_ok)
            # A response with records of other names or types alone leaves an entry without any.
            if not answered or not response.is_indirect or entry.counts[0]:
                if entry.answers:
                    return entry
                self._error = entry
                return None
        self._error = self._error or _UNUSABLE
        return None

    def suspected(self, attempt: Attempt, now: float) -> Step | None:
        """Process a packet that matches no query on the port of this attempt: it may be forged."""
        self._spoofing = True
        return self._over_tcp(now) if attempt is self._latest else None

    def expired(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after the time of an attempt; it may still be answered."""
        attempt.server.timed_out(now)
        return self._next(now) if attempt is self._latest else None

    def waited(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after the time of an attempt whose server was unreachable."""
        return self._next(now) if attempt is self._latest else None

    def unreachable(self, attempt: Attempt, now: float) -> Step | None:
        """Go on if an attempt could not be sent, or if the server's host refused it.

        If no other server is left, a server that was up is asked again after the time of the
        attempt: it may be restarting.
        """
        was_up = attempt.server.up
        attempt.server.timed_out(now)
        if attempt is not self._latest:
            return None
        if self._spoofing or self._group.has_untried(self._tried):
            return self._next(now)
        if was_up:
            return None
        return self._error or Failure(codes.EDE_NETWORK_ERROR, "the upstream cannot be reached")

    def closed(self, attempt: Attempt, now: float) -> Step | None:
        """Go on if the server closed a TCP connection that had answers, but not for this attempt.

        The server works, so this does not count as a time-out.
        """
        if attempt is not self._latest:
            return None
        if self._closed >= _MAX_CLOSED or now >= attempt.until:
            return self.unreachable(attempt, now)
        self._closed += 1
        return self._ask(self._retry_server(), now)

    def crowded(self, now: float) -> Step:
        """Go on over UDP with a port of its own, since no TCP connection has room.

        It is one more attempt: a server may truncate whatever it answers over UDP.
        """
        self._stream = False
        if len(self._tried) >= _ATTEMPTS or now >= self.began + PATIENCE:
            return self._error or _NO_ROOM
        attempt = self._ask(self._tried[-1], now)
        attempt.own_socket = True
        return attempt

    def _next(self, now: float) -> Step:
        server = self._group.choose(now, self._tried)
        if server is None or len(self._tried) >= _ATTEMPTS or now >= self.began + PATIENCE:
            return self._end()
        self._stream = self._stream and not self._spoofing  # but after TC, only TCP helps
        return self._ask(server, now)

    def _end(self) -> Step:
        """End: the last error of a server, or a failure."""
        return self._error or Failure(
            codes.EDE_NO_REACHABLE_AUTHORITY, "no upstream server answered in time"
        )

    def _over_tcp(self, now: float) -> Step:
        if self._stream:  # a TCP connection with packets that match no query is of no use
            return self._next(now)
        self._stream = True
        return self._ask(self._retry_server(), now)

    def _retry_server(self) -> Server:
        """The last server, to ask it in another way; this does not count as one more attempt."""
        server = self._tried[-1]
        self._tried = self._tried[:-1]
        return server

    def _message(self, server: Server, now: float) -> bytes:
        return self._query if now >= server.plain_until else without_edns(self._query)

    def _ask(self, server: Server, now: float, edns: bool = True) -> Attempt:
        self._tried = (*self._tried, server)
        last = len(self._tried) >= _ATTEMPTS
        end = self.began + (TCP_PATIENCE if self._stream else PATIENCE)
        wait = _TCP_WAIT if self._stream else server.wait
        until = end if last else min(now + wait, end)
        message = self._message(server, now) if edns else without_edns(self._query)
        return self._attempt(server, message, now, until)

    def _attempt(self, server: Server, message: bytes, now: float, until: float) -> Attempt:
        self._latest = self.new_attempt(server, self._stream, message, now, until)
        return self._latest

    def new_attempt(
        self, server: Server, stream: bool, message: bytes, now: float, until: float
    ) -> Attempt:
        """Make an attempt; a driver may override this to make one with more attributes."""
        return Attempt(server, stream, message, now, until)
