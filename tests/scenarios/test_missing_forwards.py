"""Queries below .local are counted unless a forward zone has them."""

from tests.scenarios.file import SCENARIOS, read
from tests.scenarios.stage import Stage


def test_queries_without_a_forward_zone_are_counted() -> None:
    stage = Stage(read(SCENARIOS / "local" / "multicast.toml"))
    stage.play()
    assert stage.engine.missing_forwards == 2
