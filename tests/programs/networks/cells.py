"""One cell of the table: a resolver asks its upstreams through the network of a row."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.live.nsd import nsd
from tests.programs.attacks import wire
from tests.programs.attacks.client_side import Heard, Shot, percentile, volley
from tests.programs.networks.network import ADDRESSES, PORT, Network, network, program
from tests.programs.networks.resolvers import RESOLVERS, resolver
from tests.programs.networks.rows import KNOWN_FOR, ROWS, Row, is_at_home, names, questions

_RATE_LIMIT = 200
"""NSD's default: answers a second to a network, of which more are dropped or truncated."""


class Cell(NamedTuple):
    """What clients of a resolver got."""

    share: float
    """Percent that got an answer in time."""
    half: float
    """Milliseconds in which half of these came."""
    most: float
    """Milliseconds in which 95 % of these came."""
    queries: float
    """Upstream queries a name."""

    def __str__(self) -> str:
        return f"{self.share:.1f} %, {self.half:.0f} / {self.most:.0f} ms, {self.queries:.2f}"


def median(cells: Sequence[Cell]) -> Cell:
    """Each figure's median."""
    return Cell(*(statistics.median(figures) for figures in zip(*cells, strict=True)))


def cell(name: str, of: str) -> Cell:
    """Ask for the names of a row by a resolver."""
    row = ROWS[name]
    with ExitStack() as stack:
        link = stack.enter_context(network())
        stack.enter_context((_scripted if row.upstreams else _nsd)(name, link))
        servers = [f"{address}:{PORT}" for address in ADDRESSES[: len(row.upstreams) or 1]]
        port = stack.enter_context(resolver(RESOLVERS[of], servers))
        shots = [
            Shot(n / row.rate, packet, f"127.0.20.{5 + n % row.clients}")
            for n, packet in enumerate(questions(row))
        ]
        if row.known:
            volley(port, shots)
            time.sleep(KNOWN_FOR + 0.5)
        link.degrade(row.loss, row.closed)
        heard = volley(port, shots, row.within)
        return _counted(row, heard, link.queries())


def _counted(row: Row, heard: Sequence[Heard | None], queries: int) -> Cell:
    counted = [
        each
        for each, name in zip(heard, names(row), strict=True)
        if not row.is_cut or is_at_home(name)
    ]
    times = [
        each.took * 1000
        for each in counted
        if each and each.took <= row.within and wire.read(each.packet).addresses
    ]
    share = 100 * len(times) / len(counted)
    return Cell(share, percentile(times, 0.5), percentile(times, 0.95), queries / len(heard))


@contextmanager
def _scripted(name: str, link: Network) -> Iterator[None]:
    """The scripted upstreams of a row, as a process of their own."""
    process = subprocess.Popen(
        [*link.into_upstreams, sys.executable, "-m", "tests.programs.networks.upstreams", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n", "the upstreams have not started"
        yield
    finally:
        process.stdin.close()
        process.wait(10)


@contextmanager
def _nsd(_: str, link: Network) -> Iterator[None]:
    """NSD with the rate limit that it has by default."""
    with tempfile.TemporaryDirectory(prefix="darban-networks-") as place:
        at = ADDRESSES[:1]
        with nsd(
            program("nsd"), Path(place), PORT, link.into_upstreams, more=at, rate_limit=_RATE_LIMIT
        ):
            yield
