"""The exchange with upstream servers about one question: a state machine without sockets.

States:

- ASKING: ``current`` is the attempt whose time is not over.
- PAUSED (``is_paused``): ``current`` has failed, and no other server is left. When its time is
  over, all servers are asked once more: one that was up may be restarting.
- RESTING: ``current`` is None, since the round is over; late attempts can still be answered.
- ENDED: the last step was a result.

The driver calls ``begin`` for each round, and reports the events. Each call returns a step: the
next ``Attempt`` to send, None to go on waiting, or the result, a ``CacheEntry`` or a ``Failure``.

| state           | event                              | step                                      |
|-----------------|------------------------------------|-------------------------------------------|
| (new), RESTING  | begin                              | the first attempt of a round              |
| ASKING          | received: it answers the question  | the result                                |
|                 | received: TC, or EDNS is rejected  | the same server, over TCP, or without EDNS|
|                 | received: an error, or no answer   | next                                      |
|                 | suspected: it may be forged        | the same server over TCP                  |
|                 | expired, unless it has_more_time   | next; the attempt is late                 |
|                 | refused (ICMP), unreachable        | next, or None: PAUSED                     |
|                 | closed (TCP)                       | the same server over another connection   |
|                 | tcp_unavailable                    | the same server over UDP; over TLS: next  |
| PAUSED          | waited                             | next                                      |
| any, for an     | received: it answers the question  | the result                                |
| attempt that is | received: TC, or EDNS is rejected  | RESTING: as above; else None              |
| late            | any other, or dropped              | None; RESTING: the result, if it was last |

"Next" is an attempt: ASKING; or where the round is over, None: RESTING; or the result, if no late
attempt can be answered: ENDED. ``exchange.round`` decides which.

The rules:
- A late attempt can be answered until the driver drops it (RFC 8767 section 5), also in a later
  round. It is waited for unless its server has failed actively since: with an error, or with a
  refusal of its host.
- A packet that does not match the query may be forged. After such a packet the question goes over
  TCP, where nobody can guess port and ID. If TCP fails, the question goes over UDP with another
  port and ID, three times in all; else one forged packet could end the exchange.
- After SERVFAIL, REFUSED and other errors, a lame answer, or an answer for another name, the other
  servers are asked, and this one no more. The last error becomes the result, or a ``Failure`` that
  says what was seen. A server whose host refuses a transport, or whose answer cannot be read, is
  not asked over this transport again.
- A server is not asked again while a connection on which the question was sent makes progress: TCP
  sends again what is lost, and on a slow link another answer would take the place of this one.
  Another server is asked all the same.
- TCP means TLS for a server over TLS. It is never asked over UDP.
- An answer of the national filter is the result, and says nothing of the server: no round-trip
  time, not whether it is up, not whether it understands EDNS.
- AD is kept only from a server that the group trusts for it (RFC 6840 section 5.8): others may set
  it without having validated, or somebody on the path may have set it.
- After records of the question's name that have another type alone, as broken load balancers send
  them, the other servers are asked, too, each once. Where none has an answer, the result is NODATA:
  SERVFAIL would have clients give the name up (RFC 4074 section 4).
"""

from typing import Final

from resolver.dns import codes
from resolver.dns.assembly import assembled
from resolver.dns.response import ANSWER, Response, scan
from resolver.dns.response_match import answers, is_bare_error
from resolver.exchange.attempt import Attempt
from resolver.exchange.edns import has_edns, rejects_edns, without_edns
from resolver.exchange.entry import CacheEntry, make_entry, no_such_type
from resolver.exchange.failure import (
    ANSWERED,
    CROWDED,
    MISMATCH,
    NO_ADDRESS,
    NO_ROOM,
    REFUSED,
    TCP_FAILED,
    TIMED_OUT,
    TLS_FAILED,
    UNSENT,
    Failure,
    no_answer,
)
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.round import Round, makes_progress
from resolver.exchange.scrub import has_other_types
from resolver.exchange.second_answer import NATIONAL_FILTER
from resolver.exchange.servers import Group, Server
from resolver.exchange.upstream_query import (
    QUESTION_AT,
    is_lame,
    render_query,
)

LATE: Final = 10.0
"""Seconds that an attempt can be answered."""
_NONE_LATE: Final[tuple[Attempt, ...]] = ()
Step = Attempt | CacheEntry | Failure


