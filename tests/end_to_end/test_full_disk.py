"""The disk of the state directory is full: what is served, and what is said."""

import subprocess
import urllib.request
from collections.abc import Callable

from tests.live.commands import GOOD, WRONG, darban
from tests.live.configs import edited
from tests.live.nsd import ANY_V4
from tests.live.reloading import DENY, OPEN, data, reload
from tests.live.server import Server
from tests.live.small_disk import fill, small_disk

NO_SPACE = "No space left on device"


def test_a_start_serves_the_last_good_snapshot(make_small: Callable[..., Server]) -> None:
    server = make_small()
    server.expect_error("the last good snapshot, .*, is served instead")
    server.options = ["--last-good"]
    with small_disk(server.state):
        server.start()
        assert server.stop().code == 0
        ballast = fill(server.state)
        server.start()
        assert server.scrape().value("darban_config_ok") == 1, "its snapshot is on the disk"
        assert data(server, "web.telegram.org") == {"0.0.0.0"}
        assert server.stop().code == 0

        (server.state / "lock").unlink()
        fill(server.state)  # so that the process ID cannot be written either
        edited(server.config, DENY, OPEN)
        logged = len(server.err)
        server.start()
        why = f"{server.state}: the state directory cannot be written to ({NO_SPACE})"
        assert f"{server.config} is not put in force:\n{why}" in server.err[logged:]
        assert server.scrape().value("darban_config_ok") == 0
        assert data(server, "web.telegram.org") == {"0.0.0.0"}
        status = darban("status", "--json", at=server.directory).json
        assert str(status["config_failure"]).startswith(why)
        with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/?lang=en") as page:
            assert f"<bdi>{why}" in page.read().decode()

        assert "another darban runs with this state directory" in _second(server)

        ballast.unlink()
        assert reload(server).code == GOOD
        assert server.scrape().value("darban_config_ok") == 1
        assert data(server, "web.telegram.org") == {ANY_V4}
        assert server.stop().code == 0


def _second(server: Server) -> str:
    """What another server with the same state directory says."""
    command = [*server.program, "run", "--config", server.config]
    return subprocess.run(command, capture_output=True, check=False, text=True).stderr


def test_a_start_without_last_good_says_why_it_ends(make_small: Callable[..., Server]) -> None:
    server = make_small()
    with small_disk(server.state):
        fill(server.state)
        for options in ([], ["--last-good"]):
            server.options = options
            server.launch()
            ended = server.ended()
            assert ended.code == WRONG
            assert f"the state directory cannot be written to ({NO_SPACE})" in ended.err
            assert ("there is no last good snapshot" in ended.err) == bool(options)
