"""When hours begin or end next, as ``darban status`` says it."""

import datetime as dt

from resolver.metrics.status import hours
from tests.policy.networks import HOURLY, snapshot_of

TEHRAN = dt.timezone(dt.timedelta(hours=3.5))
TUESDAY = dt.datetime(2026, 11, 24, tzinfo=TEHRAN).timestamp()
AFTER_THE_LAST_YEAR = 1e10
COMPILED = snapshot_of(HOURLY).compiled


def test_the_next_change_is_said_where_there_is_one() -> None:
    (before,) = hours(COMPILED, TUESDAY)
    assert before.changes == TUESDAY + 7.5 * 3600
    (after,) = hours(COMPILED, AFTER_THE_LAST_YEAR)
    assert after.changes is None
