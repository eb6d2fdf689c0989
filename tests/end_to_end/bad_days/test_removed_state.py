"""Somebody cleans up the state directory of a server that runs."""

import os
import shutil
import signal

from tests.live.commands import GOOD
from tests.live.configs import edited
from tests.live.nsd import ANY_V4
from tests.live.reloading import DENY, OPEN, data, reload
from tests.live.server import Server
from tests.live.waiting import wait_for


def test_a_reload_though_the_state_was_removed(server: Server) -> None:
    shutil.rmtree(server.state / "snapshots")
    edited(server.config, DENY, OPEN)
    assert reload(server).code == GOOD
    assert data(server, "web.telegram.org") == {ANY_V4}


def test_a_reload_of_what_is_in_force_makes_it_the_last_good_one_again(server: Server) -> None:
    last_good = server.state / "last-good"
    before = last_good.resolve()
    last_good.unlink()
    assert "nothing has changed" in reload(server).out
    assert last_good.resolve() == before


def test_workers_die_when_the_state_was_removed(server: Server) -> None:
    server.expect_error("the snapshot cannot be read.*'darban reload' writes the snapshot again")
    logged = len(server.err)
    shutil.rmtree(server.state / "snapshots")
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    wait_for(lambda: "the snapshot cannot be read" in server.err[logged:], "a worker misses it")
    assert reload(server).code == GOOD
    wait_for(lambda: server.scrape().value("darban_workers") == 2, "both serve")
    assert data(server, "web.telegram.org") == {"0.0.0.0"}
