"""When a policy was in force and tested, by the minutes of a node."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from resolver.audit.coverage import FAILED, NO_RECORD, NOT_SERVING, UNTESTED, Interval, intervals
from resolver.audit.figures.counts import Minute, SelfTestResult

HELD = SelfTestResult.HELD


def minute(
    number: int, policy: str = "2:aa", serving: bool = True, tested: SelfTestResult = HELD
) -> Minute:
    return Minute(number * 60, policy, serving, tested)


def test_a_node_that_stood_and_one_that_was_wrong() -> None:
    minutes = [
        *(minute(0), minute(1)),
        minute(2, serving=False),
        minute(5),
        minute(6, tested=SelfTestResult.FAILED),
        minute(7, "2:bb", tested=SelfTestResult.UNTESTED),
        minute(8, "2:bb"),
    ]
    assert list(intervals(minutes, 0, 660)) == [
        Interval(0, 120, "2:aa", ""),
        Interval(120, 180, "2:aa", NOT_SERVING),
        Interval(180, 300, "", NO_RECORD),
        Interval(300, 360, "2:aa", ""),
        Interval(360, 420, "2:aa", FAILED),
        Interval(420, 480, "2:bb", UNTESTED),
        Interval(480, 540, "2:bb", ""),
        Interval(540, 660, "", NO_RECORD),
    ]


def test_the_minute_that_runs_is_no_gap() -> None:
    assert list(intervals([minute(0)], 0, 119)) == [Interval(0, 60, "2:aa", "")]


def test_the_hash_of_an_earlier_release_is_another_policy() -> None:
    """An upgrade may give a policy a hash of another version: nothing says that it is the same."""
    hashes = ("ab", "2:aa", "3:aa", "4:aa")  # 0.1.0 had no version
    minutes = [minute(number, policy) for number, policy in enumerate(hashes)]
    found = list(intervals(minutes, 0, 240))
    assert [(interval.policy, interval.why) for interval in found] == [(of, "") for of in hashes]


def test_a_node_without_figures() -> None:
    assert list(intervals([], 60, 600)) == [Interval(60, 600, "", NO_RECORD)]


@given(
    st.dictionaries(
        st.integers(0, 30),
        st.tuples(
            st.sampled_from(["2:aa", "2:bb"]), st.booleans(), st.sampled_from(SelfTestResult)
        ),
    )
)
def test_the_intervals_have_no_hole(made: dict[int, tuple[str, bool, SelfTestResult]]) -> None:
    minutes = [Minute(at * 60, *rest) for at, rest in sorted(made.items())]
    found = list(intervals(minutes, 0, 31 * 60))
    assert (found[0].begin, found[-1].end) == (0, 31 * 60)
    for one, next_one in itertools.pairwise(found):
        assert one.end == next_one.begin
        assert (one.policy, one.why) != (next_one.policy, next_one.why)
    held = sum(interval.length for interval in found if not interval.why)
    assert held == 60 * sum(item.serving and item.tested is HELD for item in minutes)
