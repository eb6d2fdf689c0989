"""The hours at which a policy blocks a service, and their next change."""

import datetime as dt
import math

import pytest

from resolver.policy.clauses import Action
from resolver.policy.compiled import CompiledConfig
from resolver.policy.service_hours import service_hours
from tests.policy.networks import HOURLY, snapshot_of

BLOCK = Action.BLOCK
NIGHT = """
[hours.night]
days = ["sat"]
from = "12:00"
to = "20:00"
"""
TWO_HOURS = (
    HOURLY.replace(
        '{ hours = "office", block = ["one"] }',
        '{ hours = "office", block = ["one"] }, { hours = "night", block = ["one"] }',
    )
    + NIGHT
)


def _tehran(day: int, hour: int, minute: int = 0) -> float:
    zone = dt.timezone(dt.timedelta(hours=3.5))
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=zone).timestamp()


@pytest.fixture
def compiled() -> CompiledConfig:
    return snapshot_of(HOURLY).compiled


@pytest.mark.parametrize(
    ("at", "changes"),
    [
        (_tehran(24, 7), _tehran(24, 7, 30)),
        (_tehran(24, 7, 30), _tehran(24, 14, 30)),
        (_tehran(25, 14, 30), _tehran(28, 7, 30)),  # over Thursday and Friday
    ],
)
def test_a_service_that_is_blocked_within_hours(
    compiled: CompiledConfig, at: float, changes: float
) -> None:
    found = service_hours(compiled, compiled.policies[0], 0, BLOCK, at)
    assert (found.text, found.changes) == ("within office", changes)


def test_a_service_that_is_blocked_at_all_hours_or_never(compiled: CompiledConfig) -> None:
    for policy, service in ((0, 1), (1, 0), (1, 1)):
        found = service_hours(compiled, compiled.policies[policy], service, BLOCK, _tehran(24, 7))
        assert (found.text, found.changes) == ("", math.inf)


def test_one_that_is_blocked_outside_of_hours() -> None:
    compiled = snapshot_of(
        HOURLY.replace('hours = "office", block', 'outside = "office", block')
    ).compiled
    found = service_hours(compiled, compiled.policies[0], 0, BLOCK, _tehran(24, 7))
    assert (found.text, found.changes) == ("outside office", _tehran(24, 7, 30))


def test_where_one_hours_go_on_as_others_end_nothing_changes() -> None:
    compiled = snapshot_of(TWO_HOURS).compiled
    found = service_hours(compiled, compiled.policies[0], 0, BLOCK, _tehran(28, 8))
    assert (found.text, found.changes) == ("within office, within night", _tehran(28, 20))


def test_after_the_last_year_nothing_changes(compiled: CompiledConfig) -> None:
    assert service_hours(compiled, compiled.policies[0], 0, BLOCK, 1e10).changes == math.inf


def test_a_block_begins_next_where_the_service_is_counted_first() -> None:
    evening = '[hours.evening]\ndays = ["tue"]\nfrom = "18:00"\nto = "20:00"\n'
    during = 'hours = "office", block = ["one"] }, { hours = "evening", count = ["one"] }'
    config = HOURLY.replace('hours = "office", block = ["one"] }', during) + evening
    compiled = snapshot_of(config).compiled
    blocked = service_hours(compiled, compiled.policies[0], 0, BLOCK, _tehran(24, 16))
    assert (blocked.text, blocked.changes) == ("within office", _tehran(25, 7, 30))
    counted = service_hours(compiled, compiled.policies[0], 0, Action.COUNT, _tehran(24, 16))
    assert (counted.text, counted.changes) == ("within evening", _tehran(24, 18))
