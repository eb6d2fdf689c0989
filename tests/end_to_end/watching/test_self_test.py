"""Expectations in production: a worker that lets a service pass is found, and all know of it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, darban
from tests.live.configs import small
from tests.live.server import Server
from tests.live.waiting import wait_for

pytestmark = pytest.mark.core

EXPECT = """
[[expect]]
client = "127.0.10.5"
name = "web.telegram.org"
outcome = "blocked"
[[expect]]
client = "127.0.20.5"
name = "web.telegram.org"
outcome = "passed"
"""
BROKEN = """
import sys
if "resolver.server.worker" in sys.orig_argv:
    from resolver.policy import judge, verdict
    judge.Judge.check_query = lambda *_: verdict.PASS
"""
"""Python runs it at the begin of each process that has it in its path: workers block nothing."""


def faults(server: Server) -> list[str]:
    done = darban("status", at=server.directory, COLUMNS="200", NO_COLOR="")
    assert done.code == GOOD, done.err
    return [line for line in done.out.splitlines() if "expectations" in line]


@pytest.mark.interpreted
def test_a_worker_that_passes_a_service_is_found(
    make: Callable[[str], Server], upstream: str, tmp_path: Path
) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "sitecustomize.py").write_text(BROKEN, encoding="utf-8")
    server = make(small([upstream], more=EXPECT))
    server.environment = {"PYTHONPATH": os.fspath(tmp_path / "build")}
    server.expect_error("a worker decides wrongly: web.telegram.org A from 127.0.10.5")
    server.start()
    wait_for(lambda: faults(server), "the self-test has failed", 30)
    [fault] = faults(server)
    assert "1 expectations" in fault
    assert "expected blocked, got passed" in fault
    assert server.scrape().value("darban_faults", kind="wrong_decisions") == 1
    assert ask(server.port, "web.telegram.org", client="127.0.10.5"), "queries go on"
