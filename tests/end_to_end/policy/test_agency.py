"""The example of an agency, deploy/agency.toml: checked, explained and asked, as people do it."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import pytest

from resolver.system.files import write_atomically
from tests.live.clients import ask
from tests.live.commands import GOOD, NO, darban
from tests.live.configs import BLOCKLISTS, ROOT, replaced_once
from tests.live.fake_clock import FAKETIME, fake_clock
from tests.live.nsd import ANY_V4
from tests.live.ports import free_port
from tests.live.programs import lacking
from tests.live.server import Server
from tests.live.waiting import wait_for

ADMINISTRATION, SERVERS, GUESTS = "127.0.10.5", "127.0.30.5", "127.0.40.5"
INSTAGRAM = (ADMINISTRATION, "www.instagram.com")
MOMENTS = {
    "2026-11-29T09:00+03:30": True,
    "2026-11-29T14:31+03:30": False,
    "2027-03-20T10:00+03:30": False,
}
"""A Sunday at work and after work, and a holiday; whether the office is open."""
BLOCKED, PASSED, COUNTED = "blocked", "passed", "would_block"
OUTCOMES = {
    (ADMINISTRATION, "web.telegram.org"): BLOCKED,
    (ADMINISTRATION, "www.agency.example"): PASSED,
    (SERVERS, "deb.debian.org"): PASSED,
    (SERVERS, "mail.agency.example"): PASSED,
    (SERVERS, "files.agency.internal"): PASSED,
    (SERVERS, "www.example.com"): BLOCKED,
    (SERVERS, "www.instagram.com"): BLOCKED,
    (GUESTS, "www.instagram.com"): COUNTED,
    (GUESTS, "www.example.com"): PASSED,
}
"""At all moments, by client and name."""


@pytest.fixture
def server(make: Callable[[str], Server], upstream: str) -> Server:
    """A server with the example, but for its addresses and its one worker; not started."""
    if not FAKETIME.exists():
        lacking("needs libfaketime: apt install faketime")
    port, metrics = free_port(), free_port()
    text = (ROOT / "deploy/agency.toml").read_text(encoding="utf-8")
    text = replaced_once(text, '["127.0.0.1:5300", "[::1]:5300"]', f'["127.0.0.1:{port}"]')
    text = replaced_once(text, "[server]\n", "[server]\nworkers = 1\n")  # they read the clock apart
    text = replaced_once(text, 'servers = ["system"]', f'servers = ["{upstream}"]')
    text = replaced_once(text, 'servers = ["10.0.0.10"]', f'servers = ["{upstream}"]')
    server = make(f'{text}\n[metrics]\nlisten = "127.0.0.1:{metrics}"\n')
    (server.directory / BLOCKLISTS.name).symlink_to(BLOCKLISTS)
    server.environment = fake_clock(server.directory)
    return server


def _set_clock(server: Server, moment: str) -> None:
    clock = server.directory / "clock"
    clock.touch()
    now = clock.stat().st_mtime  # by the real clock, also where this process has another
    ahead = dt.datetime.fromisoformat(moment).timestamp() - now
    write_atomically(clock, f"{ahead:+.3f}".encode())


def _answer(server: Server, client: str, name: str) -> str:
    """The address that a client gets."""
    reply = ask(server.port, name, client=client, seconds=10.0)
    assert reply is not None
    return str(reply.rr[-1].rdata)


def test_the_example_does_what_its_first_lines_say(server: Server) -> None:
    _set_clock(server, next(iter(MOMENTS)))  # its holidays are not over then
    checked = subprocess.run(
        [sys.executable, "-m", "resolver", "check"],
        env={**os.environ, **server.environment},
        cwd=server.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == GOOD, checked.stdout
    assert "errors 0, warnings 0" in checked.stdout + checked.stderr
    server.start()
    for moment, is_open in MOMENTS.items():
        _set_clock(server, moment)
        outcomes = OUTCOMES | {INSTAGRAM: BLOCKED if is_open else PASSED}
        expected = {key: "0.0.0.0" if o == BLOCKED else ANY_V4 for key, o in outcomes.items()}
        closed = partial(_answer, server, *INSTAGRAM)
        wait_for(
            lambda closed=closed, e=expected: closed() == e[INSTAGRAM], "the clock is followed"
        )
        assert {key: _answer(server, *key) for key in outcomes} == expected
        for (client, name), outcome in outcomes.items():
            asked = ("explain", "--client", client, "--at", moment, "--json", name)
            told = darban(*asked, "--config", server.config, at=server.directory)
            assert told.json["outcome"] == outcome
            assert told.code == (NO if outcome == BLOCKED else GOOD)
    counted = {"vlan": "guests", "outcome": COUNTED, "service": "instagram"}
    wait_for(
        lambda: server.scrape().total("darban_queries_total", **counted) == len(MOMENTS),
        "what guests ask for is counted",
    )
