"""An answer of the national filter says nothing of the server that was asked."""

import pytest
from dnslib import RR, DNSRecord

from resolver.dns import names
from resolver.dns.render import QueryProfile
from resolver.exchange.attempt import Attempt
from resolver.exchange.entry import CacheEntry
from resolver.exchange.exchange import Exchange
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.second_answer import NATIONAL_FILTER
from resolver.exchange.servers import Group, Server
from resolver.policy.upstream_groups import forward_group
from tests.exchange.filtered import FILTER, FILTERED

QUESTION = UpstreamQuestion(names.parse("www.example.org"), QueryProfile(0x0100, qtype=1), b"")
IDENT = 0x1234
NOW = 1000.0


def reply(attempt: Attempt, address: str = FILTERED) -> bytes:
    asked = DNSRecord.parse(IDENT.to_bytes(2, "big") + attempt.message)
    made = asked.reply(ra=1, aa=0)
    made.add_answer(*RR.fromZone(f"www.example.org. 300 IN A {address}"))
    return bytes(made.pack())


def server(name: str, seconds: float) -> Server:
    """A server that has always answered after so many seconds."""
    made = Server("192.0.2.1", 53, name)
    for _ in range(20):
        made.answered(seconds, NOW - 100)
    return made


def filtered(group: Group, now: float = NOW) -> Server:
    """The server that a question was asked of, whose answer is the filter's, after 5 ms."""
    exchange = Exchange(QUESTION)
    attempt = exchange.begin(group, now)
    assert isinstance(attempt, Attempt)
    result = exchange.received(attempt, reply(attempt), IDENT, now + 0.005)
    assert isinstance(result, CacheEntry)
    return attempt.server


def test_forty_fast_answers_of_the_filter_do_not_make_a_far_server_the_first() -> None:
    near, far = server("near", 0.02), server("far", 0.12)
    for number in range(40):
        filtered(Group("", [far], filter_addresses=FILTER), NOW + number)
    assert far.srtt == pytest.approx(0.12)
    assert far.last_answer_at == NOW - 100
    assert Group("", [far, near]).first(NOW + 50) is near


def test_a_server_that_is_down_stays_down_and_its_probe_is_due() -> None:
    down = server("down", 0.02)
    for _ in range(3):
        down.timed_out(NOW - 10)
    probe_at = down.probe_at
    assert filtered(Group("", [down], filter_addresses=FILTER), NOW - 9) is down
    assert (down.up, down.probe_at) == (False, probe_at)


def test_over_tcp_it_does_not_show_that_tcp_alone_works() -> None:
    asked = server("asked", 0.02)
    group = Group("", [asked], filter_addresses=FILTER)
    for number in range(3):
        exchange = Exchange(QUESTION)
        first = exchange.begin(group, NOW + number)
        assert isinstance(first, Attempt)
        attempt = exchange.suspected(first, NOW + number)
        assert isinstance(attempt, Attempt)
        assert attempt.stream
        exchange.received(attempt, reply(attempt), IDENT, NOW + number)
    assert not asked.stream_only


@pytest.mark.parametrize(
    ("address", "result", "up"),
    [(FILTERED, NATIONAL_FILTER, False), ("192.0.2.80", "answered", True)],
)
def test_it_does_not_answer_the_probe_of_a_server_that_is_down(
    address: str, result: str, up: bool
) -> None:
    other, down = server("other", 0.02), server("down", 0.02)
    for _ in range(3):
        down.timed_out(NOW - 10)
    exchange = Exchange(QUESTION)
    exchange.begin(Group("", [other, down], filter_addresses=FILTER), NOW)
    probe = exchange.probe
    assert probe is not None
    assert probe.server is down
    assert exchange.probed(probe, reply(probe, address), IDENT, NOW + 0.005) == result
    assert down.up is up


def test_the_same_address_of_a_server_of_a_forwarded_zone_is_an_answer_of_it() -> None:
    own = server("own", 0.02)
    filtered(Group(forward_group(0), [own], filter_addresses=FILTER))
    assert own.last_answer_at == NOW + 0.005
