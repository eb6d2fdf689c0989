"""The exchange with upstream servers about one question: a state machine without sockets.

The driver calls ``begin`` and then reports each event: ``received``, ``suspected``, ``expired``
(unless the attempt ``has_more_time``), ``waited``, ``refused``, ``unreachable``, ``closed``,
``crowded`` or ``dropped``. Each call returns the next ``Attempt`` to send, None to go on waiting,
or the result: a ``CacheEntry`` or a ``Failure``.

The rules:
- A round lasts ``ROUND`` seconds at most, and ``PATIENCE`` if all servers have been silent for
  long. In its first half each server is asked at most three times over UDP, and then each at most
  three times over TCP (RFC 9520 section 3.1). A further try is at the server with the fewest, of
  those that are up. ``Group.wait`` says how long a try over UDP waits; each try over TCP waits
  twice as long as the one before. A server that is known to answer over TCP only is asked over TCP
  only.
- An attempt that has timed out is late: it can still be answered until the driver drops it. The
  first good answer to any attempt ends the exchange. After its last attempt a round is over, and
  the exchange waits for the late ones (RFC 8767 section 5), unless all their servers have failed
  actively since: with an error, or with a refusal of their host. Then the exchange ends.
- When a round is over, ``begin_again`` starts the next one. Late attempts of earlier rounds still
  count.
- A packet that does not match the query may be forged. After such a packet the question goes over
  TCP, where nobody can guess port and ID. If TCP fails, the question goes over UDP with another
  port and ID, three times in all; else one forged packet could end the exchange.
- After TC the question goes over TCP only. If no TCP connection has room, it goes over UDP again,
  as one more try. A server that does not understand the OPT is asked without.
- A server may close a TCP connection after some answers. The queries without one are asked again
  at once, at most ``_MAX_CLOSED`` times; this does not count as a try.
- After SERVFAIL, REFUSED and other errors, a lame answer, or an answer for another name, the other
  servers are asked, and this one no more. The last error becomes the result, or a ``Failure`` that
  says what was seen. A server whose host refuses a transport, or whose answer cannot be read, is
  not asked over this transport again. If nothing else is left after a refusal, all are asked once
  more after a while: a server that was up may be restarting.
- AD is kept only from a server that the group believes (RFC 6840 section 5.8): others may claim it
  without having validated, or somebody on the path may have set it.
- After records of the question's name that have another type alone, as broken load balancers send
  them, the other servers are asked, too, each once. Where none has an answer, the result is NODATA:
  SERVFAIL would have clients give the name up (RFC 4074 section 4).
- Clients get a stale answer after ``PATIENCE`` seconds; at once if all servers were down when the
  round began.
- A server that is down, or silent over UDP, is probed beside the first attempt, by an attempt over
  UDP whose answer says that the server answers, and nothing else.
"""

from typing import Final

