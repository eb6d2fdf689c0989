"""Exchanges: whatever upstreams do, one ends in time, and asks nobody too often."""

from dataclasses import dataclass, field

from dnslib import RR, DNSRecord
from hypothesis import example, given
from hypothesis import strategies as st

from resolver.dns import codes, names
from resolver.dns.render import QueryProfile
from resolver.exchange.attempt import Attempt
from resolver.exchange.edns import has_edns
from resolver.exchange.entry import CacheEntry
from resolver.exchange.exchange import LATE, Exchange, Step
from resolver.exchange.failure import Failure
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.round import ROUND
from resolver.exchange.servers import Group, Server

QUESTION = UpstreamQuestion(names.parse("www.example.org"), QueryProfile(0x0100, qtype=1), b"")
IDENT = 0x1234
NOW = 1000.0


def reply(attempt: Attempt, rcode: int = 0, *, truncated: bool = False) -> bytes:
    asked = DNSRecord.parse(IDENT.to_bytes(2, "big") + attempt.message)
    made = asked.reply(ra=1, aa=0)
    made.header.rcode = rcode
    if truncated:
        made.header.tc = 1
    elif rcode == 0:
        made.add_answer(*RR.fromZone("www.example.org. 300 IN A 192.0.2.80"))
    return bytes(made.pack())


@dataclass
class Played:
    """An exchange that was driven to its end."""

    end: Step | None = None
    attempts: list[Attempt] = field(default_factory=list)
    now: float = NOW


def happen(exchange: Exchange, attempt: Attempt, what: str, now: float) -> Step | None:
    match what:
        case "good":
            return exchange.received(attempt, reply(attempt), IDENT, now)
        case "failing":
            return exchange.received(attempt, reply(attempt, codes.SERVFAIL), IDENT, now)
        case "no edns":
            return exchange.received(attempt, reply(attempt, codes.FORMERR), IDENT, now)
        case "truncated":
            return exchange.received(attempt, reply(attempt, truncated=True), IDENT, now)
        case "broken":
            return exchange.received(attempt, reply(attempt)[:-1], IDENT, now)
        case "forged":
            return exchange.received(attempt, reply(attempt), IDENT + 1, now)
        case "refused":
            return exchange.refused(attempt, now)
        case "unreachable":
            return exchange.unreachable(attempt, now)
        case "closed" if attempt.stream:
            return exchange.closed(attempt, now)
        case "no room" if attempt.stream:
            return exchange.tcp_unavailable(attempt, now)
        case _:
            return exchange.expired(attempt, now)


def play(events: list[str], servers: int, tls_name: str = "") -> Played:
    """Drive an exchange; when the events have run out nobody answers any more."""
    made = [Server(f"192.0.2.{n}", 53, f"server {n}", "", tls_name) for n in range(servers)]
    group = Group("", made)
    exchange = Exchange(QUESTION)
    played = Played()
    step: Step | None = exchange.begin(group, NOW)
    coming = iter(events)
    while isinstance(step, Attempt):
        played.attempts.append(step)
        what = next(coming, "silent")
        silent = what == "silent" or (what in ("no room", "closed") and not step.stream)
        played.now = step.until if silent else played.now + 0.01
        attempt, step = step, happen(exchange, step, what, played.now)
        if (
            step is None and exchange.current is not None
        ):  # an attempt that was refused has its time
            played.now = attempt.until
            step = exchange.waited(attempt, played.now)
        while step is None and exchange.late:
            played.now = max(played.now, exchange.late[0].began + LATE)
            step = exchange.dropped(exchange.late[0], played.now)
    played.end = step
    return played


EVENTS = st.lists(
    st.sampled_from(
        ["good", "failing", "no edns", "truncated", "broken", "forged", "unreachable", "no room"]
        + ["closed", "refused"]
        + ["silent"] * 2
    ),
    max_size=12,
)
SERVERS = st.integers(1, 3)


@given(EVENTS, SERVERS)
@example(["forged", "no room"] * 6, 1)
@example(["truncated"] + ["closed"] * 11, 1)
def test_it_ends_in_time_with_an_answer_or_the_reason(events: list[str], servers: int) -> None:
    played = play(events, servers)
    assert isinstance(played.end, CacheEntry | Failure)
    assert played.now <= NOW + ROUND + LATE
    for attempt in played.attempts:
        assert attempt.began < attempt.until <= NOW + ROUND


@given(EVENTS, SERVERS)
@example(["no room"] * 3, 1)
@example(["truncated", "forged", "no edns"], 2)
def test_a_server_over_tls_is_asked_over_nothing_else(events: list[str], servers: int) -> None:
    played = play(events, servers, "dns.example")
    assert isinstance(played.end, CacheEntry | Failure)
    assert all(attempt.stream for attempt in played.attempts)
    assert played.now <= NOW + ROUND + LATE


