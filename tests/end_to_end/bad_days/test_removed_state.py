"""Somebody cleans up the state directory of a server that runs, or a disk damages it."""

import os
import shutil
import signal
from pathlib import Path

import pytest

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


def _damaged(terms: Path, *, in_place: bool) -> None:
    """Change the file that a worker reads whole, or put another in its place."""
    content = terms.read_bytes()[:9]
    if not in_place:
        terms.unlink()
    terms.write_bytes(content)


@pytest.mark.parametrize("in_place", [False, True])
def test_workers_die_when_the_snapshot_is_damaged(server: Server, in_place: bool) -> None:
    server.expect_error("snapshot is damaged")
    logged = len(server.err)
    _damaged((server.state / "last-good").resolve() / "terms.json", in_place=in_place)
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    wait_for(lambda: "snapshot is damaged" in server.err[logged:], "a worker finds it")
    if in_place:  # what the supervisor has mapped is damaged as well
        assert reload(server).code == GOOD
    wait_for(lambda: server.scrape().value("darban_workers") == 2, "both serve")
    assert data(server, "web.telegram.org") == {"0.0.0.0"}


def test_a_control_socket_that_was_removed_is_made_again(server: Server) -> None:
    path = server.state / "control.sock"
    mode = path.stat().st_mode
    path.unlink()
    wait_for(lambda: "control.sock: made again" in server.err, "it is there")
    assert reload(server).code == GOOD
    assert path.stat().st_mode == mode
