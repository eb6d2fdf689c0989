"""Queries below .local and .internal are counted unless a forward zone has them."""

import pytest

from tests.scenarios.file import SCENARIOS, read
from tests.scenarios.stage import Stage


@pytest.mark.parametrize("name", ["internal", "multicast"])
def test_queries_without_a_forward_zone_are_counted(name: str) -> None:
    stage = Stage(read(SCENARIOS / "local" / f"{name}.toml"))
    stage.play()
    assert stage.engine.missing_forwards == 2
