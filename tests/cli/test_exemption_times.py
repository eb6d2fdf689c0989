"""When an exemption ends, as ``darban exempt`` takes it: whole minutes."""

import datetime as dt

import pytest

from resolver import DarbanError
from resolver.cli.exempt import ExemptionTimes


def _until(text: str) -> dt.datetime:
    return ExemptionTimes(None, None, None, text).end().astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2199-03-20T18:00+00:00", "2199-03-20T18:00+00:00"),
        ("2199-03-20T18:00:01+00:00", "2199-03-20T18:01+00:00"),
        ("2199-03-20T18:00:00.5+00:00", "2199-03-20T18:01+00:00"),
        ("2199-03-20T23:59:59+03:30", "2199-03-20T20:30+00:00"),
    ],
)
def test_an_end_is_the_next_whole_minute(text: str, end: str) -> None:
    assert _until(text) == dt.datetime.fromisoformat(end)


def test_a_time_from_now_ends_at_a_whole_minute_and_not_earlier() -> None:
    before = dt.datetime.now(dt.UTC)
    end = ExemptionTimes(None, None, "2h", None).end()
    assert (end.second, end.microsecond) == (0, 0)
    assert end >= before.replace(microsecond=0) + dt.timedelta(hours=2)


def test_a_time_from_a_beginning() -> None:
    fields = ExemptionTimes("2199-01-01T08:00:30+00:00", "office", "90m", None).fields()
    assert fields["until"] == dt.datetime(2199, 1, 1, 9, 31, tzinfo=dt.UTC)
    assert fields["hours"] == "office"


@pytest.mark.parametrize(
    ("text", "why"), [("9999-12-31T23:59:30+00:00", "is too long"), ("2020-01-01", "has passed")]
)
def test_an_end_that_cannot_be(text: str, why: str) -> None:
    with pytest.raises(DarbanError, match=why):
        _until(text)
