"""Workers and supervisor that die or stand still: clients are served on, counts never go back."""

import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD
from tests.live.configs import small
from tests.live.hanging_load import hanging_load
from tests.live.ports import is_free
from tests.live.reloading import reload, restored
from tests.live.scraping import Scrape
from tests.live.server import Server, group
from tests.live.waiting import wait_for

pytestmark = pytest.mark.core

Make = Callable[[str], Server]
MakeSmall = Callable[..., Server]
Forwarded = tuple[bytes, tuple[str, int]]

IN_A_ROW = 40
"""Queries, each of a port of its own, so that each worker gets some of them."""


def _restarts(server: Server) -> float:
    """How many workers were replaced; it is counted a moment after the last answers."""
    return server.scrape().value("darban_worker_restarts_total")


def _serves(server: Server) -> bool:
    """Whether it answers a row of queries, so that no worker's share of them is lost."""
    return all(ask(server.port, "agency.example") is not None for _ in range(IN_A_ROW))


def _never_back(before: Scrape, after: Scrape) -> None:
    now = after.counters()
    lower = {key: (was, now.get(key)) for key, was in before.counters().items() if was}
    lower = {key: (was, value) for key, (was, value) in lower.items() if (value or 0) < was}
    assert not lower


def _queries(scrape: Scrape) -> float:
    return scrape.total("darban_queries_total")


@pytest.fixture(scope="module")
def lasting(make_lasting: Make, upstream: str) -> Server:
    return make_lasting(small([upstream], server="workers = 2"))


@pytest.fixture
def two_workers(lasting: Server) -> Iterator[Server]:
    """A server with two workers that serves; a test may end it."""
    with restored(lasting) as server:
        wait_for(lambda: server.scrape().value("darban_workers") == 2, "both serve")
        assert len(server.workers()) == 2
        assert _serves(server)
        yield server


@pytest.fixture(scope="module")
def lasting_one(make_lasting: Make, upstream: str) -> Server:
    return make_lasting(small([upstream], server="workers = 1"))


@pytest.fixture
def one_worker(lasting_one: Server) -> Iterator[Server]:
    """A server with one worker that serves."""
    with restored(lasting_one) as server:
        wait_for(lambda: server.scrape().value("darban_workers") == 1, "it serves")
        assert _serves(server)
        yield server


def _replaced(server: Server, gone: int) -> Callable[[], bool]:
    def is_so() -> bool:
        workers = server.workers()
        return gone not in workers and len(workers) == 2

    return is_so


@pytest.mark.parametrize("which", [0, 1])
def test_a_killed_worker_is_replaced(two_workers: Server, which: int) -> None:
    server = two_workers
    before, restarts = server.scrape(), _restarts(server)
    gone = server.workers()[which]
    os.kill(gone, signal.SIGKILL)
    wait_for(_replaced(server, gone), "a new worker")
    wait_for(lambda: _serves(server), "all queries are answered again")
    after = server.scrape()
    _never_back(before, after)
    assert _queries(after) >= _queries(before) + IN_A_ROW
    wait_for(lambda: _restarts(server) == restarts + 1, "it is counted")
    assert after.value("darban_workers") == after.value("darban_workers_expected") == 2
    assert f"pid {gone}) ended with -9" in server.err


def test_a_worker_that_cannot_load_the_snapshot_is_started_again(make_small: MakeSmall) -> None:
    server = make_small(server="workers = 2")
    server.start()
    [compiled] = server.state.glob("snapshots/*/terms.json")
    good = compiled.read_bytes()
    compiled.write_bytes(b"harmed")
    server.expect_error("the snapshot is damaged.*; restarting it")
    os.kill(server.workers()[0], signal.SIGKILL)
    wait_for(lambda: server.err.count("; restarting it") >= 2, "it is tried again")
    assert reload(server).code == GOOD
    assert compiled.read_bytes() == good
    wait_for(lambda: server.scrape().value("darban_workers") == 2, "both serve")
    assert _serves(server)


def test_all_workers_killed_at_once(two_workers: Server) -> None:
    server = two_workers
    gone, restarts = server.workers(), _restarts(server)
    for pid in gone:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: _serves(server), "all queries are answered again")
    assert not set(gone) & set(server.workers())
    wait_for(lambda: _restarts(server) == restarts + 2, "it is counted")


def test_a_query_that_waits_for_a_dead_worker_is_answered_by_its_successor(
    one_worker: Server,
) -> None:
    server = one_worker
    restarts = _restarts(server)
    [stopped] = server.workers()
    os.kill(stopped, signal.SIGSTOP)
    server.expect_error("no heartbeat")
    answers: list[object] = []
    asking = threading.Thread(
        target=lambda: answers.append(ask(server.port, "agency.example", seconds=15))
    )
    asking.start()
    asking.join()
    assert answers != [None]
    wait_for(lambda: _restarts(server) == restarts + 1, "it is counted")


def test_a_worker_that_stands_still_while_it_starts_is_replaced(make_small: MakeSmall) -> None:
    server = make_small(server="workers = 2")
    server.expect_error("no heartbeat")
    server.launch()
    stopped = wait_for(lambda: server.workers()[:1], "a worker starts")[0]
    os.kill(stopped, signal.SIGSTOP)
    wait_for(_replaced(server, stopped), "a new worker", 15)
    assert re.search("no heartbeat for [6-9] s", server.err), "later than one that serves"
    wait_for(lambda: _serves(server), "all queries are answered")


def test_a_worker_whose_load_of_the_policy_hangs_is_replaced(two_workers: Server) -> None:
    server = two_workers
    server.expect_error("no heartbeat")
    restarts, logged = _restarts(server), len(server.err)
    compiled = (server.state / "last-good").resolve() / "terms.json"
    with hanging_load(compiled, server.workers()[0]):
        wait_for(lambda: "no heartbeat" in server.err[logged:], "it is noticed")
        wait_for(lambda: _serves(server), "all queries are answered again")
    assert "timed out on a control message" not in server.err[logged:]
    wait_for(lambda: _restarts(server) == restarts + 2, "it is counted")


def test_workers_end_with_a_killed_supervisor_and_it_starts_again(two_workers: Server) -> None:
    server = two_workers
    workers = server.workers()
    server.signal(signal.SIGKILL)
    server.ended()
    wait_for(lambda: not set(workers) & set(group(server.pid)), "the workers have ended")
    wait_for(lambda: not group(server.pid), "all has ended")
    assert is_free(server.port)
    server.start()
    assert _serves(server)


def test_what_is_no_command_does_not_disturb_it(one_worker: Server) -> None:
    server = one_worker
    log = server.err
    for said in (b"", b"\n", b"no JSON\n", b"[]\n", b'{"command": []}\n', b'{"command": "no"}\n'):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(10)
            asking.connect(str(server.state / "control.sock"))
            asking.sendall(said)
            asking.shutdown(socket.SHUT_WR)
            while asking.recv(1024):
                pass
    assert _serves(server)
    assert server.err == log


def _flush(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(path)
        control.sendall(b'{"command": "flush", "name": "."}\n')
        assert b"entries" in control.recv(1000)


def test_a_flush_while_a_worker_starts_disturbs_nothing(one_worker: Server) -> None:
    server = one_worker
    gone = server.workers()[0]
    os.kill(gone, signal.SIGKILL)
    path = str(server.state / "control.sock")
    flushes = [threading.Thread(target=_flush, args=(path,)) for _ in range(20)]
    for flush in flushes:
        flush.start()
    for flush in flushes:
        flush.join()
    wait_for(lambda: _serves(server), "all queries are answered again")
    assert server.scrape().value("darban_workers") == 1
