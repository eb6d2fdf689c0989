"""A command whose terminal is lost ends after it has written what it has put in force."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD
from tests.live.forked import MODULE
from tests.live.nsd import ANY_V4
from tests.live.server import Server
from tests.live.waiting import wait_for

CLIENT = "127.0.10.21"
BY = ("--for", "2h", "--approver", "Head of PR", "--ticket", "PR-2031")
EXEMPT = ("exempt", CLIENT, "telegram", *BY)


@pytest.fixture
def server(make_shipped: Callable[..., Server]) -> Server:
    return make_shipped(workers=1).start()


def _passes(server: Server) -> bool:
    answer = ask(server.port, "web.telegram.org", client=CLIENT)
    assert answer is not None
    return [str(record.rdata) for record in answer.rr] == [ANY_V4]


def _aside(server: Server) -> list[str]:
    return sorted(path.name for path in server.directory.glob(".config.toml-*"))


@contextmanager
def _held_up(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    """A command whose config is in force, and that has not written its file yet."""
    # What runs the tests in the background has let them ignore SIGINT or SIGHUP.
    words = ("env", "--default-signal=INT,HUP", *MODULE, *EXEMPT, "--config", server.config)
    with subprocess.Popen(words, cwd=server.directory, stdout=subprocess.DEVNULL) as command:
        try:
            compiler = "resolver.compiler.compilation"
            wait_for(lambda: server.children(compiler), "the server has its config")
            command.send_signal(signal.SIGSTOP)
            wait_for(lambda: _passes(server), "its config is in force")
            yield command
        except BaseException:
            command.kill()
            raise
        command.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_terminal_that_is_lost_waits_for_the_end(server: Server, number: signal.Signals) -> None:
    with _held_up(server) as command:
        command.send_signal(number)
    assert command.returncode != GOOD
    assert f'"{CLIENT}/32"' in server.config.read_text(encoding="utf-8")
    assert _passes(server)
    assert _aside(server) == []
