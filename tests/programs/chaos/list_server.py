"""The server of the fetched list: it sends the list, or hangs, fails, or sends something else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.programs.chaos.truth import LISTED_ZONE

_GARBAGE = b"<html><head><title>Please log in</title></head>" + bytes(range(256)) * 8


class Mode(Enum):
    """What the server does."""

    HONEST = "honest"
    HUNG = "hung"
    FAILING = "failing"
    GARBAGE = "garbage"


class ListServer(ThreadingHTTPServer):
    """Serves one list at every path of its port."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mode = Mode.HONEST
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """The address of the list."""
        return f"http://127.0.0.1:{self.server_port}/listed.txt"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, ListServer)
        while self.server.mode is Mode.HUNG and not self.server.closing.wait(0.1):
            pass
        body = _GARBAGE if self.server.mode is Mode.GARBAGE else f"{LISTED_ZONE}\n".encode()
        self.send_response(500 if self.server.mode is Mode.FAILING else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def list_server() -> Iterator[ListServer]:
    """A list server that serves."""
    with ListServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
