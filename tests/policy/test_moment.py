"""What is in force at a moment, and when that changes."""

import math
from dataclasses import replace

import pytest

from resolver.policy.compiled import CompiledConfig
from resolver.policy.moment import InForce, ended, ends, in_force
from tests.policy.networks import snapshot_of

FIRST, SECOND = 1000.0, 2000.0


@pytest.fixture
def compiled() -> CompiledConfig:
    """A compiled config with two exemptions; the first in the config ends last."""
    found = snapshot_of().compiled
    exemption = found.exemptions[0]
    later, earlier = (replace(exemption, ends_at=until) for until in (SECOND, FIRST))
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
