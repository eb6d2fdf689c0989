"""A list of the agency's own that is gone: held by a reload and a start, and accepted."""

from collections.abc import Callable

import pytest

from tests.live.commands import GOOD, NO, darban
from tests.live.configs import edited
from tests.live.reloading import data, reload
from tests.live.server import Server

LISTED = """
[policies.strict]
block = ["@messenger"]
[vlans.strict]
prefixes = ["127.0.30.0/24"]
policy = "strict"
"""
CLIENT = "127.0.30.5"
SAID = "own/viber.txt: warning: viber: found no entry; expected the 1 that were in force last"


@pytest.fixture
def server(make_small: Callable[..., Server]) -> Server:
    """A server with two lists of its own; it runs."""
    server = make_small(more=LISTED)
    edited(server.config, "directories = []", 'directories = ["own"]')
    (server.directory / "own").mkdir()
    for service in ("viber", "line"):
        text = f"! Category: messenger\n||{service}.example^\n"
        (server.directory / "own" / f"{service}.txt").write_text(text, encoding="utf-8")
    server.start()
    return server


def test_a_list_that_is_gone_stays_in_force_until_that_is_accepted(server: Server) -> None:
    assert data(server, "viber.example", CLIENT) == {"0.0.0.0"}
    (server.directory / "own" / "viber.txt").unlink()
    server.expect_error("reload by|own/viber.txt|the last good snapshot")
    checked = darban("check", at=server.directory)
    assert (checked.code, SAID in checked.out) == (GOOD, True), "as `make install` needs it"
    held = reload(server)
    assert held.code == NO
    assert "not put in force before a person accepts it (--accept); snapshot" in held.out
    assert SAID in held.out
    _check_that_it_is_told(server)
    assert server.scrape().total("darban_reloads_total", result="held") == 1

    server.stop()
    server.options = ["--last-good"]
    server.start()
    _check_that_it_is_told(server)

    assert reload(server, "--accept").code == GOOD
    assert data(server, "viber.example", CLIENT) != {"0.0.0.0"}
    assert data(server, "line.example", CLIENT) == {"0.0.0.0"}
    assert server.scrape().value("darban_config_ok") == 1
    assert "in force last" not in darban("check", at=server.directory).out


def _check_that_it_is_told(server: Server) -> None:
    assert data(server, "viber.example", CLIENT) == {"0.0.0.0"}
    assert server.scrape().value("darban_config_ok") == 0
    status = " ".join(darban("status", at=server.directory).out.split())
    assert f"the config is not in force; {SAID}" in status


def test_a_start_by_hand_accepts_what_is_gone_and_warns(server: Server) -> None:
    (server.directory / "own" / "viber.txt").unlink()
    server.stop()
    server.start()
    assert SAID in server.err
    assert data(server, "viber.example", CLIENT) != {"0.0.0.0"}


def test_what_the_config_names_no_more_goes_with_any_reload(server: Server) -> None:
    edited(server.config, 'block = ["@messenger"]', 'block = ["line"]')
    done = reload(server)
    assert done.code == GOOD
    assert "policy strict does not block viber any more" in done.out
