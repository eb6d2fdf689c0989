"""When the questions of a domain go to the fallback servers."""

import pytest

from resolver.dns import codes, names, render
from resolver.dns.render import QueryProfile
from resolver.exchange.entry import CacheEntry, no_such_type
from resolver.exchange.failure import no_answer
from resolver.exchange.fallback import GROUP, Fallback
from resolver.exchange.question import UpstreamQuestion

PROFILE = QueryProfile(0x0100, qtype=1)
FAILED = no_answer(0)
THREE = ("www.a.ir", "www.b.ir", "www.c.ir")


def question(name: str, group: bytes = b"") -> UpstreamQuestion:
    return UpstreamQuestion(names.parse(name), PROFILE, group)


def servfail(*errors: int) -> CacheEntry:
    told = tuple(render.extended_error(error, "a text") for error in errors)
    return CacheEntry(False, codes.SERVFAIL, b"", (0, 0, 0), b"", 1, 0.0, errors=told)


def silent(at: float = 0.0) -> Fallback:
    """With fallback servers, while the probe of a name abroad has no answer."""
    made = Fallback()
    made.use(True)
    made.note_probe(True, at)
    return made


def is_cut(fallback: Fallback, name: str = "new.d.ir") -> bool:
    return fallback.domain_of(question(name)) != b""


def test_nothing_is_a_cut_before_the_config_is_known() -> None:
    fallback = Fallback()
    fallback.note_probe(True, 0.0)
    for name in THREE:
        fallback.note(question(name), FAILED, 100.0)
    assert not is_cut(fallback)


def test_three_names_without_an_answer_are_a_cut_of_their_domain_alone() -> None:
    fallback = silent()
    for number, name in enumerate(THREE):
        assert not is_cut(fallback)
        fallback.note(question(name), FAILED, 100.0 + number)
    assert is_cut(fallback)
    assert not is_cut(fallback, "new.example.com")
    assert not is_cut(fallback, ".")
    assert fallback.domain_of(question("new.d.ir", b"other group")) == b""


@pytest.mark.parametrize(
    "asked",
    [
        ("www.a.ir", "www.b.ir"),
        ("www.a.ir", "mail.a.ir", "ns.a.ir", "x.y.a.ir"),
        ("www.a.ir", "www.b.ir", "www.c.com"),
        (".", ".", "."),
    ],
    ids=["two", "of one zone", "of two domains", "the root"],
)
def test_fewer_names_are_no_cut(asked: tuple[str, ...]) -> None:
    fallback = silent()
    for name in asked:
        fallback.note(question(name), FAILED, 100.0)
    assert not fallback.cut


@pytest.mark.parametrize(("seconds", "cut"), [(30.0, True), (30.5, False)])
def test_names_that_failed_over_a_minute_ago_count_no_more(seconds: float, cut: bool) -> None:
    fallback = silent()
    for number, name in enumerate(THREE):
        fallback.note(question(name), FAILED, 100.0 + seconds * number)
    assert bool(fallback.cut) is cut


def test_a_domain_that_was_answered_a_moment_ago_is_not_cut() -> None:
    fallback = silent()
    fallback.note(question("www.d.ir"), no_such_type(95.0), 95.0)
    for name in THREE:
        fallback.note(question(name), FAILED, 100.0)
    assert not fallback.cut
    fallback.note(question(THREE[0]), FAILED, 104.9)
    assert not fallback.cut
    fallback.note(question(THREE[0]), FAILED, 105.0)
    assert fallback.cut == {b"ir"}


def test_while_names_abroad_are_found_nothing_is_cut() -> None:
    fallback = silent()
    fallback.note_probe(False, 50.0)
    for name in THREE:
        fallback.note(question(name), FAILED, 100.0)
    assert not fallback.cut
    fallback.note_probe(True, 101.0)
    assert fallback.cut == {b"ir"}


@pytest.mark.parametrize("code", range(6, 13))
def test_a_bogus_answer_is_no_sign_of_a_cut(code: int) -> None:
    fallback = silent()
    for name in THREE:
        fallback.note(question(name), servfail(22, code), 100.0)
    assert not fallback.cut


