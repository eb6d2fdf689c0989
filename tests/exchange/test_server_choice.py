"""Which server of a group is asked, and how long it is waited for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.exchange.servers import FIRST_WAIT, Group, Server


def servers(count: int = 2) -> list[Server]:
    return [Server(f"192.0.2.{n}", 53, f"server {n}") for n in range(1, count + 1)]


def timed_out(server: Server, now: float) -> None:
    """Three questions in a row that it does not answer."""
    for _ in range(3):
        assert server.up
        server.timed_out(now)
    assert not server.up


def test_the_faster_is_asked_first_and_the_other_next() -> None:
    slow, fast = servers()
    slow.answered(0.2, 0.0)
    fast.answered(0.01, 0.0)
    group = Group("", [slow, fast])
    assert group.first(0.0) is fast
    assert group.next(0.0, [fast], (), False) is slow


def test_one_whose_answer_to_the_probe_is_wrong_is_asked_last_until_it_is_right() -> None:
    wrong, slow = servers()
    wrong.answered(0.01, 0.0)
    slow.answered(0.2, 0.0)
    group = Group("", [wrong, slow])
    wrong.note_probe(wrong=True)
    wrong.note_lame(0.0)
    assert group.first(1e6) is slow
    assert group.next(1e6, [slow], [slow], False) is wrong
    wrong.note_probe(wrong=False)
    assert group.first(1e6) is wrong


def test_three_timeouts_take_a_server_down_and_an_answer_brings_it_back() -> None:
    first, second = servers()
    second.answered(0.1, 0.0)
    group = Group("", [first, second])
    timed_out(first, 10.0)
    assert group.first(10.5) is second
    first.answered(0.01, 10.5)
    assert group.first(10.5) is first


def test_a_server_that_is_up_is_asked_three_times_before_one_that_is_down() -> None:
    first, second = servers()
    second.answered(0.1, 0.0)
    group = Group("", [first, second])
    timed_out(first, 10.0)
    tried = [second]
    while (server := group.next(10.0, tried, (), False)) is not None:
        tried.append(server)
    assert tried == [second] * 3 + [first] * 3


def test_when_all_are_down_all_are_still_asked() -> None:
    both = servers()
    group = Group("", both)
    for server in both:
        timed_out(server, 10.0)
    assert group.first(10.1) in both
    assert group.next(10.1, [both[0]], (), False) is both[1]
    assert group.next(10.1, both, (), False) in both


def test_a_server_that_is_out_is_not_asked() -> None:
    first, second = servers()
    group = Group("", [first, second])
    assert group.next(0.0, [first], [second], False) is first
    assert group.next(0.0, [first], [first, second], False) is None


def test_a_slow_server_gets_another_chance() -> None:
    slow, fast = servers()
    slow.answered(0.5, 0.0)
    fast.answered(0.05, 0.0)
    group = Group("", [slow, fast])
    asked = set()
    for _ in range(3000):
        asked.add(group.first(0.0))
        fast.answered(0.05, 0.0)
    assert asked == {slow, fast}


def test_a_slow_server_is_not_waited_for_where_another_can_be_asked() -> None:
    slow, fast = servers()
    slow.answered(2.0, 0.0)
    assert Group("", [slow]).least_wait(slow) == 2.5
    assert Group("", [slow, fast]).least_wait(slow) == FIRST_WAIT


def test_an_empty_group_has_nobody() -> None:
    assert Group("", []).first(0.0) is None


@given(st.lists(st.floats(0.0001, 5.0), max_size=50))
def test_the_wait_stays_within_its_bounds(times: list[float]) -> None:
    (server,) = servers(1)
    for took in times:
        server.answered(took, 0.0)
        assert 0.04 <= server.rto <= 2.5
        assert min(times) * 0.99 <= server.srtt <= max(times) * 1.01


@pytest.mark.parametrize("took", [0.001, 0.1, 0.5, 1.9])
def test_a_steady_server_is_waited_for_a_little_more_than_it_takes(took: float) -> None:
    (server,) = servers(1)
    for _ in range(100):
        server.answered(took, 0.0)
    assert took * 1.2 <= server.rto <= max(took * 1.3, took + 0.05)


def test_a_server_of_which_nothing_comes_is_waited_for_longer_until_it_answers() -> None:
    (server,) = servers(1)
    server.answered(0.001, 10.0)
    group = Group("", [server])
    usual = server.rto_base
    server.back_off(10.1)
    assert group.wait(server, 10.1) == 2 * usual
    assert group.least_wait(server) == usual
    for _ in range(10):
        server.back_off(10.1)
    assert group.wait(server, 10.1) == FIRST_WAIT
    server.answered(0.001, 12.0)
    assert group.wait(server, 10.1) == group.wait(server, 12.1) == usual


def test_a_lost_packet_does_not_change_the_wait_for_a_server_that_answers_others() -> None:
    (server,) = servers(1)
    server.answered(0.001, 10.0)
    usual = server.rto
    server.back_off(9.99)
    assert server.rto == usual


def test_an_answer_of_any_server_shows_that_a_silent_one_need_not_be_waited_for() -> None:
    silent, good = servers()
    for server in (silent, good):
        server.answered(0.001, 10.0)
    group = Group("", [silent, good])
    silent.back_off(10.1)
    assert group.wait(silent, 10.1) == 2 * silent.rto_base
    good.answered(0.001, 10.2)
    assert group.wait(silent, 10.1) == silent.rto_base
    assert group.wait(silent, 10.3) == 2 * silent.rto_base


def test_a_server_that_answers_over_tcp_alone_is_known_as_such_until_something_comes_over_udp() -> (
    None
):
    (server,) = servers(1)
    server.answered(0.01, 10.0)
    group = Group("", [server])
    for number in range(3):
        assert not server.stream_only
        server.answered_stream(0.02, 11.0 + number, 12.0 + number)
    assert server.stream_only
    assert group.next(15.0, (), (), False) is None
    assert group.next(15.0, (), (), True) is server
    server.answered(0.01, 20.0)
    assert not server.stream_only


def test_an_answer_over_udp_meanwhile_shows_that_packets_are_lost_and_udp_works() -> None:
    (server,) = servers(1)
    for number in range(9):
        server.answered(0.01, 11.0 + number)
        server.answered_stream(0.02, 10.9 + number, 11.5 + number)
    assert not server.stream_only
