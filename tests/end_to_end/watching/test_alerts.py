"""A real fault of a real server: what a real Prometheus finds for the alert that is for it.

The expression is the shipped one, evaluated over the series that the server exports meanwhile.
The alert's ``for`` is not waited for. ``tests/watching/alerts.yml`` has the other alerts.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.programs import needed
from tests.live.prometheus import Prometheus, Vector, prometheus
from tests.live.server import Server
from tests.live.waiting import wait_for
from tests.watching.expressions import alerts

MakeSmall = Callable[..., Server]


@pytest.fixture
def program() -> Path:
    return needed("prometheus")


def _found(served: Prometheus, alert: str) -> Vector:
    """What an alert is for, as it is now."""
    [expression] = [table["expr"] for table in alerts() if table["alert"] == alert]
    return served.vector(expression)


def test_workers_that_end_again_and_again(
    make_small: MakeSmall, tmp_path: Path, program: Path
) -> None:
    server = make_small(server="workers = 2").start()
    with prometheus(program, tmp_path, server.metrics_port) as served:
        for number in range(1, 4):
            assert not _found(served, "DarbanRestarts")
            os.kill(server.workers()[0], signal.SIGKILL)
            wait_for(
                lambda number=number: served.value("darban_worker_restarts_total") == number,
                "its successor serves",
            )
        assert _found(served, "DarbanRestarts")
        assert not _found(served, "DarbanNotAnswering")
