"""A command that is killed: what it has put in force stays so, and the next one writes it."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, darban
from tests.live.nsd import ANY_V4
from tests.live.reloading import reload
from tests.live.server import MODULE, Server
from tests.live.waiting import wait_for

CLIENT, OTHER = "127.0.10.21", "127.0.10.22"
BY = ("--for", "2h", "--approver", "Head of PR", "--ticket", "PR-2031")
EXEMPT = ("exempt", CLIENT, "telegram", *BY)


@pytest.fixture
def server(make_shipped: Callable[..., Server]) -> Server:
    server = make_shipped(workers=1)
    server.expect_error("was killed")
    return server.start()


def _passes(server: Server, client: str = CLIENT) -> bool:
    answer = ask(server.port, "web.telegram.org", client=client)
    assert answer is not None
    return [str(record.rdata) for record in answer.rr] == [ANY_V4]


def _aside(server: Server) -> list[str]:
    return sorted(each.name for each in server.directory.glob(".config.toml-*"))


@contextmanager
def _held_up(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    """A command whose config is in force, and that has not written its file yet."""
    # A shell that runs the tests in the background has let them ignore SIGINT.
    words = ["env", "--default-signal=INT", *MODULE, *EXEMPT, "--config", server.config]
    with subprocess.Popen(words, cwd=server.directory, stdout=subprocess.DEVNULL) as command:
        try:
            compiler = "resolver.compiler.compilation"
            wait_for(lambda: server.children(compiler), "the server has its config")
            command.send_signal(signal.SIGSTOP)
            wait_for((server.state / "unwritten.json").exists, "its config is in force")
            yield command
        except BaseException:
            command.kill()
            raise
        command.send_signal(signal.SIGCONT)


def _kill_one(server: Server) -> bytes:
    """Kill a command after its config is in force; the config on disk."""
    before = server.config.read_bytes()
    with _held_up(server) as command:
        command.kill()
    assert _passes(server)
    assert server.config.read_bytes() == before
    return before


def _is_written(server: Server, client: str = CLIENT) -> bool:
    return f'"{client}/32"' in server.config.read_text(encoding="utf-8")


def _fault(server: Server) -> float:
    return server.scrape().value("darban_faults", kind="config_unwritten")


def test_a_fault_is_shown_until_it_is_written(server: Server) -> None:
    assert _fault(server) == 0
    _kill_one(server)
    wait_for(lambda: _fault(server) == 1, "the metric tells", 20)
    assert "has not written config.toml" in darban("status", at=server.directory).out
    done = reload(server)
    assert (done.code, _is_written(server), _passes(server)) == (GOOD, True, True)
    assert "config.toml: written as it is in force" in done.err
    wait_for(lambda: _fault(server) == 0, "the metric tells", 20)
    assert _aside(server) == []
    assert not (server.state / "unwritten.json").exists()


@pytest.mark.parametrize("options", [[], ["--last-good"]], ids=["person", "service"])
def test_a_start_and_a_hangup_keep_what_is_in_force(server: Server, options: list[str]) -> None:
    before = _kill_one(server)
    server.kill_what_is_left()
    server.options = options
    server.start()
    assert _passes(server)
    server.signal(signal.SIGHUP)
    wait_for(lambda: "reload by SIGHUP: unchanged" in server.err, "it was reloaded")
    assert _passes(server)
    assert server.config.read_bytes() == before
    done = darban("exempt", OTHER, "telegram", *BY, at=server.directory)
    assert done.code == GOOD, done.err
    assert _is_written(server)
    assert _is_written(server, OTHER)
    assert _passes(server)
    assert _passes(server, OTHER)


def test_an_edit_by_hand_since_then_counts(server: Server) -> None:
    before = _kill_one(server)
    edited = before + b"# by hand\n"
    server.config.write_bytes(edited)
    server.signal(signal.SIGHUP)
    wait_for(lambda: "reload by SIGHUP: applied" in server.err, "it was reloaded")
    assert server.config.read_bytes() == edited
    assert not _passes(server)
    assert not (server.state / "unwritten.json").exists()


def test_what_nobody_has_left_beside_the_config_is_not_written(server: Server) -> None:
    before = _kill_one(server)
    [left] = _aside(server)
    (server.directory / left).write_bytes(before + b"# forged\n")
    assert reload(server).code == GOOD
    assert server.config.read_bytes() == before
    assert not _passes(server)


def test_an_edit_by_hand_that_waits_is_no_fault(server: Server) -> None:
    done = darban(*EXEMPT, at=server.directory)
    assert done.code == GOOD, done.err
    wait_for(lambda: not (server.state / "unwritten.json").exists(), "it is written")
    with server.config.open("ab") as file:
        file.write(b"# by hand\n")
    assert _fault(server) == 0
    assert "not written" not in darban("status", at=server.directory).out


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_terminal_that_is_lost_waits_for_the_end(server: Server, number: signal.Signals) -> None:
    with _held_up(server) as command:
        command.send_signal(number)
    assert command.returncode != GOOD
    assert _is_written(server)
    assert _passes(server)
    assert _aside(server) == []
