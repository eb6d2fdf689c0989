"""What is in force at a moment, and when that changes."""

import math
from dataclasses import replace

import pytest

from resolver.policy.compiled import CompiledConfig
from resolver.policy.moment import (
    InForce,
    all_hours,
    depends_on_clock,
    ended,
    ends,
    hours_ahead,
    in_force,
    next_change,
)
from tests.policy.networks import HOURLY, snapshot_of

FIRST, SECOND = 1000.0, 2000.0


@pytest.fixture
def compiled() -> CompiledConfig:
    """A compiled config with two exemptions; the first in the config ends last."""
    found = snapshot_of().compiled
    exemption = found.exemptions[0]
    later, earlier = (replace(exemption, until=until) for until in (SECOND, FIRST))
    return replace(found, exemptions=(later, earlier), exempted_prefixes=())


def test_an_exemption_is_in_force_until_its_end_and_not_at_it() -> None:
    assert not ended(FIRST, FIRST - 0.001)
    assert ended(FIRST, FIRST)


@pytest.mark.parametrize(
    ("wall", "exemptions", "since", "until"),
    [
        (0.0, {0, 1}, 0.0, FIRST),
        (FIRST, {0}, FIRST, SECOND),
        (SECOND - 0.001, {0}, FIRST, SECOND),
        (SECOND, set(), SECOND, math.inf),
    ],
)
def test_what_is_in_force_lasts_until_the_next_end(
    compiled: CompiledConfig, wall: float, exemptions: set[int], since: float, until: float
) -> None:
    found = in_force(compiled, wall)
    assert found == InForce(frozenset(exemptions), frozenset(), since, until)
    for moment in (0.0, FIRST - 0.001, FIRST, SECOND - 0.001, SECOND):
        same = in_force(compiled, moment).exemptions == found.exemptions
        assert found.lasts(moment) is same


def test_each_exemption_has_an_end(compiled: CompiledConfig) -> None:
    assert [until for _, until in ends(compiled)] == [SECOND, FIRST]


def test_a_config_depends_on_the_clock_where_anything_of_it_begins_or_ends(
    compiled: CompiledConfig,
) -> None:
    assert depends_on_clock(compiled, 0.0), "before all of it"
    assert depends_on_clock(compiled, SECOND), "after all of it"
    assert not depends_on_clock(replace(compiled, exemptions=()), 0.0)


def test_hours_change_next_at_a_moment_after_this_one() -> None:
    [office] = snapshot_of(HOURLY).compiled.hours
    first, second = office.moments[:2]
    assert next_change(office, first - 1) == first
    assert next_change(office, first) == second
    assert next_change(office, office.moments[-1]) == math.inf


def test_the_sets_of_hours_are_those_that_hold_at_some_moment() -> None:
    compiled = snapshot_of(HOURLY).compiled
    [office] = compiled.hours
    nothing, holds = frozenset[int](), frozenset({0})
    assert all_hours(compiled) == [nothing, holds]
    always = replace(compiled, hours=(replace(office, moments=office.moments[:1]),))
    assert all_hours(always) == [nothing, holds], "also what holds before the first moment"
    begins, ends_ = office.moments[:2]
    assert hours_ahead(compiled, wall=begins - 1)[0] == (nothing,)
    assert hours_ahead(compiled, wall=begins)[0] == (holds,)
    assert set(hours_ahead(compiled, compiled, wall=ends_)) == {(nothing,) * 2, (holds,) * 2}
    assert hours_ahead(compiled, wall=office.moments[-1] + 1) == [(nothing,)]


def test_what_holds_since_the_first_moment_of_hours_holds_since_then() -> None:
    compiled = snapshot_of(HOURLY).compiled
    begins, ends_ = compiled.hours[0].moments[:2]
    found = in_force(compiled, begins)
    assert (found.since, found.until) == (begins, ends_)
    assert in_force(compiled, ends_).since == ends_