class Exchange:
    """One question and its attempts; ``now`` is in monotonic seconds."""

    __slots__ = (
        "_error",
        "_query",
        "_seen",
        "current",
        "is_paused",
        "late",
        "probe",
        "question",
        "round",
    )

    round: Round
    """Set by ``begin``."""

    def __init__(self, question: UpstreamQuestion) -> None:
        self.question = question
        self._query = render_query(question)
        self._seen = 0
        """What was seen of the attempts of all rounds, as the bits of ``exchange.failure``."""
        self._error: CacheEntry | Failure | None = None
        """The last error of a server in this round."""
        self.current: Attempt | None = None
        """The attempt whose time is not over; None if the round is over."""
        self.is_paused = False
        """Whether the current attempt has failed, and only its time is waited for."""
        self.late = _NONE_LATE
        """The attempts whose time is over and that can still be answered; the oldest is first."""
        self.probe: Attempt | None = None
        """To be sent beside the first attempt; the driver takes it."""

    def begin(self, group: Group, now: float, has_failed: bool = False) -> Step:
        """Begin a round, the first or after one is over: the first attempt, or a failure.

        ``has_failed``: whether the question has failed a short time ago, as in another exchange.
        """
        self.round = Round(group, now, has_failed)
        self._error = None
        server = self.round.first
        if server is None:
            return NO_ADDRESS
        for candidate in group.servers:
            if now >= candidate.probe_at:
                self._probe(candidate, server, now)
        return self._ask(server, server.stream_only, now)

    def _probe(self, server: Server, first: Server, now: float) -> None:
        """Probe a server whose probe is due, unless the first attempt does so; one at a time."""
        if self.probe is None:
            server.probed(now)
            over_tls = server.tls_name != ""
            if server is not first or (server.stream_only and not over_tls):
                message = self._query if server.takes_edns(now) else without_edns(self._query)
                self.probe = Attempt(server, over_tls, message, now, now + LATE, is_probe=True)

    def probed(self, probe: Attempt, packet: bytes, ident: int, now: float) -> str:
        """Process a packet that was received for a probe: the result, as the metrics name it."""
        asked = self._query[QUESTION_AT : QUESTION_AT + len(self.question.name) + 4]
        if not (answers(packet, ident, asked) or is_bare_error(packet, ident)):
            return "mismatch"
        response, of_filter = scan(packet), self.round.group.filter
        if response is not None and of_filter is not None and of_filter.in_response(response):
            return NATIONAL_FILTER
        probe.server.answered(now - probe.began, now)
        return "answered"

    def end(self) -> CacheEntry | Failure:
        """The result without an answer: the last error of a server, or a failure."""
        return self._error or no_answer(self._seen)

    def slow(self) -> Failure:
        """The failure for a client whose time is over while late attempts can be answered."""
        return no_answer(self._seen)

    def others_answered(self) -> bool:
        """Whether the servers of the round have answered any question since it began."""
        return self.round.group.has_answered(self.round.began)

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
        of_filter = self.round.group.filter
        filter_address = b"" if of_filter is None else of_filter.in_response(response)
        lacks_edns = False
        if not filter_address:  # else the server need not have sent it
            if attempt.stream:
                server.answered_stream(now - attempt.began, self.round.began, now)
            else:
                server.answered(now - attempt.began, now)
            lacks_edns = rejects_edns(response, attempt, self.question.name)
        if lacks_edns or response.flags & codes.TC:  # over TCP, TC means an unusable answer
            return self._ask_otherwise(attempt, now, lacks_edns)
        entry = self._usable(server, response, filter_address, now)
        if entry is not None:
            return entry
        self.round.leave_out(server, not attempt.stream)
        return self._broken(attempt, now)

    def _ask_otherwise(self, attempt: Attempt, now: float, lacks_edns: bool) -> Step | None:
        """Ask a server again without EDNS, or over TCP; after a late answer only between rounds."""
        if attempt is not self.current:
            self._forget(attempt)
            if self.current is not None:
                return None
        if lacks_edns:
            return self._ask(attempt.server, attempt.stream, now, edns=False)
        self.round.is_truncated = True
        return self._over_tcp(attempt, now)

    def _broken(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after an answer that cannot be read; over the other transport it may be."""
        self.round.leave_out(attempt.server, attempt.stream)
        return self._next(now) if attempt is self.current else self.dropped(attempt, now)

    def _forget(self, attempt: Attempt) -> None:
        """Remove an attempt from the late ones, if it is one."""
        self.late = tuple([late for late in self.late if late is not attempt])

    def _usable(
        self, server: Server, response: Response, filter_address: bytes, now: float
    ) -> CacheEntry | None:
        """The entry of a response; None if it does not answer the question."""
        answered = response.ends[ANSWER] > response.question_end
        if not answered and is_lame(response):
            server.note_lame(now)
        else:
            if response.flags & codes.AD and server not in self.round.group.ad_trusted:
                response.flags &= ~codes.AD
            negative_ttl = self.round.group.negative_ttl
            entry = make_entry(response, now, self.question.dnssec_ok, negative_ttl)
            # A response with records of other names or types alone leaves an entry without any.
            if not answered or not response.is_indirect or entry.counts[0]:
                if entry.answers:
                    if filter_address:
                        entry.mark_filter(filter_address)
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
        self.round.is_suspicious = True
        self._seen |= MISMATCH
        if attempt is not self.current:
            return self.dropped(attempt, now)
        return self._over_tcp(attempt, now)

    def has_more_time(self, attempt: Attempt, now: float) -> bool:
        """Whether to wait for the current attempt beyond ``until``.

        Over UDP: while nothing comes from any server. Over TCP: while connections make progress,
        and no server is left but theirs. The driver asks again a moment later.
        """
        if not attempt.stream:
            return self.round.has_more_time(attempt.server, attempt.began, now)
        busy = self._busy((*self.late, attempt), now)
        return bool(busy) and self.round.waits_for(busy, now)

    def _busy(self, attempts: tuple[Attempt, ...], now: float) -> tuple[Server, ...]:
        """The servers whose connections make progress: to ask them again would take their link."""
        return tuple(
            [
                attempt.server
                for attempt in attempts
                if attempt.progress_at > attempt.began
                and makes_progress(attempt.server, attempt.progress_at, now)
            ]
        )

    def expired(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after the time of the current attempt; it is late now."""
        server = attempt.server
        if not attempt.stream:
            server.back_off(attempt.began)
        self.round.note_timeout(server, now)
        self._seen |= TIMED_OUT
        self.late = (*self.late, attempt)
        return self._next(now)

    def dropped(self, attempt: Attempt, now: float) -> Step | None:
        """Go on without an attempt that is not the current one: it cannot be answered any more."""
        self._forget(attempt)
        return self._end(now) if self.current is None else None

    def waited(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after the time of the current attempt, which had failed: ask all once more."""
        if attempt is not self.current:
            return None
        self.round.try_all_again()
        return self._next(now)

    def refused(self, attempt: Attempt, now: float) -> Step | None:
        """Go on after an ICMP error: the server's host, or a firewall, refused an attempt."""
        return self._not_answered(attempt, REFUSED, now)

    def unreachable(self, attempt: Attempt, now: float) -> Step | None:
        """Go on if an attempt could not be sent, or if its TCP or TLS connection failed."""
        over_tls = attempt.server.tls_name != ""
        seen = TLS_FAILED if over_tls else TCP_FAILED if attempt.stream else UNSENT
        return self._not_answered(attempt, seen, now)

    def _not_answered(self, attempt: Attempt, seen: int, now: float) -> Step | None:
        """Go on without an answer to an attempt: over the other transport, or at another server."""
        self._seen |= seen
        server = attempt.server
        self.round.leave_out(server, attempt.stream)
        if attempt is not self.current:  # its time-out is noted already
            return self.dropped(attempt, now)
        was_up = server.up
        self.round.note_timeout(server, now)
        following = self._following(now)
        is_first_time = was_up and not self.round.is_second_time
        if following is None and is_first_time and self._error is None:
            self.is_paused = True
            return None
        return following or self._end(now)

    def closed(self, attempt: Attempt, now: float) -> Step | None:
        """Go on if the server closed a TCP connection that had answers, but not for this attempt.

        The server works, so this does not count as a time-out.
        """
        if attempt is not self.current:
            return self.dropped(attempt, now)
        if now >= attempt.until or not self.round.take_back():
            return self.unreachable(attempt, now)
        return self._ask(attempt.server, True, now)

    def tcp_unavailable(self, attempt: Attempt, now: float) -> Step | None:
        """Go on over UDP with a port of its own, since no TCP connection has room.

        It is one more try: a server may truncate whatever it answers over UDP. A server over TLS
        is left out of the round.
        """
        if attempt.server.tls_name:
            self._error = self._error or CROWDED
            self.round.leave_out(attempt.server, True)
        elif self.round.is_truncated or self.round.is_suspicious:
            self._error = self._error or NO_ROOM
        if not self.round.allows_udp(attempt.server, now):
            return self._next(now)
        over_udp = self._ask(attempt.server, False, now)
        over_udp.own_socket = True
        return over_udp

    def _next(self, now: float) -> Step | None:
        return self._following(now) or self._end(now)

    def _following(self, now: float) -> Attempt | None:
        """The next attempt of the round, if there is to be one."""
        if self._knows_name() and self.round.has_tried_all():
            return None
        following = self.round.next(now, self._busy(self.late, now))
        if following is None:
            return None
        server, stream = following
        return self._ask(server, stream, now)

    def _end(self, now: float) -> Step | None:
        """End the round; and the exchange, if no server may still give a better answer, late."""
        self.current = None
        self.round.over_at = min(self.round.over_at, now)
        self.is_paused = False
        if self._knows_name():
            return self._error
        for attempt in self.late:
            if not self.round.is_left_out(attempt.server, attempt.stream):
                return None
        return self.end()

    def _over_tcp(self, attempt: Attempt, now: float) -> Step | None:
        """Ask a server over TCP; if it was asked over TCP, go on to the next attempt."""
        if attempt.stream or not self.round.allows_tcp(attempt.server):
            return self._next(now)
        return self._ask(attempt.server, True, now, has_edns(attempt.message))

    def _ask(self, server: Server, stream: bool, now: float, edns: bool = True) -> Attempt:
        """Make the next try at a server."""
        until = self.round.add(server, stream, now)
        assert stream or not server.tls_name, "a server over TLS is asked over nothing else"
        takes_edns = edns and server.takes_edns(now)
        message = self._query if takes_edns else without_edns(self._query)
        own_socket = stream and self._seen & TIMED_OUT > 0
        attempt = self.current = Attempt(server, stream, message, now, until, own_socket)
        self.is_paused = False
        return attempt
