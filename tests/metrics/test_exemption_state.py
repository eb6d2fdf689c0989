"""When an exemption ends soon: not while it has more time left than it has lasted."""

from dataclasses import replace
from pathlib import Path

import pytest

from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import exemptions
from resolver.policy.compiled import CompiledConfig
from tests.compiler.texts import compile_texts
from tests.metrics.counted_config import CONFIG, LISTS

HOUR, DAY = 3600.0, 86_400.0
NOW = 1_795_000_000.0
WITH_ONE = compile_texts(CONFIG, LISTS).compiled
NONE = replace(WITH_ONE, exemptions=(), exempted_prefixes=())


def served(place: Path, compiled: CompiledConfig = NONE) -> ServedConfig:
    """A server that has started with this config, or without an exemption."""
    return ServedConfig(place / "config.toml", place, compiled, place / "0", NOW)


def state(found: ServedConfig, at: float) -> str:
    (exemption,) = exemptions(found.compiled, at, found.exempted_since)
    return exemption.state


@pytest.mark.parametrize(
    ("lasts", "soon_after"), [(2 * HOUR, HOUR), (4 * DAY, 2 * DAY), (30 * DAY, 27 * DAY)]
)
def test_an_exemption_ends_soon_in_its_second_half_and_its_last_three_days(
    tmp_path: Path, lasts: float, soon_after: float
) -> None:
    (one,) = WITH_ONE.exemptions
    given = replace(WITH_ONE, exemptions=(replace(one, until=NOW + lasts),))
    found = served(tmp_path)
    found.put_in_force(given, Path("1"), NOW)
    found.put_in_force(given, Path("2"), NOW + soon_after / 2)
    assert state(found, NOW) == "in force"
    assert state(found, NOW + soon_after - 1) == "in force"
    assert state(found, NOW + soon_after + 1) == "ends soon"
    assert state(found, NOW + lasts + 1) == "ended"


def test_one_that_the_server_started_with_may_be_old(tmp_path: Path) -> None:
    (one,) = WITH_ONE.exemptions
    given = replace(WITH_ONE, exemptions=(replace(one, until=NOW + 2 * HOUR),))
    found = served(tmp_path, given)
    assert state(found, NOW) == "ends soon"
    found.put_in_force(given, Path("1"), NOW)
    assert state(found, NOW) == "ends soon"


def test_one_that_begins_at_a_moment_lasts_from_then(tmp_path: Path) -> None:
    (one,) = WITH_ONE.exemptions
    until = replace(one, from_=NOW, until=NOW + 2 * HOUR)
    found = served(tmp_path, replace(WITH_ONE, exemptions=(until,)))
    assert state(found, NOW + 1) == "in force"
    assert state(found, NOW + HOUR + 1) == "ends soon"
