"""The port of the metrics: nobody else can take it over at a restart, and it is tried again."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.clients import ask
from tests.live.configs import edited
from tests.live.scraping import Scrape, scrape
from tests.live.server import Server
from tests.live.waiting import wait_for
from tests.programs.chaos.service_manager import ServiceManager, kill

MakeSmall = Callable[..., Server]
_LISTENS = "0A"


def _listening(port: int) -> set[str]:
    """The inodes of the sockets that listen for TCP at a port of 127.0.0.1."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = [line.split() for line in lines]
    return {
        field[9] for field in fields if field[1].endswith(f":{port:04X}") and field[3] == _LISTENS
    } - {"0"}


@contextmanager
def _watched(port: int) -> Iterator[set[str]]:
    """All sockets that listen there at a moment while the body runs."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            seen.update(_listening(port))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _scraped(server: Server) -> Scrape:
    """Its metrics, also where a service manager has started it."""
    return wait_for(lambda: scrape(server.metrics_port, ()), "metrics are served")


def test_a_port_that_is_taken_is_tried_until_it_is_free(make_small: MakeSmall) -> None:
    server = make_small()
    server.expect_error("metrics cannot be served there")
    with socket.create_server(("127.0.0.1", server.metrics_port)):
        server.start()
        wait_for(lambda: "metrics cannot be served there" in server.err, "it says so")
        assert ask(server.port, "agency.example") is not None
    wait_for(lambda: "metrics are served there now" in server.err, "it is tried again")
    assert _scraped(server).value("darban_workers") == 1
    assert server.err.count("metrics cannot be served there") == 1


def test_a_scrape_that_comes_with_the_first_answers_is_not_refused(make_small: MakeSmall) -> None:
    """The pages are slow to import, so after the workers; the port is open before them."""
    server = make_small()
    server.through = ["env"]  # a process of its own, which has imported nothing
    server.launch()
    wait_for(lambda: ask(server.port, "agency.example"), "a worker answers", pause=0.005)
    assert len(_listening(server.metrics_port)) == 1
    assert _scraped(server).value("darban_workers") == 1


def test_nobody_can_take_the_port_while_the_server_is_restarted(
    make_small: MakeSmall, tmp_path: Path
) -> None:
    server = make_small()
    with ServiceManager(server, tmp_path):
        _scraped(server)
        first = _listening(server.metrics_port)
        kill(server)
        _scraped(server)
        assert _listening(server.metrics_port) == first
        assert len(first) == 1


def test_nobody_can_take_the_port_while_the_process_begins_again(
    make_small: MakeSmall, tmp_path: Path
) -> None:
    """As after a change of a setting that needs a restart."""
    server = make_small().start()
    assert server.stop().code == 0
    edited(server.config, "workers = 1", "workers = 2")
    server.options = ["--last-good"]
    with _watched(server.metrics_port) as seen, ServiceManager(server, tmp_path):
        wait_for(lambda: _scraped(server).value("darban_workers") == 2, "it has begun again")
    assert len(seen) == 1


def test_a_changed_address_leaves_the_port_of_before(make_small: MakeSmall, tmp_path: Path) -> None:
    server = make_small().start()
    before = server.metrics_port
    assert server.stop().code == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        after = free.getsockname()[1]
    with ServiceManager(server, tmp_path):
        _scraped(server)
        edited(server.config, f"127.0.0.1:{before}", f"127.0.0.1:{after}")
        server.metrics_port = after
        kill(server)
        _scraped(server)
        assert _listening(before) == set()
        assert len(_listening(after)) == 1
