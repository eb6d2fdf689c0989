"""The bounds of one round: how often which server is tried, and until when."""

from resolver.exchange.round import ROUND, Round
from resolver.exchange.servers import Group, Server

NOW = 1000.0
CLOSED_AT_MOST = 8


def a_round() -> tuple[Round, Server]:
    server = Server("192.0.2.1", 53, "one")
    return Round(Group("", [server]), NOW, False), server


def test_a_server_is_tried_three_times_over_tcp() -> None:
    made, server = a_round()
    for _ in range(3):
        assert made.allows_tcp(server)
        made.add(server, True, NOW)
    assert not made.allows_tcp(server)


def test_a_try_whose_connection_was_closed_does_not_count() -> None:
    made, server = a_round()
    for _ in range(3):
        made.add(server, True, NOW)
    assert made.take_back()
    assert made.allows_tcp(server)
    made.add(server, True, NOW)
    assert not made.allows_tcp(server)


def test_only_so_many_tries_are_taken_back() -> None:
    made, server = a_round()
    for _ in range(CLOSED_AT_MOST):
        made.add(server, True, NOW)
        assert made.take_back()
    made.add(server, True, NOW)
    assert not made.take_back()


def test_a_server_is_left_out_for_one_transport() -> None:
    made, server = a_round()
    made.leave_out(server, True)
    assert (made.is_left_out(server, True), made.is_left_out(server, False)) == (True, False)
    made.leave_out(server, False)
    assert made.is_left_out(server, False)


def test_after_a_late_answer_a_try_has_its_whole_time() -> None:
    made, server = a_round()
    end = NOW + ROUND
    assert made.add(server, False, end - 0.001) == end
    assert made.add(server, False, end) > end
    assert made.add(server, True, end + 1) > end + 1


def test_the_second_half_of_a_round_is_for_tcp() -> None:
    made, server = a_round()
    assert made.next(NOW + ROUND / 2 - 0.01) == (server, False)
    assert made.next(NOW + ROUND / 2) == (server, True)


def test_a_server_that_answers_over_tcp_only_is_tried_over_tcp() -> None:
    made, server = a_round()
    for _ in range(3):
        server.answered_stream(0.01, NOW - 60, NOW - 59)
    assert made.next(NOW) == (server, True)


def test_at_its_end_nothing_is_tried_and_nothing_waited_for() -> None:
    made, server = a_round()
    end = NOW + ROUND
    assert made.allows_udp(server, end - 0.01)
    assert not made.allows_udp(server, end)
    assert made.next(end) is None
    assert not made.has_more_time(server, end, end)
