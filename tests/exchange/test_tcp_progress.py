"""A question over TCP: a slow connection is waited for, and no other server waits for it."""

import pytest
from dnslib import DNSRecord

from resolver.dns import names
from resolver.dns.render import QueryProfile
from resolver.exchange.attempt import Attempt
from resolver.exchange.exchange import Exchange
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.round import ROUND, tcp_wait
from resolver.exchange.servers import Group, Server

QUESTION = UpstreamQuestion(names.parse("www.example.org"), QueryProfile(0x0100, qtype=1), b"")
IDENT = 0x1234
NOW = 1000.0
LEAST = 0.25
"""Seconds to wait for a server that usually answers fast."""


def begun(*tls_names: str) -> tuple[Exchange, Attempt]:
    """An exchange and its first attempt over a stream; a server without a TLS name truncates."""
    servers = [
        Server(f"192.0.2.{number}", 853, f"server {number}", "", tls_name)
        for number, tls_name in enumerate(tls_names)
    ]
    for server in servers:
        server.answered(0.001, NOW - 1)
    exchange = Exchange(QUESTION)
    step = exchange.begin(Group("", servers), NOW)
    assert isinstance(step, Attempt)
    if not step.stream:
        truncated = DNSRecord.parse(IDENT.to_bytes(2, "big") + step.message).reply(ra=1)
        truncated.header.tc = 1
        after = exchange.received(step, bytes(truncated.pack()), IDENT, NOW)
        assert isinstance(after, Attempt)
        step = after
    assert step.stream
    return exchange, step


@pytest.mark.parametrize("tls_name", ["dns.example", ""], ids=["TLS", "TCP"])
def test_the_same_server_is_asked_again_once_its_connection_makes_no_progress(
    tls_name: str,
) -> None:
    exchange, attempt = begun(tls_name)
    assert attempt.until == NOW + LEAST
    heard = NOW + 0.2
    attempt.progress_at = heard
    assert exchange.has_more_time(attempt, attempt.until)
    assert exchange.has_more_time(attempt, heard + LEAST - 0.01)
    assert not exchange.has_more_time(attempt, heard + LEAST)
    again = exchange.expired(attempt, heard + LEAST)
    assert isinstance(again, Attempt)
    assert again.server is attempt.server


def test_what_came_before_the_question_is_no_progress() -> None:
    exchange, attempt = begun("dns.example")
    attempt.progress_at = NOW
    attempt.server.answered(2.0, NOW)  # so its connections have more time to make progress
    assert not exchange.has_more_time(attempt, attempt.until)


def test_another_server_is_asked_after_the_usual_time_whatever_the_first_does() -> None:
    exchange, attempt = begun("a.example", "b.example")
    attempt.progress_at = attempt.until
    assert not exchange.has_more_time(attempt, attempt.until)
    other = exchange.expired(attempt, attempt.until)
    assert isinstance(other, Attempt)
    assert other.server is not attempt.server


def test_two_servers_whose_connections_make_progress_are_both_waited_for() -> None:
    exchange, attempt = begun("a.example", "b.example")
    other = exchange.expired(attempt, attempt.until)
    assert isinstance(other, Attempt)
    attempt.progress_at = other.progress_at = other.until
    assert exchange.has_more_time(other, other.until)
    other.progress_at = 0.0
    assert not exchange.has_more_time(other, other.until)
    third = exchange.expired(other, other.until)
    assert isinstance(third, Attempt)
    assert third.server is other.server, "the first makes progress, and is waited for"


def test_progress_is_waited_for_until_the_round_is_over() -> None:
    exchange, attempt = begun("dns.example")
    attempt.progress_at = NOW + ROUND
    assert exchange.has_more_time(attempt, NOW + ROUND - 0.01)
    assert not exchange.has_more_time(attempt, NOW + ROUND)
    assert exchange.expired(attempt, NOW + ROUND) is None
    assert exchange.late == (attempt,)


def test_a_server_that_answers_slowly_over_tcp_has_as_much_time_as_it_usually_needs() -> None:
    exchange, attempt = begun("")
    for _ in range(100):
        attempt.server.answered_stream(0.5, NOW, NOW)
    assert tcp_wait(attempt.server) == pytest.approx(1.0, abs=0.01)
    attempt.progress_at = NOW + 0.2
    assert exchange.has_more_time(attempt, NOW + 1.1)
    assert not exchange.has_more_time(attempt, NOW + 1.3)