@given(EVENTS, SERVERS)
def test_a_server_is_asked_three_times_a_transport_at_the_most(
    events: list[str], servers: int
) -> None:
    """RFC 9520 section 3.1; what is asked again at once, in another way, is no further try."""
    again = ("no edns", "forged", "no room", "closed")
    played = play([event for event in events if event not in again], servers)
    for stream in (False, True):
        asked = [attempt.server for attempt in played.attempts if attempt.stream is stream]
        assert all(asked.count(server) <= 3 for server in asked)


@given(EVENTS, st.integers(2, 3))
def test_every_server_is_tried_before_one_is_tried_twice(events: list[str], servers: int) -> None:
    usual = ("failing", "broken", "refused", "unreachable", "silent")
    played = play([event for event in events if event in usual], servers)
    asked = [attempt.server for attempt in played.attempts][:servers]
    assert len(set(asked)) == len(asked)


@given(EVENTS, SERVERS)
def test_only_a_good_answer_is_told_as_one(events: list[str], servers: int) -> None:
    played = play(events, servers)
    if isinstance(played.end, CacheEntry) and played.end.rcode == codes.NOERROR:
        assert events[len(played.attempts) - 1] == "good"
        assert played.end.counts == (1, 0, 0)


@given(EVENTS, SERVERS)
def test_after_a_forgery_udp_is_used_only_where_tcp_is_not(events: list[str], servers: int) -> None:
    played = play(events, servers)
    tcp_tried = set()
    for what, before, after in zip(events, played.attempts, played.attempts[1:], strict=False):
        if before.stream:
            tcp_tried.add(before.server)
        if what == "forged":
            assert after.stream or before.server in tcp_tried


@given(SERVERS)
def test_whoever_forges_every_reply_gets_three_guesses_a_round(servers: int) -> None:
    played = play(["forged", "unreachable"] * 12, servers)
    assert sum(not attempt.stream for attempt in played.attempts) == 3


def test_a_truncated_answer_is_asked_for_over_tcp_at_the_same_server() -> None:
    played = play(["truncated", "good"], 2)
    first, second = played.attempts
    assert (first.stream, second.stream) == (False, True)
    assert first.server is second.server
    assert isinstance(played.end, CacheEntry)


def test_a_connection_of_its_own_is_wanted_only_over_tcp_after_a_time_out() -> None:
    """Other questions share a connection; one that may hang is not trusted with a second try."""
    truncated, silent = play(["truncated", "good"], 1), play([], 1)
    assert [attempt.own_socket for attempt in truncated.attempts] == [False, False]
    kinds = {(attempt.stream, attempt.own_socket) for attempt in silent.attempts}
    assert kinds == {(False, False), (True, True)}


def test_what_was_seen_before_an_answer_counts_after_it() -> None:
    """A truncated answer after a time-out: the connection is not shared then."""
    played = play(["silent", "truncated", "good"], 1)
    assert [attempt.own_socket for attempt in played.attempts] == [False, False, True]


def test_the_reason_says_over_what_a_server_could_not_be_reached() -> None:
    for tls_name, reason in (("", "query could not be sent"), ("a.example", "TLS connection")):
        end = play(["unreachable"] * 12, 1, tls_name).end
        assert isinstance(end, Failure)
        assert reason in end.text
        assert ("TCP" in end.text) is not bool(tls_name)


def over_tcp(tls_name: str = "") -> tuple[Exchange, Attempt]:
    """An exchange with one server whose current attempt is over TCP or TLS."""
    exchange = Exchange(QUESTION)
    server = Server("192.0.2.1", 53, "server", "", tls_name)
    step: Step | None = exchange.begin(Group("", [server]), NOW)
    assert isinstance(step, Attempt)
    if not step.stream:
        step = exchange.received(step, reply(step, truncated=True), IDENT, NOW)
    assert isinstance(step, Attempt)
    assert step.stream
    return exchange, step


def test_a_closed_connection_is_made_again_while_its_attempt_has_time() -> None:
    exchange, attempt = over_tcp()
    again = exchange.closed(attempt, attempt.until - 0.001)
    assert isinstance(again, Attempt)
    assert again.stream
    exchange, attempt = over_tcp()
    assert exchange.closed(attempt, attempt.until) is None
    assert exchange.round.is_left_out(attempt.server, True)


def test_without_room_for_tcp_a_question_goes_over_udp_from_a_port_of_its_own() -> None:
    exchange, attempt = over_tcp()
    step = exchange.tcp_unavailable(attempt, NOW)
    assert isinstance(step, Attempt)
    assert (step.stream, step.own_socket) == (False, True)


