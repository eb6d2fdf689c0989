"""How long a failure is kept: a second, and longer where the servers answer other questions."""

import pytest

from resolver.engine.failure_cache import FailureCache
from resolver.exchange.failure import Failure

KEY = b"\x03www\x00"
FAILURE = Failure(22, "no answer")


def kept_for(cache: FailureCache, at: float) -> float:
    """The seconds after ``at`` for which the failure is served, in steps of a tenth."""
    tenths = range(100)
    return sum(cache.get(KEY, at + tenth / 10 + 0.05) is FAILURE for tenth in tenths) / 10


@pytest.mark.parametrize(
    ("others_answered", "pauses"),
    [(True, [1.0, 2.0, 4.0, 5.0, 5.0]), (False, [1.0, 1.0, 1.0, 1.0, 1.0])],
)
def test_each_failure_is_kept_for_longer_only_if_others_are_answered(
    others_answered: bool, pauses: list[float]
) -> None:
    cache, at, seen = FailureCache(), 100.0, []
    for _ in pauses:
        cache.note(KEY, FAILURE, at, others_answered)
        seen.append(kept_for(cache, at))
        at += seen[-1] + 1.0
    assert seen == pauses


def test_one_round_stores_one_failure_however_often_it_is_reported() -> None:
    cache = FailureCache()
    for _ in range(3):
        cache.note(KEY, FAILURE, 100.0, True)
    assert kept_for(cache, 100.0) == 1.0


def test_after_a_while_or_an_answer_a_failure_is_the_first_again() -> None:
    cache = FailureCache()
    cache.note(KEY, FAILURE, 100.0, True)
    assert [cache.has_failed(KEY, now) for now in (109.9, 110.0)] == [True, False]
    cache.note(KEY, FAILURE, 110.0, True)
    assert kept_for(cache, 110.0) == 1.0
    cache.discard(KEY)
    assert not cache.has_failed(KEY, 110.1)
    cache.note(KEY, FAILURE, 112.0, True)
    assert kept_for(cache, 112.0) == 1.0


def test_an_answer_that_is_served_stale_leaves_the_round_after_it_whole() -> None:
    cache = FailureCache()
    cache.put(KEY, FAILURE, 130.0, 100.0)
    cache.note(KEY, FAILURE, 102.0, True)
    assert cache.get(KEY, 129.9) is FAILURE
    assert not cache.has_failed(KEY, 130.0)
