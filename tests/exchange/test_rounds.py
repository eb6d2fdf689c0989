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


def test_at_its_end_nothing_is_tried_and_nothing_waited_for() -> None:
    made, server = a_round()
    end = NOW + ROUND
    assert made.allows_udp(server, end - 0.01)
    assert not made.allows_udp(server, end)
    assert made.next(end) is None
    assert not made.has_more_time(server, end, end)
