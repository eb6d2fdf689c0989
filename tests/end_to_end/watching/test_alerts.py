"""Real faults of a real server: what a real Prometheus finds for the alert that is for them.

The expressions are the shipped ones, evaluated over the series that the server exports meanwhile.
An alert's ``for`` is not waited for.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.commands import GOOD
from tests.live.configs import edited
from tests.live.programs import needed
from tests.live.prometheus import Prometheus, Vector, prometheus
from tests.live.reloading import DENY, OPEN, reload
from tests.live.server import Server
from tests.live.waiting import wait_for
from tests.watching.expressions import alerts

MakeSmall = Callable[..., Server]
_EXPECT = """
[[expect]]
client = "127.0.30.5"
name = "open.example"
outcome = "passed"
"""
_OTHER = """
[upstreams.other]
servers = ["127.0.0.1:{dead}"]
[policies.other]
upstream = "other"
[vlans.small]
prefixes = ["127.0.50.0/24"]
policy = "other"
"""


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


def test_a_reload_is_no_restart(make_small: MakeSmall) -> None:
    server = make_small().start()
    before = server.scrape()
    edited(server.config, DENY, OPEN)
    assert reload(server).code == GOOD
    after = server.scrape()
    for name, is_same in (("snapshot_loaded", False), ("started", True)):
        metric = f"darban_{name}_timestamp_seconds"
        assert (after.value(metric) == before.value(metric)) == is_same, name
