"""Two servers with one policy, watched by one Prometheus: what the dashboards show of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.programs import needed
from tests.live.prometheus import Prometheus, Vector, prometheus
from tests.live.server import Server
from tests.live.waiting import wait_for
from tests.watching.expressions import panels


@pytest.fixture
def nodes(make_small: Callable[..., Server]) -> list[Server]:
    """Each has addresses of its own."""
    return [make_small().start() for _ in range(2)]


@pytest.fixture
def served(nodes: list[Server], tmp_path: Path) -> Iterator[Prometheus]:
    ports = [node.metrics_port for node in nodes]
    with prometheus(needed("prometheus"), tmp_path, *ports) as served:
        yield served


def _shown(served: Prometheus, board: str, title: str) -> Vector:
    """What a panel of one query shows of all instances."""
    [panel] = [table for table in panels(board) if table["title"] == title]
    [target] = panel["targets"]
    return served.vector(target["expr"].replace("$instance", ".*"))


def test_the_same_policy_has_one_hash(served: Prometheus) -> None:
    assert list(_shown(served, "policy", "Policies").values()) == [2]
    assert list(_shown(served, "policy", "Snapshots").values()) == [1, 1], "of other addresses"


def test_a_node_that_is_not_reached_is_seen(nodes: list[Server], served: Prometheus) -> None:
    assert _shown(served, "health", "Not reached") == {(): 0}
    assert _shown(served, "health", "Upstreams down") == {(): 0}
    for number, node in enumerate(nodes, 1):
        node.kill_what_is_left()
        wait_for(
            lambda number=number: _shown(served, "health", "Not reached") == {(): number},
            "Prometheus does not reach it",
        )
    assert _shown(served, "health", "Upstreams down") == {}, "nothing is known of them"
