"""Which server of a group is asked, and how long it is waited for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.engine.servers import Group, Server


def servers(count: int = 2) -> list[Server]:
    return [Server(f"192.0.2.{n}", 53, f"server {n}") for n in range(1, count + 1)]


def test_the_faster_is_asked_first_and_the_other_next() -> None:
    slow, fast = servers()
    slow.answered(0.2)
    fast.answered(0.01)
    group = Group("", [slow, fast])
    assert group.choose(0.0, ()) is fast
    assert group.choose(0.0, [fast]) is slow


def test_one_whose_answer_to_the_probe_is_wrong_is_asked_last_until_it_is_right() -> None:
    wrong, slow = servers()
    wrong.answered(0.01)
    slow.answered(0.2)
    group = Group("", [wrong, slow])
    wrong.note_probe(wrong=True)
    wrong.note_lame(0.0)
    assert group.choose(1e6, ()) is slow
    assert group.choose(1e6, [slow]) is wrong
    wrong.note_probe(wrong=False)
    assert group.choose(1e6, ()) is wrong


def test_three_timeouts_take_a_server_down_and_an_answer_brings_it_back() -> None:
    first, second = servers()
    second.answered(0.1)
    group = Group("", [first, second])
    for _ in range(3):
        assert first.up
        first.timed_out(10.0)
    assert not first.up
    assert group.choose(10.5, ()) is second
    first.answered(0.01)
    assert group.choose(10.5, ()) is first


def test_a_server_that_is_down_is_tried_again_once_a_second() -> None:
    first, second = servers()
    second.answered(0.1)
    group = Group("", [first, second])
    for _ in range(3):
        first.timed_out(10.0)
    asked = [group.choose(10.0 + tenth / 10, ()) for tenth in range(40)]
    assert asked.count(first) == 3


def test_when_all_are_down_all_are_still_asked() -> None:
    both = servers()
    group = Group("", both)
    for server in both:
        for _ in range(5):
            server.timed_out(10.0)
    assert group.choose(10.1, ()) in both
    assert group.choose(10.1, [both[0]]) is both[1]
    assert group.choose(10.1, both) in both


def test_a_slow_server_gets_another_chance() -> None:
    slow, fast = servers()
    slow.answered(0.5)
    fast.answered(0.05)
    group = Group("", [slow, fast])
    asked = set()
    for _ in range(3000):
        asked.add(group.choose(0.0, ()))
        fast.answered(0.05)
    assert asked == {slow, fast}


def test_an_empty_group_has_nobody() -> None:
    assert Group("", []).choose(0.0, ()) is None


@given(st.lists(st.floats(0.0001, 5.0), max_size=50))
def test_the_wait_stays_within_its_bounds(times: list[float]) -> None:
    (server,) = servers(1)
    for took in times:
        server.answered(took)
        assert 0.15 <= server.wait <= 0.8
        assert min(times) * 0.99 <= server.smoothed <= max(times) * 1.01


@pytest.mark.parametrize(("took", "least"), [(0.001, 0.15), (0.1, 0.1), (0.5, 0.5)])
def test_a_steady_server_is_waited_for_a_little_more_than_it_takes(
    took: float, least: float
) -> None:
    (server,) = servers(1)
    for _ in range(100):
        server.answered(took)
    assert least <= server.wait <= max(least * 1.2, 0.15)
