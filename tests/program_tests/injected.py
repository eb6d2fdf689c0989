"""``python -m tests.program_tests.injected FAULT run ...``: a server with a fault in its workers.

The programs that test the server must find each fault. Only an interpreted server can be changed.
"""

import mmap
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from unittest.mock import patch

from resolver import cli
from resolver.processes import child_process
from resolver.worker.first_beats import first_beats

_FAULT = "DARBAN_INJECTED_FAULT"
_MODULE, _WORKER = "tests.program_tests.injected", "resolver.worker"


def memory_by_queries() -> None:
    """As much as 1 KiB in 300 queries is lost, in pages: free pieces of the heap would hide it."""
    from resolver.server.handler import QueryHandler

    handle, number, lost = QueryHandler.handle, count(), list[mmap.mmap]()

    def leaking(*arguments: object) -> object:
        if next(number) % 1200 == 0:
            page = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            page.write(b"x")
            lost.append(page)
        return handle(*arguments)  # type: ignore[arg-type]

    QueryHandler.handle = leaking  # type: ignore[assignment, method-assign]


def memory_by_clients() -> None:
    """What is kept of a client is never freed."""
    from resolver.engine.client import Client, Clients

    new, lost = Clients._new, dict[bytes, Client]()

    def leaking(clients: Clients, origin: bytes, stream: bool) -> Client:
        lost[origin] = made = new(clients, origin, stream)
        return made

    Clients._new = leaking  # type: ignore[method-assign]


def descriptors_by_connections() -> None:
    """A descriptor is lost by each TCP connection."""
    accept, lost = socket.socket.accept, list[int]()

    def leaking(listening: socket.socket) -> tuple[socket.socket, object]:
        accepted, peer = accept(listening)
        lost.append(os.dup(accepted.fileno()))
        return accepted, peer

    socket.socket.accept = leaking  # type: ignore[method-assign]


def ttls_stand_still() -> None:
    """TTLs are those of the upstream for as long as an answer is kept."""
    from resolver.exchange.entry import CacheEntry

    CacheEntry.aged = lambda entry, _: entry.records  # type: ignore[method-assign]


def answers_of_others() -> None:
    """One of 2,000 answers from the cache is that to another question."""
    from resolver.engine.cache import AnswerCache
    from resolver.exchange.entry import CacheEntry

    get, number, before = AnswerCache.get, count(), list[CacheEntry]()

    def mistaken(cache: AnswerCache, key: bytes, now: float) -> CacheEntry | None:
        found = get(cache, key, now)
        if found is not None:
            before.append(found)
            if next(number) % 2000 == 1999:
                return next(each for each in reversed(before) if each is not found)
            del before[:-100]
        return found

    AnswerCache.get = mistaken  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        *(memory_by_queries, memory_by_clients, descriptors_by_connections),
        *(ttls_stand_still, answers_of_others),
    )
}


@contextmanager
def server_with(fault: str) -> Iterator[tuple[str, ...]]:
    """The program of a server with a fault, while its environment says so."""
    with patch.dict(os.environ, {_FAULT: fault}):
        yield (sys.executable, "-m", _MODULE)


def _command(module: str, *arguments: str) -> list[str]:
    """As ``child_process.command``, but for workers."""
    if module == _WORKER:  # named at the end as well: a worker is known by its command line
        module, arguments = _MODULE, (*arguments, _WORKER)
    return [sys.executable, "-P", "-m", module, *arguments]


if __name__ == "__main__":
    if sys.argv[1] == "run":
        child_process.command = _command
        cli.main()
    else:
        with first_beats():
            from resolver.worker import worker

            FAULTS[os.environ[_FAULT]]()
        worker.main()