from resolver.dns import codes
from resolver.dns.assembly import assembled
from resolver.dns.response import ANSWER, Response, scan
from resolver.exchange.attempt import Attempt
from resolver.exchange.entry import CacheEntry, make_entry, no_such_type
from resolver.exchange.failure import (
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
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.scrub import has_other_types
from resolver.exchange.servers import TRIES, Group, Server
from resolver.exchange.upstream_query import (
    QUESTION_AT,
    answers,
    is_bare_error,
    is_lame,
    render_query,
    without_edns,
)

PATIENCE: Final = 1.8
"""Seconds until clients get a stale answer if there is one (RFC 8767), and SERVFAIL if all servers
have been silent for long."""
CLIENT_PATIENCE: Final = 4.0
"""Seconds that a client waits otherwise."""
ROUND: Final = 3.6
"""Seconds for the attempts of a round; the last of them can be answered in a client's time."""
LATE: Final = 10.0
"""Seconds that an attempt can be answered."""
_TCP_WAIT: Final = 0.25
"""Seconds for the first attempt over TCP, at least: a connection takes two round trips, and Linux
sends a lost segment again after 0.2 s."""
_MAX_CLOSED: Final = 8
_NO_SERVERS: Final[tuple[Server, ...]] = ()
NONE_LATE: Final[tuple[Attempt, ...]] = ()
Step = Attempt | CacheEntry | Failure


class Exchange:
    """One question and its attempts; ``now`` is in monotonic seconds."""

    __slots__ = (
        *("_closed", "_end_at", "_error", "_group", "_out_tcp", "_out_udp", "_query", "_seen"),
        *("_spoofing", "_tried_tcp", "_tried_udp", "_truncated", "_waited", "began", "late"),
        *("latest", "probe", "question", "stale_at"),
    )

    def __init__(self, question: UpstreamQuestion, group: Group, now: float) -> None:
        self.question = question
        self.began = now
        """The beginning of the round."""
        self.stale_at = self._end_at = now
        """When clients get a stale answer; and the end of the round."""
        self._group = group
        self._query = render_query(question)
        self._truncated = False
        """Whether only TCP helps."""
        self._spoofing = False
        self._waited = False
        """Whether a server whose host had refused was asked once more."""
        self._closed = 0
        self._error: CacheEntry | Failure | None = None
        self._seen = 0
        """What was seen of the attempts of all rounds, as the bits of ``exchange.failure``."""
        self._tried_udp = self._tried_tcp = _NO_SERVERS
        """The servers of the tries in this round, in order."""
        self._out_udp = self._out_tcp = _NO_SERVERS
        """The servers that have failed actively in this round, by transport."""
        self.latest: Attempt | None = None
        """The attempt whose time is not over; None if the round is over."""
        self.late = NONE_LATE
        """The attempts whose time is over and that can still be answered; the oldest is first."""
        self.probe: Attempt | None = None
        """To be sent beside the first attempt; the driver takes it."""

    def begin(self, now: float) -> Step:
        """Begin: the first attempt, or a failure."""
        server = self._group.first(now)
        if server is None:
            return NO_ADDRESS
        self.stale_at, self._end_at = now + PATIENCE, now + ROUND
        if server.timeouts and not server.up:  # then all are down
            self.stale_at = now
            if self._group.is_silent(now):
                self._end_at = now + PATIENCE
        for each in self._group.servers:
            if now >= each.probe_at:
                self._probe(each, server, now)
        return self._ask(server, server.streams, now)

    def begin_again(self, group: Group, now: float) -> Step:
        """Begin the next round, after one is over; the group may have other servers now."""
        self._group = group
        self.began = now
        self._truncated = self._spoofing = self._waited = False
        self._closed = 0
        self._error = None
        self._tried_udp = self._tried_tcp = self._out_udp = self._out_tcp = _NO_SERVERS
        return self.begin(now)

    def _probe(self, server: Server, first: Server, now: float) -> None:
        """Probe a server whose probe is due, unless the first attempt does so; one at a time."""
        if self.probe is None:
            server.probed(now)
            if server is not first or server.streams:
                message = self._message(server, now)
                self.probe = self.new_attempt(server, False, message, now, now + LATE)

    def probed(self, attempt: Attempt, packet: bytes, ident: int, now: float) -> bool:
        """Process a packet that was received for a probe: whether it is an answer."""
        asked = self._query[QUESTION_AT : QUESTION_AT + len(self.question.name) + 4]
        if not (answers(packet, ident, asked) or is_bare_error(packet, ident)):
            return False
        attempt.server.answered(now - attempt.began, now)
        return True

    @property
    def is_over(self) -> bool:
        """Whether the round is over, so that only late answers may still come."""
        return self.latest is None

    def patience(self, stale: bool, now: float) -> float:
        """Seconds that clients wait; ``stale``: whether there is a stale answer for them."""
        if stale and now >= self.stale_at:
            return 0.0
        return PATIENCE if self._group.is_silent(self.began) else CLIENT_PATIENCE

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
        server = attempt.server
        if response is None:
            return self._broken(attempt, now)
        if attempt.stream:
            server.answered_stream(now - attempt.began, self.began, now)
        else:
            server.answered(now - attempt.began, now)
        lacks_edns = self._lacks_edns(attempt, response)
        if lacks_edns or response.flags & codes.TC:  # over TCP, TC means an unusable answer
            return self._ask_otherwise(attempt, now, lacks_edns)
        entry = self._usable(server, response, now)
        if entry is not None:
            return entry
        self._out(server, not attempt.stream)
        return self._broken(attempt, now)

    def _ask_otherwise(self, attempt: Attempt, now: float, lacks_edns: bool) -> Step | None:
        """Ask a server again without EDNS, or over TCP; after a late answer only between rounds."""
        if attempt is not self.latest:
            self._forget(attempt)
            if self.latest is not None:
                return None
        if lacks_edns:
            return self._ask(attempt.server, attempt.stream, now, edns=False)
        self._truncated = True
        return self._over_tcp(attempt, now)

    def _broken(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after an answer that cannot be read; over the other transport it may be."""
        self._out(attempt.server, attempt.stream)
        return self._next(now) if attempt is self.latest else self._without(attempt)

    def _out(self, server: Server, stream: bool) -> None:
        """Ask a server no more over TCP or UDP in this round."""
        if stream:
            self._out_tcp = (*self._out_tcp, server)
        else:
            self._out_udp = (*self._out_udp, server)

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

    def has_more_time(self, attempt: Attempt, now: float) -> bool:
        """Whether to wait for the latest attempt beyond ``until``: nothing comes over UDP at all.

        The driver asks again a moment later, since that may change.
        """
        if attempt.stream or now >= self._end_at:
            return False
        return now < attempt.began + self._group.wait(attempt.server, attempt.began)

    def expired(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after the time of the latest attempt; it is late now."""
        server = attempt.server
        if not attempt.stream:
            server.back_off(attempt.began)
        self._note_timeout(server, now)
        self._seen |= TIMED_OUT
        self.late = (*self.late, attempt)
        return self._next(now)

    def _note_timeout(self, server: Server, now: float) -> None:
        """Count the question against a server, once a round."""
        if self._tried_udp.count(server) + self._tried_tcp.count(server) == 1:
            server.timed_out(now)

    def dropped(self, attempt: Attempt, now: float) -> Step | None:  # noqa: ARG002 - as all events
        """Go on without a late attempt, which cannot be answered any more."""
        return self._without(attempt)

    def waited(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after the time of an attempt whose server was unreachable."""
        if attempt is not self.latest:
            return None
        self._waited = True
        self._out_udp = self._out_tcp = _NO_SERVERS
        return self._next(now)

    def refused(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after an ICMP error: the server's host, or a firewall, refused an attempt."""
        return self._not_answered(attempt, REFUSED, now)

    def unreachable(self, attempt: Attempt, now: float) -> Step | None:
        """Go on if an attempt could not be sent, or if its TCP connection failed."""
        return self._not_answered(attempt, TCP_FAILED if attempt.stream else UNSENT, now)

    def _not_answered(self, attempt: Attempt, seen: int, now: float) -> Step | None:
        """Go on without an answer to an attempt: over the other transport, or at another server."""
        self._seen |= seen
        server = attempt.server
        self._out(server, attempt.stream)
        if attempt is not self.latest:  # its time-out is noted already
            return self._without(attempt)
        was_up = server.up
        self._note_timeout(server, now)
        following = self._following(now)
        if following is None and was_up and not self._waited and self._error is None:
            return None
        return following or self._end()

    def closed(self, attempt: Attempt, now: float) -> Step | None:
        """Go on if the server closed a TCP connection that had answers, but not for this attempt.

        The server works, so this does not count as a time-out.
        """
        if attempt is not self.latest:
            return self._without(attempt)
        if self._closed >= _MAX_CLOSED or now >= attempt.until:
            return self.unreachable(attempt, now)
        self._closed += 1
        self._tried_tcp = self._tried_tcp[:-1]
        return self._ask(attempt.server, True, now)

    def crowded(self, now: float) -> Step | None:
        """Go on over UDP with a port of its own, since no TCP connection has room.

        It is one more try: a server may truncate whatever it answers over UDP.
        """
        if self._truncated or self._spoofing:
            self._error = self._error or NO_ROOM
        server = self._tried_tcp[-1]
        if self._tried_udp.count(server) >= TRIES or now >= self._end_at:
            return self._next(now)
        attempt = self._ask(server, False, now)
        attempt.own_socket = True
        return attempt

    def _next(self, now: float) -> Step | None:
        return self._following(now) or self._end()

    def _following(self, now: float) -> Attempt | None:
        """The next attempt of the round, if there is to be one."""
        if now >= self._end_at or (self._knows_name() and self._group.all_in(self._tried_udp)):
            return None
        tried, out = self._tried_udp, self._out_udp
        forged = self._spoofing and len(tried) >= TRIES
        if not self._truncated and not forged and now < (self.began + self._end_at) / 2:
            server = self._group.next(now, tried, out, False)
            if server is not None:
                return self._ask(server, False, now)
        server = self._group.next(now, self._tried_tcp, self._out_tcp, True)
        return None if server is None else self._ask(server, True, now)

    def _end(self) -> Step | None:
        """End the round; and the exchange, if no server may still give a better answer, late."""
        self.latest = None
        if self._knows_name():
            return self._error
        for attempt in self.late:
            if attempt.server not in (self._out_tcp if attempt.stream else self._out_udp):
                return None
        return self.end()

    def _over_tcp(self, attempt: Attempt, now: float) -> Step | None:
        """Ask a server over TCP; if it was asked over TCP, go on to the next attempt."""
        server = attempt.server
        if attempt.stream or server in self._out_tcp or self._tried_tcp.count(server) >= TRIES:
            return self._next(now)
        return self._ask(server, True, now, self._has_edns(attempt))

    def _has_edns(self, attempt: Attempt) -> bool:
        return len(attempt.message) == len(self._query)

    def _message(self, server: Server, now: float) -> bytes:
        return self._query if now >= server.plain_until else without_edns(self._query)

    def _ask(self, server: Server, stream: bool, now: float, edns: bool = True) -> Attempt:
        """Make the next try at a server."""
        if stream:
            wait = max(_TCP_WAIT, 2 * server.usual) * (1 << self._tried_tcp.count(server))
            self._tried_tcp = (*self._tried_tcp, server)
        else:
            wait = self._group.least_wait(server)
            self._tried_udp = (*self._tried_udp, server)
        until = min(now + wait, self._end_at)
        if until <= now:  # after a late answer
            until = now + wait
        message = self._message(server, now) if edns else without_edns(self._query)
        attempt = self.latest = self.new_attempt(server, stream, message, now, until)
        attempt.own_socket = stream and self._seen & TIMED_OUT > 0
        return attempt

    def new_attempt(
        self, server: Server, stream: bool, message: bytes, now: float, until: float
    ) -> Attempt:
        """Make an attempt; a driver may override this to make one with more attributes."""
        return Attempt(server, stream, message, now, until)