def test_a_server_over_tls_without_room_is_left_out_and_the_reason_is_not_kept() -> None:
    exchange, attempt = over_tcp("dns.example")
    end = exchange.tcp_unavailable(attempt, NOW)
    assert isinstance(end, Failure)
    assert not end.is_cached
    assert exchange.round.is_left_out(attempt.server, True)
    assert not exchange.is_paused


def test_the_time_over_tcp_is_that_from_the_attempt_on() -> None:
    exchange, attempt = over_tcp()
    server = attempt.server = Server("192.0.2.1", 53, "never answered over UDP")
    exchange.received(attempt, reply(attempt), IDENT, NOW + 0.04)
    assert 0.03 < server.srtt < 0.05


def test_an_opt_that_is_not_understood_is_left_out_and_stays_out() -> None:
    played = play(["no edns", "truncated", "good"], 1)
    opts = [DNSRecord.parse(b"\x00\x00" + attempt.message).ar for attempt in played.attempts]
    assert [len(opt) for opt in opts] == [1, 0, 0]
    assert isinstance(played.end, CacheEntry)


def silent(count: int, *, known: bool = False) -> tuple[Exchange, list[Attempt]]:
    """An exchange whose round is over, and its attempts, to which there was no answer.

    ``known``: whether the servers have answered before, in a millisecond.
    """
    servers = [Server(f"192.0.2.{n}", 53, f"server {n}") for n in range(count)]
    if known:
        for server in servers:
            server.answered(0.001, NOW - 1)
    exchange = Exchange(QUESTION)
    attempts: list[Attempt] = []
    step: Step | None = exchange.begin(Group("", servers), NOW)
    while isinstance(step, Attempt):
        attempts.append(step)
        step = exchange.expired(step, step.until)
    assert step is None
    assert exchange.current is None
    return exchange, attempts


@given(SERVERS, st.integers(0, 2), st.integers(0, 2))
def test_any_late_answer_ends_it_also_in_a_later_round(
    servers: int, which: int, expired: int
) -> None:
    exchange, attempts = silent(servers)
    step: Step | None = exchange.begin(exchange.round.group, NOW + 3)
    for _ in range(expired):
        assert isinstance(step, Attempt)
        step = exchange.expired(step, step.until)
    late = attempts[which]
    assert isinstance(exchange.received(late, reply(late), IDENT, NOW + 5), CacheEntry)


def test_without_its_late_attempts_it_ends() -> None:
    exchange, attempts = silent(1)
    *ends, last = [exchange.dropped(attempt, NOW + LATE) for attempt in attempts]
    assert ends == [None] * (len(attempts) - 1)
    assert isinstance(last, Failure)


def test_a_late_answer_to_an_earlier_attempt_ends_it() -> None:
    group = Group("", [Server("192.0.2.1", 53, "one"), Server("192.0.2.2", 53, "two")])
    exchange = Exchange(QUESTION)
    first = exchange.begin(group, NOW)
    assert isinstance(first, Attempt)
    second = exchange.expired(first, first.until)
    assert isinstance(second, Attempt)
    assert isinstance(exchange.received(first, reply(first), IDENT, first.until + 0.1), CacheEntry)


def test_nobody_to_ask_is_said_at_once() -> None:
    end = Exchange(QUESTION).begin(Group("", []), NOW)
    assert isinstance(end, Failure)
    assert end.code == codes.EDE_NETWORK_ERROR


def test_a_silent_server_is_asked_three_times_a_transport() -> None:
    exchange, attempts = silent(1, known=True)
    assert [attempt.stream for attempt in attempts] == [False] * 3 + [True] * 3
    assert exchange.round.group.servers[0].timeouts == 1


@given(SERVERS, st.booleans())
def test_silent_servers_are_asked_over_tcp_too_before_the_round_is_over(
    servers: int, known: bool
) -> None:
    _, attempts = silent(servers, known=known)
    assert any(attempt.stream for attempt in attempts)
    assert [attempt.stream for attempt in attempts] == sorted(
        attempt.stream for attempt in attempts
    )


def down(server: Server) -> Server:
    for _ in range(3):
        server.timed_out(NOW - 60)
    return server


def test_a_server_that_is_down_is_probed_beside_the_first_attempt_now_and_then() -> None:
    dead, good = down(Server("192.0.2.1", 53, "dead")), Server("192.0.2.2", 53, "good")
    probed: list[float] = []
    for tenth in range(200):
        now = NOW + tenth / 10
        exchange = Exchange(QUESTION)
        step = exchange.begin(Group("", [dead, good]), now)
        assert isinstance(step, Attempt)
        assert step.server is good
        if exchange.probe is not None:
            assert exchange.probe.server is dead
            assert not exchange.probe.stream
            probed.append(now)
    assert len(probed) == 4


