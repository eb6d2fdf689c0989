"""One question on its way to an upstream: a state machine without sockets.

The driver asks what to do (``begin``), does it, and tells what happened (``received``,
``suspected``, ``expired``, ``unreachable``, ``crowded``); each returns the next ``Attempt``
to make, None to go on waiting, or the end: an ``Entry`` for the clients, or a ``Failure``.

The rules:
- Three attempts at most (RFC 9520 section 3.1), each at another server while there is one,
  all within ``PATIENCE`` seconds, over TCP ``TCP_PATIENCE``. An earlier attempt is still
  listened to while a later one is under way: the first good answer ends the exchange.
- A packet that does not answer our query is somebody else's; the first such packet sends
  the question over TCP, where it cannot be guessed at. Should TCP not work, the question
  goes on over UDP with another port and ID: or else one forged packet would end it.
- TC goes to TCP. A server that cannot read our OPT is asked again without it.
- SERVFAIL, REFUSED and the like are tried at the other servers; the last is passed on.
"""

from dataclasses import dataclass
from typing import NamedTuple

from resolver.dns import codes
from resolver.dns.response import scan
from resolver.engine.cache import Key
from resolver.engine.entry import Entry, entry
from resolver.engine.quick import quick_entry
from resolver.engine.servers import Group, Server
from resolver.engine.upstream_query import QUESTION_AT, answers, render_question, without_edns

PATIENCE = 1.8
TCP_PATIENCE = 2.8
_TCP_WAIT = 1.2
_ATTEMPTS = 3

_USABLE = frozenset({codes.NOERROR, codes.NXDOMAIN})


@dataclass(slots=True, eq=False)
class Attempt:
    """A query to send, and how long to wait before the next attempt."""

    server: Server
    stream: bool
    """Over TCP."""
    message: bytes
    """The query after its ID."""
    began: float
    """Monotonic seconds."""
    until: float
    alone: bool = False
    """On a port that nothing else uses."""


class Failure(NamedTuple):
    """Nobody could be asked, or nobody answered: the Extended DNS Error that says so."""

    code: int
    text: str


Step = Attempt | Entry | Failure


class Exchange:
    """One question and its attempts; ``now`` is always in monotonic seconds."""

    # What holds of an exchange that goes well: nearly all do, and none sets these then.
    _stream = False
    _guessed = False
    _edns = True
    _poor: Entry | None = None
    _tried: tuple[Server, ...] = ()
    _latest: Attempt | None = None

    def __init__(self, key: Key, group: Group, now: float) -> None:
        self.key = key
        self.began = now
        self._group = group
        self._question = render_question(key)

    def begin(self, now: float) -> Attempt | Failure:
        """The first attempt."""
        server = self._group.choose(now, ())
        if server is None:
            return Failure(codes.EDE_NETWORK_ERROR, "no upstream server has an address yet")
        self._tried = (server,)
        self._latest = Attempt(server, False, self._question, now, now + server.wait)
        return self._latest

    def received(self, attempt: Attempt, packet: bytes, ident: int, now: float) -> Step | None:
        """A packet has come where the answer to an attempt is awaited."""
        question = self._question[QUESTION_AT : QUESTION_AT + len(self.key.name) + 4]
        if not answers(packet, ident, question):
            return self.suspected(attempt, now)
        quick = quick_entry(packet, len(question), self.key.qtype, now)
        if quick is not None:
            attempt.server.answered(now - attempt.began)
            return quick
        return self._judged(attempt, packet, now)

    def _judged(self, attempt: Attempt, packet: bytes, now: float) -> Step | None:
        """What becomes of an answer that takes a closer look.

        One that cannot be used leads on to the next attempt, unless that is under way already.
        """
        response = scan(packet)
        latest = attempt is self._latest
        if response is None:
            return self._next(now) if latest else None
        attempt.server.answered(now - attempt.began)
        if response.flags & codes.TC:  # over TCP it is half an answer, and of no use
            return self._over_tcp(now) if latest else None
        kept = entry(response, now)
        if response.rcode in _USABLE:
            return kept
        self._poor = kept
        if not latest:
            return None
        if self._edns and response.rcode in (codes.FORMERR, codes.NOTIMP) and not response.has_opt:
            self._edns = False
            return self._ask(self._again(), now)
        return self._next(now) if self._group.others(self._tried) else kept

    def suspected(self, attempt: Attempt, now: float) -> Step | None:
        """Somebody guesses at the port that this attempt waits on."""
        self._guessed = True
        return self._over_tcp(now) if attempt is self._latest else None

    def expired(self, attempt: Attempt, now: float) -> Step | None:
        """The attempt's time is over; it may still be answered."""
        attempt.server.timed_out(now)
        return self._next(now) if attempt is self._latest else None

    def waited(self, attempt: Attempt, now: float) -> Step | None:
        """The time of an attempt that was unreachable is over."""
        return self._next(now) if attempt is self._latest else None

    def unreachable(self, attempt: Attempt, now: float) -> Step | None:
        """The attempt could not be sent, or the server's host refuses it.

        Where there is no other server to ask, one that was well till now is asked again when
        the attempt's time is over: it may only be starting anew.
        """
        well = attempt.server.up
        attempt.server.timed_out(now)
        if attempt is not self._latest:
            return None
        if self._guessed or self._group.others(self._tried):
            return self._next(now)
        if well:
            return None
        return self._poor or Failure(codes.EDE_NETWORK_ERROR, "the upstream cannot be reached")

    def crowded(self, now: float) -> Step:
        """No TCP connection has room: go on over UDP, with a port of its own."""
        self._stream = False
        if now >= self.began + PATIENCE:
            return self._poor or _unanswered()
        attempt = self._ask(self._again(), now)
        attempt.alone = True
        return attempt

    def _next(self, now: float) -> Step:
        server = self._group.choose(now, self._tried)
        if server is None or len(self._tried) >= _ATTEMPTS or now >= self.began + PATIENCE:
            return self._poor or _unanswered()
        self._stream = self._stream and not self._guessed  # after TC only TCP is of use
        return self._ask(server, now)

    def _over_tcp(self, now: float) -> Step:
        if self._stream:  # a stream that carries what was not asked is of no use
            return self._next(now)
        self._stream = True
        return self._ask(self._again(), now)

    def _again(self) -> Server:
        """The server that was asked last, which is to be asked in another way."""
        *before, server = self._tried
        self._tried = tuple(before)
        return server

    def _ask(self, server: Server, now: float) -> Attempt:
        self._tried += (server,)
        last = len(self._tried) >= _ATTEMPTS
        end = self.began + (TCP_PATIENCE if self._stream else PATIENCE)
        wait = _TCP_WAIT if self._stream else server.wait
        until = end if last else min(now + wait, end)
        message = self._question if self._edns else without_edns(self._question)
        self._latest = Attempt(server, self._stream, message, now, until)
        return self._latest


def _unanswered() -> Failure:
    return Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "no upstream server answered in time")
