"""What the service manager is told and given; systemd itself is in tests/deploy."""

import array
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.server import Server
from tests.live.waiting import wait_for

MakeSmall = Callable[..., Server]
LISTENING = 5
"""The sockets of one worker, at two addresses, UDP and TCP; and that of the metrics."""


@dataclass
class Told:
    """The manager's end: all that it was told, and what it was given to keep."""

    end: socket.socket
    said: list[str] = field(default_factory=list)
    kept: list[socket.socket] = field(default_factory=list)

    def hear(self) -> list[str]:
        """All lines so far."""
        while True:
            try:
                text, along, _, _ = self.end.recvmsg(4096, 4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return self.said
            self.said += text.decode().splitlines()
            for _, _, octets in along:
                self.kept += [socket.socket(fileno=n) for n in array.array("i", octets)]

    def last(self) -> str:
        """The last status."""
        return next((line for line in reversed(self.hear()) if line.startswith("STATUS=")), "")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        heard = Told(end)
        yield heard
        for item in heard.kept:
            item.close()


@pytest.fixture
def server(make_small: MakeSmall, told: Told) -> Server:
    server = make_small(server="workers = 1")
    server.environment = {"NOTIFY_SOCKET": told.end.getsockname()}
    return server.start()


def test_it_is_ready_when_it_answers_and_says_when_it_ends(server: Server, told: Told) -> None:
    wait_for(lambda: "READY=1" in told.hear(), "it is ready")
    wait_for(lambda: "STATUS=the config is in force, snapshot" in told.last(), "it says how it is")
    assert ask(server.port, "agency.example") is not None
    assert "STOPPING=1" not in told.hear()
    server.stop()
    assert told.hear()[-1] == "STOPPING=1"


def test_its_status_tells_whether_the_config_is_in_force(server: Server, told: Told) -> None:
    server.expect_error("reload by SIGHUP: invalid|TOML|config.toml")
    good = server.config.read_text(encoding="utf-8")
    server.config.write_text("[[", encoding="utf-8")
    server.signal(signal.SIGHUP)
    refused = "STATUS=the config is not in force, the last good policy is in force, snapshot"
    wait_for(lambda: refused in told.last(), "the config is refused")
    server.config.write_text(good, encoding="utf-8")
    server.signal(signal.SIGHUP)
    wait_for(lambda: "STATUS=the config is in force" in told.last(), "it is accepted")


def test_a_config_that_is_wrong_is_never_ready(make_small: MakeSmall, told: Told) -> None:
    server = make_small(server="workers = 'many'")
    server.environment = {"NOTIFY_SOCKET": told.end.getsockname()}
    server.launch()
    assert server.ended().code == 2
    assert told.hear() == []


def test_workers_and_compiler_have_no_way_to_speak_for_it(server: Server) -> None:
    for pid in server.workers():
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"NOTIFY_SOCKET" not in environment


def test_the_watchdog_is_put_off_only_while_a_worker_serves(server: Server, told: Told) -> None:
    wait_for(lambda: told.hear().count("WATCHDOG=1") >= 2, "it is alive")
    server.scrape()  # what it opens is open
    server.expect_error("cannot be started now")
    server.expect_error("figures cannot be written .*Too many open files")  # once a minute
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (5, hard))
    os.kill(server.workers()[0], signal.SIGKILL)
    wait_for(lambda: "cannot be started now" in server.err, "no worker is left")
    told.hear()
    told.said.clear()
    wait_for(lambda: server.err.count("cannot be started now") >= 3, "some seconds go by")
    assert told.hear() == []
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (hard, hard))
    wait_for(lambda: "WATCHDOG=1" in told.hear(), "it is alive again")


def test_what_the_manager_keeps_are_the_sockets_that_clients_ask(
    server: Server, told: Told
) -> None:
    wait_for(lambda: "READY=1" in told.hear(), "it is ready")
    wait_for(lambda: told.hear() and len(told.kept) >= LISTENING, "they are kept")
    assert len(told.kept) == LISTENING
    server.stop()
    address = ("127.0.0.1", server.port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.sendto(b"while nobody serves", address)
    [waiting] = [
        item
        for item in told.kept
        if item.getsockname() == address and item.type == socket.SOCK_DGRAM
    ]
    assert waiting.recv(100) == b"while nobody serves"


def test_a_connection_that_is_made_while_it_ends_waits_for_the_next_server(
    make_small: MakeSmall, told: Told
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, ExitStack() as stack:
        silent.bind(("127.0.0.1", 0))
        server = make_small(f"127.0.0.1:{silent.getsockname()[1]}", server="workers = 1")
        server.environment = {"NOTIFY_SOCKET": told.end.getsockname()}
        server.start()
        assert ask(server.port, "slow.example", seconds=0.1) is None, "for this it waits at the end"
        server.signal(signal.SIGTERM)
        address = ("127.0.0.1", server.port)
        connections: list[socket.socket] = []

        def has_ended() -> bool:
            connections.append(stack.enter_context(socket.create_connection(address)))
            return not server.is_running

        wait_for(has_ended, "it has ended")
        told.hear()
        [listening] = [
            item
            for item in told.kept
            if item.getsockname() == address and item.type == socket.SOCK_STREAM
        ]
        waiting = set()
        for _ in connections:
            with suppress(BlockingIOError):
                accepted, peer = listening.accept()
                accepted.close()
                waiting.add(peer)
        assert connections[-1].getsockname() in waiting
