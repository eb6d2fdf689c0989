"""The clock beside the load: what it says of a server whose waits are known."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.programs.bench.dnsperf import Statistics
from tests.programs.bench.stopwatch import Stopwatch

_WAIT = 0.001
_ENOUGH = 100


@contextmanager
def _slow_server() -> Iterator[tuple[int, threading.Event]]:
    """Its port, and what it sets when it has answered some; to every tenth it says nothing."""
    enough, over = threading.Event(), threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.1)

        def serve() -> None:
            number = 0
            while not over.is_set():
                with suppress(TimeoutError):
                    query, client = server.recvfrom(512)
                    number += 1
                    time.sleep(_WAIT)
                    if number % 10:
                        server.sendto(query, client)
                    if number == _ENOUGH:
                        enough.set()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], enough
        finally:
            over.set()
            thread.join()


def test_it_tells_how_long_answers_take_and_how_many_never_come() -> None:
    with _slow_server() as (port, enough):
        with Stopwatch("127.0.0.1", port, "www.example.org") as watch:
            assert enough.wait(10)
        assert _WAIT <= watch.waits.quantile(0) < 100 * _WAIT
        assert watch.lost >= _ENOUGH // 20
        together = watch.beside(Statistics(1000, 990, 10, 1.0, {"NOERROR": 980, "NXDOMAIN": 10}))
        answered = sum(watch.waits.counts.values())
        assert answered >= _ENOUGH // 2
        assert together.completed == 990 + answered
        assert together.lost == 10 + watch.lost
        assert together.sent == together.completed + together.lost
        assert together.rcodes == {"NOERROR": 980 + answered, "NXDOMAIN": 10}
        assert together.failed == together.lost
