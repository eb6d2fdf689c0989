"""SIGHUP, from whomever and however often: the config is read again, and nothing ends."""

import os
import signal

import pytest

from resolver.supervisor import control_client
from tests.live.configs import edited
from tests.live.nsd import ANY_V4
from tests.live.reloading import BROKEN, DENY, OPEN, data, reload
from tests.live.server import Server
from tests.live.waiting import wait_for

pytestmark = pytest.mark.core


def test_sighup_reloads(server: Server) -> None:
    began = len(server.err)
    edited(server.config, DENY, OPEN)
    server.signal(signal.SIGHUP)
    wait_for(lambda: "reload by SIGHUP: applied" in server.err[began:], "the reload is done")
    assert data(server, "web.telegram.org") == {ANY_V4}
    server.expect_error("reload by SIGHUP|config.toml")
    edited(server.config, OPEN, BROKEN)
    server.signal(signal.SIGHUP)
    said = 'Did you mean "deny"?'
    wait_for(lambda: said in server.err[began:], "what is wrong stands in the log")
    assert data(server, "web.telegram.org") == {ANY_V4}


def test_of_hangups_in_a_row_few_reload(server: Server) -> None:
    began = len(server.err)
    for _ in range(20):
        server.signal(signal.SIGHUP)
        control_client.ask(server.config, {"command": "status"})  # it has got the signal
    reload(server)  # after those that wait
    assert 1 <= server.err[began:].count("reload by SIGHUP: unchanged") < 10


def test_a_hangup_while_it_starts_reloads(server: Server) -> None:
    server.stop()
    began = len(server.err)
    server.launch()
    wait_for(
        lambda: server.children("resolver.compiler.compilation"),
        "it compiles the config",
        longest=0.002,
    )
    server.signal(signal.SIGHUP)
    wait_for(lambda: "reload by SIGHUP: unchanged" in server.err[began:], "it has reloaded")


def test_all_its_processes_are_told_to_reload(server: Server) -> None:
    """As ``systemctl kill --signal=HUP`` does it, and the end of a terminal."""
    log, workers = len(server.err), server.workers()
    os.killpg(server.pid, signal.SIGHUP)
    wait_for(lambda: "reload by SIGHUP: unchanged" in server.err[log:], "it has reloaded")
    assert "ended with" not in server.err[log:]
    assert server.workers() == workers
