"""Somebody cleans up the state directory of a server that runs."""

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.live.commands import GOOD
from tests.live.configs import edited, small
from tests.live.nsd import ANY_V4
from tests.live.reloading import DENY, OPEN, data, reload, restored
from tests.live.server import Server
from tests.live.waiting import wait_for


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(small([upstream], server="workers = 2"))


@pytest.fixture
def server(lasting: Server) -> Iterator[Server]:
    """A server that runs with its first config."""
    with restored(lasting) as server:
        yield server


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


def test_a_control_socket_that_was_removed_is_made_again(server: Server) -> None:
    path = server.state / "control.sock"
    mode = path.stat().st_mode
    path.unlink()
    wait_for(lambda: "control.sock: made again" in server.err, "it is there")
    assert reload(server).code == GOOD
    assert path.stat().st_mode == mode
