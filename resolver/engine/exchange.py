"""The exchange with upstream servers about one question: a state machine without sockets.

The driver calls ``begin`` and then reports each event: ``received``, ``suspected``, ``expired``,
``waited``, ``refused``, ``unreachable``, ``closed``, ``crowded`` or ``dropped``. Each call returns
the next ``Attempt`` to send, None to go on waiting, or the result: a ``CacheEntry`` or a
``Failure``.

The rules:
- A round has at most three attempts (RFC 9520 section 3.1), each at another server if there is
  one. All are made within ``PATIENCE`` seconds, over TCP within ``TCP_PATIENCE``.
- An attempt that has timed out is late: it can still be answered until the driver drops it. The
  first good answer to any attempt ends the exchange. After its last attempt a round is over, and
  the exchange waits for the late ones (RFC 8767 section 5), unless all their servers have failed
  actively since: with an error, or with a refusal of their host. Then the exchange ends.
- When a round is over, ``begin_again`` starts the next one. Late attempts of earlier rounds still
  count.
- A packet that does not match the query may be forged. After the first such packet the question
  goes over TCP, where nobody can guess port and ID. If TCP fails, the question goes over UDP with
  another port and ID; else one forged packet could end the exchange.
- After TC the question goes over TCP. If no TCP connection has room, it goes over UDP again, as
  one more attempt. A server that does not understand the OPT is asked without.
- A server may close a TCP connection after some answers. The queries without one are asked again
  at once, at most ``_MAX_CLOSED`` times; this does not count as an attempt.
- AD is kept only from a server that the group believes (RFC 6840 section 5.8): others may claim it
  without having validated, or somebody on the path may have set it.
- After SERVFAIL, REFUSED and other errors, a lame answer, or an answer for another name, the other
  servers are asked. The last error becomes the result, or a ``Failure`` that says what was seen.
- After records of the question's name that have another type alone, as broken load balancers send
  them, the other servers are asked, too. Where none has an answer, the result is NODATA: SERVFAIL
  would have clients give the name up (RFC 4074 section 4).
"""

from typing import Final

from resolver.dns import codes
from resolver.dns.assembly import assembled
from resolver.dns.response import ANSWER, Response, scan
from resolver.engine.attempt import Attempt
from resolver.engine.entry import CacheEntry, make_entry, no_such_type
from resolver.engine.failure import (
    ANSWERED,
    MISMATCH,
    NO_ADDRESS,
    NO_ROOM,
    REFUSED,
    TCP_FAILED,
    TIMED_OUT,
    UNSENT,
    Failure,
    no_answer,
)
from resolver.engine.question import UpstreamQuestion
from resolver.engine.scrub import has_other_types
from resolver.engine.servers import FIRST_WAIT, Group, Server
from resolver.engine.upstream_query import (
    QUESTION_AT,
    answers,
    is_bare_error,
    is_lame,
    render_query,
    without_edns,
)

PATIENCE: Final = 1.8
"""Seconds for a round over UDP; then clients get a stale answer if there is one (RFC 8767)."""
TCP_PATIENCE: Final = 2.8
"""Seconds for a round with a last attempt over TCP."""
CLIENT_PATIENCE: Final = 4.0
"""Seconds that a client waits if there is no stale answer."""
LATE: Final = 10.0
"""Seconds that an attempt can be answered."""
_TCP_WAIT: Final = 1.2
"""Seconds for one attempt over TCP."""
_ATTEMPTS: Final = 3
_MAX_CLOSED: Final = 8
_NO_SERVERS: Final[tuple[Server, ...]] = ()
NONE_LATE: Final[tuple[Attempt, ...]] = ()
Step = Attempt | CacheEntry | Failure


