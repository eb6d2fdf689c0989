"""The answer of a filter is kept for a minute at most, and is never given stale."""

from collections.abc import Sequence

from dnslib import RR, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import codes, names
from resolver.dns.render import QueryProfile
from resolver.engine.cache import AnswerCache
from resolver.exchange.attempt import Attempt
from resolver.exchange.entry import FILTER_TTL, CacheEntry
from resolver.exchange.exchange import Exchange
from resolver.exchange.failure import Failure
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.servers import Group, Server
from resolver.policy.compiled import FilterRange
from resolver.policy.filter_addresses import FilterAddresses
from tests.exchange.rendered_entries import ttls_of

FILTER = FilterAddresses([FilterRange(bytes([10, 10, 34, 34]), 31, "", "national.filter", 1)])
FAILED = Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "silence")
IDENT = 0x1234
NOW = 1000.0


def _question(name: str) -> UpstreamQuestion:
    return UpstreamQuestion(names.parse(name), QueryProfile(0x0100, qtype=codes.A), b"")


def received(
    answer: Sequence[str], group: str = "", name: str = "www.example", now: float = NOW
) -> CacheEntry:
    """The result of an exchange with a server that answers so."""
    exchange = Exchange(_question(name))
    server = Server("192.0.2.1", 53, "192.0.2.1")
    attempt = exchange.begin(Group(group, [server], (), FILTER), now)
    assert isinstance(attempt, Attempt)
    message = DNSRecord.parse(IDENT.to_bytes(2, "big") + attempt.message).reply(ra=1, aa=0)
    message.add_answer(*(rr for text in answer for rr in RR.fromZone(text)))
    result = exchange.received(attempt, bytes(message.pack()), IDENT, now)
    assert isinstance(result, CacheEntry)
    return result


def test_an_answer_of_the_filter_says_so_and_lives_a_minute() -> None:
    entry = received(["www.example. 86400 A 10.10.34.34", "www.example. 30 A 10.10.34.35"])
    assert entry.filter_address == bytes([10, 10, 34, 34])
    assert ttls_of(entry) == [FILTER_TTL, 30]
    [error] = entry.errors
    assert error[:2] == codes.EDE_FORGED_ANSWER.to_bytes(2, "big")
    assert b"not this network's policy" in error


def test_other_answers_and_those_of_a_forward_zone_are_none() -> None:
    others = received(["www.example. 86400 A 10.10.34.37"])
    forwarded = received(["www.example. 86400 A 10.10.34.34"], "forward:0")
    for entry in (others, forwarded):
        assert (entry.filter_address, entry.errors, ttls_of(entry)) == (b"", (), [86400])


@given(st.integers(0, 2**31 - 1), st.floats(0, 200_000), st.booleans())
def test_it_is_never_given_after_a_minute(ttl: int, age: float, has_failed: bool) -> None:
    question, cache = _question("www.example"), AnswerCache(1 << 20)
    cache.remember(question.key, received([f"www.example. {ttl} A 10.10.34.34"]), NOW)
    now = NOW + age
    if has_failed:
        cache.failures.put(question.key, FAILED, now + 30, now)
    found = cache.get(question.key, now)
    is_fresh = age < min(ttl, FILTER_TTL)
    assert (found is not None) == is_fresh
    assert (cache.look(question.key, now) is not None) == is_fresh
    assert cache.has_stale(question.key, now) == is_fresh
    if found is not None:
        assert found.refresh_after >= found.expires, "it is never refreshed ahead"
        found.aged(now)
        assert ttls_of(found)[0] <= FILTER_TTL - int(age)
    if not is_fresh:
        assert cache.serve_stale(question, FAILED, now) is FAILED


@given(st.integers(1, 2**31 - 1), st.floats(0, 59.9), st.floats(0, 200))
def test_a_chain_that_ends_in_it_lives_no_longer(ttl: int, joined_after: float, age: float) -> None:
    question, cache = _question("www.example"), AnswerCache(1 << 20)
    end = received([f"end.example. {ttl} A 10.10.34.34"], name="end.example")
    now = NOW + joined_after
    alias = received(["www.example. 86400 CNAME end.example."], now=now)
    whole = cache.join(question, alias, end, b"", now)
    assert whole.filter_address == end.filter_address
    assert whole.errors == end.errors
    assert whole.expires <= NOW + FILTER_TTL
    assert whole.refresh_after >= whole.expires
    found = cache.get(question.key, NOW + age)
    assert found is None or age < FILTER_TTL


def test_it_takes_the_place_of_an_honest_answer_and_a_later_one_its_place() -> None:
    question, cache = _question("www.example"), AnswerCache(1 << 20)
    honest, forged = ["www.example. 300 A 192.0.2.1"], ["www.example. 300 A 10.10.34.34"]
    for answer, marked in ((honest, False), (forged, True), (honest, False)):
        cache.remember(question.key, received(answer), NOW)
        found = cache.get(question.key, NOW)
        assert found is not None
        assert bool(found.filter_address) == marked
    assert cache.has_stale(question.key, NOW + 400)