def test_an_answer_to_a_probe_says_that_the_server_is_up_and_another_packet_does_not() -> None:
    dead, good = down(Server("192.0.2.1", 53, "dead")), Server("192.0.2.2", 53, "good")
    exchange = Exchange(QUESTION)
    exchange.begin(Group("", [dead, good]), NOW)
    assert exchange.probe is not None
    assert (
        exchange.probed(exchange.probe, reply(exchange.probe), IDENT + 1, NOW + 0.1) == "mismatch"
    )
    assert not dead.up
    assert exchange.probed(exchange.probe, reply(exchange.probe), IDENT, NOW + 0.1) == "answered"
    assert dead.up


def silent_over_udp() -> Server:
    server = Server("192.0.2.1", 53, "tcp only")
    for _ in range(3):
        server.answered_stream(0.01, NOW - 60, NOW - 59)
    return server


def test_a_probe_is_made_from_its_moment_on_and_can_be_answered_for_ten_seconds() -> None:
    dead, good = down(Server("192.0.2.1", 53, "dead")), Server("192.0.2.2", 53, "good")
    group, due = Group("", [dead, good]), dead.probe_at
    early, exchange = Exchange(QUESTION), Exchange(QUESTION)
    early.begin(group, due - 0.1)
    exchange.begin(group, due)
    assert early.probe is None
    assert exchange.probe is not None
    assert (exchange.probe.began, exchange.probe.until) == (due, due + LATE)


def test_a_probe_has_edns_where_its_server_takes_it() -> None:
    for takes in (True, False):
        dead, good = down(Server("192.0.2.1", 53, "dead")), Server("192.0.2.2", 53, "good")
        if not takes:
            dead.plain_until = NOW + 60
        exchange = Exchange(QUESTION)
        exchange.begin(Group("", [dead, good]), NOW)
        assert exchange.probe is not None
        assert has_edns(exchange.probe.message) is takes


def test_an_answer_to_another_type_is_none_to_a_probe() -> None:
    dead, good = down(Server("192.0.2.1", 53, "dead")), Server("192.0.2.2", 53, "good")
    exchange = Exchange(QUESTION)
    exchange.begin(Group("", [dead, good]), NOW)
    assert exchange.probe is not None
    other = reply(exchange.probe).replace(b"\x03org\x00\x00\x01", b"\x03org\x00\x00\x1c", 1)
    assert exchange.probed(exchange.probe, other, IDENT, NOW + 0.1) == "mismatch"


def test_a_server_that_is_silent_over_udp_is_asked_over_tcp_and_probed_over_udp() -> None:
    server = silent_over_udp()
    exchange = Exchange(QUESTION)
    step = exchange.begin(Group("", [server]), NOW)
    assert isinstance(step, Attempt)
    assert step.stream
    assert exchange.probe is not None
    assert not exchange.probe.stream
    assert exchange.probed(exchange.probe, reply(exchange.probe), IDENT, NOW + 0.1) == "answered"
    again = Exchange(QUESTION).begin(Group("", [server]), NOW + 1)
    assert isinstance(again, Attempt)
    assert not again.stream


def test_a_stale_answer_is_given_at_once_if_all_servers_are_down() -> None:
    group = Group("", [down(Server("192.0.2.1", 53, "one")), Server("192.0.2.2", 53, "two")])
    exchange = Exchange(QUESTION)
    exchange.begin(group, NOW)
    assert exchange.round.patience(True, NOW) > 0
    down(group.servers[1])
    exchange = Exchange(QUESTION)
    exchange.begin(group, NOW)
    assert exchange.round.patience(True, NOW) == 0
    assert exchange.round.patience(False, NOW) > 0


def test_a_server_over_tls_that_is_down_is_probed_over_tls() -> None:
    down, other = (Server(f"192.0.2.{n}", 853, f"server {n}", "", "dns.example") for n in (1, 2))
    for _ in range(3):
        down.timed_out(NOW)
    exchange = Exchange(QUESTION)
    first = exchange.begin(Group("", [down, other]), NOW + 10)
    assert isinstance(first, Attempt)
    assert first.server is other
    assert exchange.probe is not None
    assert (exchange.probe.server, exchange.probe.stream) == (down, True)
    exchange = Exchange(QUESTION)
    first = exchange.begin(Group("", [down]), NOW + 20)
    assert isinstance(first, Attempt)
    assert first.stream
    assert exchange.probe is None, "the attempt itself is the probe"


def test_a_server_over_tls_is_waited_for_by_its_answers_over_tls() -> None:
    server = Server("192.0.2.1", 853, "server", "", "dns.example")
    for _ in range(20):
        server.answered_stream(0.05, NOW, NOW + 0.05)
    assert 0.05 < server.rto_base < 0.15
    assert server.stream_only