class Exchange:
    """One question and its attempts; ``now`` is in monotonic seconds."""

    __slots__ = (
        *("_closed", "_error", "_failed", "_group", "_query", "_seen", "_spoofing", "_stream"),
        *("_tried", "began", "late", "latest", "question"),
    )

    def __init__(self, question: UpstreamQuestion, group: Group, now: float) -> None:
        self.question = question
        self.began = now
        """The beginning of the round."""
        self._group = group
        self._query = render_query(question)
        self._stream = False
        self._spoofing = False
        self._closed = 0
        self._error: CacheEntry | Failure | None = None
        self._failed = _NO_SERVERS
        """The servers that have failed actively in this round."""
        self._seen = 0
        """What was seen of the attempts of all rounds, as the bits of ``engine.failure``."""
        self._tried = _NO_SERVERS
        self.latest: Attempt | None = None
        """The attempt whose time is not over; None if the round is over."""
        self.late = NONE_LATE
        """The attempts whose time is over and that can still be answered; the oldest is first."""

    def begin(self, now: float) -> Step:
        """Begin: the first attempt, or a failure."""
        server = self._group.choose(now, _NO_SERVERS)
        if server is None:
            return NO_ADDRESS
        self._tried = server.only_self
        return self._attempt(server, self._message(server, now), now, now + server.wait)

    def begin_again(self, group: Group, now: float) -> Step:
        """Begin the next round, after one is over; the group may have other servers now."""
        self._group = group
        self.began = now
        self._stream = self._spoofing = False
        self._closed = 0
        self._error = None
        self._failed = _NO_SERVERS
        return self.begin(now)

    @property
    def is_over(self) -> bool:
        """Whether the round is over, so that only late answers may still come."""
        return self.latest is None

    def patience(self, stale: bool, now: float) -> float:
        """Seconds that clients wait; ``stale``: whether there is a stale answer for them.

        They need not wait for late answers if all servers were silent long before the round.
        """
        if stale and now >= self.began + PATIENCE:
            return 0.0
        return 0.0 if self.is_over and self._group.is_silent(self.began) else CLIENT_PATIENCE

    def end(self) -> CacheEntry | Failure:
        """The result without an answer: the last error of a server, or a failure."""
        return self._error or no_answer(self._seen)

    def slow(self) -> Failure:
        """The failure for a client whose time is over while the exchange goes on."""
        return no_answer(self._seen, is_cached=False)

    def received(self, attempt: Attempt, packet: bytes, ident: int, now: float) -> Step | None:
        """Process a packet that was received for an attempt.

        After an answer that cannot be used, the next attempt is made, unless it is in flight.
        """
        asked = self._query[QUESTION_AT : QUESTION_AT + len(self.question.name) + 4]
        if answers(packet, ident, asked):
            response = scan(packet)
        elif is_bare_error(packet, ident):
            response = assembled(int.from_bytes(packet[2:4], "big"), asked, (0, 0, 0), b"")
        else:
            return self.suspected(attempt, now)
        self._seen |= ANSWERED
        if response is None:
            return self._next(now) if attempt is self.latest else self._failed_by(attempt, now)
        attempt.server.answered(now - attempt.began)
        lacks_edns = self._lacks_edns(attempt, response)
        if lacks_edns or response.flags & codes.TC:  # over TCP, TC means an unusable answer
            return self._ask_otherwise(attempt, now, lacks_edns)
        return self._usable(attempt.server, response, now) or self._failed_by(attempt, now)

    def _ask_otherwise(self, attempt: Attempt, now: float, lacks_edns: bool) -> Step | None:
        """Ask a server again without EDNS, or over TCP; after a late answer only between rounds."""
        if attempt is not self.latest:
            self._forget(attempt)
            if self.latest is not None:
                return None
            self._tried = (*self._tried[:-1], attempt.server)
        if not lacks_edns:
            return self._over_tcp(attempt, now)
        return self._ask(self._retry_server(), now, edns=False)

    def _failed_by(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after a server has failed actively."""
        self._note_failed(attempt.server)
        if attempt is self.latest and self._group.has_untried(self._tried):
            return self._next(now)
        return self._end() if attempt is self.latest else self._without(attempt)

    def _note_failed(self, server: Server) -> None:
        if server not in self._failed:
            self._failed = (*self._failed, server)

    def _forget(self, attempt: Attempt) -> None:
        """Remove an attempt from the late ones, if it is one."""
        self.late = tuple([each for each in self.late if each is not attempt])

    def _without(self, attempt: Attempt) -> Step | None:
        """Go on without an attempt that is not the latest."""
        self._forget(attempt)
        return self._end() if self.latest is None else None

    def _lacks_edns(self, attempt: Attempt, response: Response) -> bool:
        """Whether a response rejects the EDNS of its query; note a server that answers without."""
        rcode = response.rcode
        if self._has_edns(attempt):
            if response.has_opt:
                attempt.server.note_edns(attempt.began)
            return rcode in (codes.FORMERR, codes.NOTIMP) and not response.has_opt
        if rcode in (codes.NOERROR, codes.NXDOMAIN):
            attempt.server.note_no_edns(self.question.name, attempt.began)
        return False

    def _usable(self, server: Server, response: Response, now: float) -> CacheEntry | None:
        """The entry of a response; None if it does not answer the question."""
        answered = response.ends[ANSWER] > response.question_end
        if not answered and is_lame(response):
            server.note_lame(now)
        else:
            if response.flags & codes.AD and server not in self._group.believed:
                response.flags &= ~codes.AD
            entry = make_entry(response, now, self.question.dnssec_ok)
            # A response with records of other names or types alone leaves an entry without any.
            if not answered or not response.is_indirect or entry.counts[0]:
                if entry.answers:
                    return entry
                self._note_error(entry)
            elif entry.rcode == codes.NOERROR and has_other_types(response):
                self._note_error(no_such_type(now))
        return None

    def _note_error(self, entry: CacheEntry) -> None:
        """Keep the last error; but one that says that the name exists before any other."""
        if not self._knows_name():
            self._error = entry

    def _knows_name(self) -> bool:
        return isinstance(self._error, CacheEntry) and self._error.answers

    def suspected(self, attempt: Attempt, now: float) -> Step | None:
        """Process a packet that matches no query on the port of this attempt: it may be forged."""
        self._spoofing = True
        self._seen |= MISMATCH
        return self._over_tcp(attempt, now) if attempt is self.latest else self._without(attempt)

    def expired(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after the time of the latest attempt; it is late now."""
        attempt.server.timed_out(now)
        self._seen |= TIMED_OUT
        self.late = (*self.late, attempt)
        return self._next(now)

    def dropped(self, attempt: Attempt, now: float) -> Step | None:  # noqa: ARG002 - as all events
        """Go on without a late attempt, which cannot be answered any more."""
        return self._without(attempt)

    def waited(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after the time of an attempt whose server was unreachable."""
        return self._next(now) if attempt is self.latest else None

    def refused(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after an ICMP error: the server's host, or a firewall, refused an attempt."""
        return self._not_answered(attempt, REFUSED, now)

    def unreachable(self, attempt: Attempt, now: float) -> Step | None:
        """Go on if an attempt could not be sent, or if its TCP connection failed."""
        return self._not_answered(attempt, TCP_FAILED if attempt.stream else UNSENT, now)

    def _not_answered(self, attempt: Attempt, seen: int, now: float) -> Step | None:
        """Go on without an answer to an attempt.

        If no other server is left, a server that was up is asked again after the time of the
        attempt: it may be restarting.
        """
        self._seen |= seen
        server = attempt.server
        self._note_failed(server)
        if attempt is not self.latest:  # its time-out is noted already
            return self._without(attempt)
        was_up = server.up
        server.timed_out(now)
        if self._spoofing or self._group.has_untried(self._tried):
            return self._next(now)
        return None if was_up else self._end()

    def closed(self, attempt: Attempt, now: float) -> Step | None:
        """Go on if the server closed a TCP connection that had answers, but not for this attempt.

        The server works, so this does not count as a time-out.
        """
        if attempt is not self.latest:
            return self._without(attempt)
        if self._closed >= _MAX_CLOSED or now >= attempt.until:
            return self.unreachable(attempt, now)
        self._closed += 1
        return self._ask(self._retry_server(), now)

    def crowded(self, now: float) -> Step | None:
        """Go on over UDP with a port of its own, since no TCP connection has room.

        It is one more attempt: a server may truncate whatever it answers over UDP.
        """
        self._stream = False
        if len(self._tried) >= _ATTEMPTS or now >= self.began + PATIENCE:
            self._error = self._error or NO_ROOM
            return self._end()
        attempt = self._ask(self._tried[-1], now)
        attempt.own_socket = True
        return attempt

    def _next(self, now: float) -> Step | None:
        server = self._group.choose(now, self._tried)
        if server is None or len(self._tried) >= _ATTEMPTS or now >= self.began + PATIENCE:
            return self._end()
        self._stream = self._stream and not self._spoofing  # but after TC, only TCP helps
        return self._ask(server, now)

    def _end(self) -> Step | None:
        """End the round; and the exchange, if no server may still give a better answer, late."""
        self.latest = None
        if self._knows_name():
            return self._error
        for attempt in self.late:
            if attempt.server not in self._failed:
                return None
        return self.end()

    def _over_tcp(self, attempt: Attempt, now: float) -> Step | None:
        if self._stream:  # a TCP connection with packets that match no query is of no use
            return self._next(now)
        self._stream = True
        return self._ask(self._retry_server(), now, self._has_edns(attempt))

    def _retry_server(self) -> Server:
        """The last server, to ask it in another way; this does not count as one more attempt."""
        server = self._tried[-1]
        self._tried = self._tried[:-1]
        return server

    def _has_edns(self, attempt: Attempt) -> bool:
        return len(attempt.message) == len(self._query)

    def _message(self, server: Server, now: float) -> bytes:
        return self._query if now >= server.plain_until else without_edns(self._query)

    def _ask(self, server: Server, now: float, edns: bool = True) -> Attempt:
        self._tried = (*self._tried, server)
        last = len(self._tried) >= _ATTEMPTS
        end = self.began + (TCP_PATIENCE if self._stream else PATIENCE)
        wait = _TCP_WAIT if self._stream else server.wait
        if len(self._tried) > 1 and not self._group.has_untried(self._tried):
            wait = max(wait, min(2 * wait, FIRST_WAIT))  # RFC 6298 section 5.5
        until = end if last else min(now + wait, end)
        if until <= now:  # after a late answer
            until = now + wait
        message = self._message(server, now) if edns else without_edns(self._query)
        return self._attempt(server, message, now, until)

    def _attempt(self, server: Server, message: bytes, now: float, until: float) -> Attempt:
        self.latest = self.new_attempt(server, self._stream, message, now, until)
        return self.latest

    def new_attempt(
        self, server: Server, stream: bool, message: bytes, now: float, until: float
    ) -> Attempt:
        """Make an attempt; a driver may override this to make one with more attributes."""
        return Attempt(server, stream, message, now, until)
