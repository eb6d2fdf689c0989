"""Which connection is closed where all places are taken."""

from resolver.web.connection_limit import PLACES, ConnectionPlaces


def test_requests_that_never_come_to_an_end_close_each_other_and_no_response() -> None:
    closed: list[int] = []
    places = ConnectionPlaces(closed.append)
    places.enter(-1)
    places.has_asked(-1)
    for connection in range(10 * PLACES):
        places.enter(connection)
    assert closed == list(range(9 * PLACES))


def test_unread_responses_close_each_other_and_no_request() -> None:
    closed: list[int] = []
    places = ConnectionPlaces(closed.append)
    places.enter(-1)
    for connection in range(10 * PLACES):
        places.enter(connection)
        places.has_asked(connection)
    assert closed == list(range(9 * PLACES))
    places.has_asked(-1)


def test_who_leaves_makes_room() -> None:
    closed: list[int] = []
    places = ConnectionPlaces(closed.append)
    for connection in range(10 * PLACES):
        places.enter(connection)
        if connection % 2:
            places.has_asked(connection)
        places.leave(connection)
    assert closed == []