def test_other_errors_are_signs_of_a_cut() -> None:
    fallback = silent()
    for name, errors in zip(THREE, ((), (22,), (23, 0)), strict=True):
        fallback.note(question(name), servfail(*errors), 100.0)
    assert fallback.cut == {b"ir"}


def test_the_first_answer_of_the_group_ends_the_cut() -> None:
    fallback = silent()
    for name in THREE:
        fallback.note(question(name), FAILED, 100.0)
    fallback.note(question("new.d.ir").to(GROUP), no_such_type(101.0), 101.0)
    assert fallback.cut
    fallback.note(question("new.d.ir"), no_such_type(102.0), 102.0)
    assert not fallback.cut


def of_the_filter(now: float) -> CacheEntry:
    entry = no_such_type(now)
    entry.mark_filter(bytes((10, 10, 34, 34)))
    return entry


def test_an_answer_of_the_filter_ends_no_cut_and_is_no_sign_of_one() -> None:
    fallback = silent()
    for name in THREE:
        fallback.note(question(name), of_the_filter(100.0), 100.0)
    assert not fallback.cut
    for name in THREE:
        fallback.note(question(name), FAILED, 100.0)
    assert fallback.cut == {b"ir"}
    fallback.note(question("new.d.ir"), of_the_filter(101.0), 101.0)
    assert fallback.cut == {b"ir"}


def test_names_that_failed_before_an_answer_count_no_more() -> None:
    fallback = silent()
    for name in THREE[:2]:
        fallback.note(question(name), FAILED, 100.0)
    fallback.note(question("new.d.ir"), no_such_type(101.0), 101.0)
    fallback.note(question(THREE[2]), FAILED, 112.0)
    assert not fallback.cut


def test_names_that_failed_before_the_cut_ended_count_no_more() -> None:
    fallback = silent()
    for name in THREE:
        fallback.note(question(name), FAILED, 100.0)
    fallback.note(question("new.d.ir"), no_such_type(102.0), 102.0)
    for number, name in enumerate(THREE):
        assert not fallback.cut
        fallback.note(question(name), FAILED, 113.0 + number)
    assert fallback.cut == {b"ir"}


def test_a_question_goes_to_the_group_as_well_every_five_seconds() -> None:
    fallback = silent()
    for name in THREE:
        fallback.note(question(name), FAILED, 100.0)
    turns = [at for at in range(100, 121) if fallback.takes_turn(b"ir", float(at))]
    assert turns == [105, 110, 115, 120]


def test_without_fallback_servers_nothing_is_cut() -> None:
    fallback = silent()
    for name in THREE:
        fallback.note(question(name), FAILED, 100.0)
    fallback.use(False)
    assert not fallback.cut
    for name in THREE:
        fallback.note(question(name), FAILED, 101.0)
    assert not fallback.cut


def test_made_up_domains_do_not_crowd_out_one_that_is_cut() -> None:
    fallback = silent()
    for name in THREE:
        fallback.note(question(name), FAILED, 100.0)
    for number in range(5000):
        fallback.note(question(f"www.x{number}"), FAILED, 101.0)
    assert fallback.cut == {b"ir"}
    assert len(fallback._domains) <= 2000


def test_where_all_domains_are_cut_one_more_is_noted_all_the_same() -> None:
    fallback = silent()
    for number in range(2000):
        for zone in "abc":
            fallback.note(question(f"www.{zone}.x{number}"), FAILED, 100.0)
    assert len(fallback.cut) == 2000
    fallback.note(question("www.a.ir"), FAILED, 100.0)
    assert fallback.domain_of(question("www.a.ir")) == b""


def test_a_question_for_the_fallback_servers_has_the_key_of_its_entry() -> None:
    asked = question("www.a.ir")
    theirs = asked.to(GROUP)
    assert theirs.key != asked.key
    assert theirs.entry_key == asked.entry_key == asked.key
