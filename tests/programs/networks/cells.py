"""One cell of the table: a resolver asks its upstreams through the network of a row."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tests.live.certificates import Certificate, CertificateAuthority
from tests.live.nsd import nsd
from tests.programs.attacks import wire
from tests.programs.attacks.client_side import Heard, Shot, percentile, volley
from tests.programs.networks.network import ADDRESSES, PORT, Network, network, program
from tests.programs.networks.resolvers import RESOLVERS, TLS_NAME, Upstreams, resolver
from tests.programs.networks.rows import KNOWN_FOR, ROWS, Row, is_at_home, names, questions

_RATE_LIMIT = 200
"""NSD's default: answers a second to a network, of which more are dropped or truncated."""
_AT_ONCE = 1000
"""Milliseconds."""


class Cell(NamedTuple):
    """What clients of a resolver got."""

    share: float
    """Percent that got an answer in time."""
    at_once: float
    """Percent that got one within a second."""
    half: float
    """Milliseconds in which half of these came."""
    most: float
    """Milliseconds in which 95 % of these came."""
    queries: float
    """Upstream queries a name."""

    def __str__(self) -> str:
        shares = f"{self.at_once:.1f} / {self.share:.1f} %"
        return f"{shares}, {self.half:.0f} / {self.most:.0f} ms, {self.queries:.2f}"


def median(cells: Sequence[Cell]) -> Cell:
    """Each figure's median."""
    return Cell(*(statistics.median(figures) for figures in zip(*cells, strict=True)))


def cell(name: str, of: str, count: int = 0) -> Cell:
    """Ask for the names of a row by a resolver; ``count``: so many of them, unless it is 0."""
    row = ROWS[name]
    if count:
        row = replace(row, names=count)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="darban-networks-")))
        authority = CertificateAuthority.make(program("openssl"), place / "ca")
        certificate = authority.issue("upstream", f"DNS:{TLS_NAME}")
        link = stack.enter_context(network())
        serving = _scripted(name, link, certificate) if row.upstreams else _nsd(link)
        stack.enter_context(serving)
        addresses = ADDRESSES[: len(row.upstreams) or 1]
        upstreams = Upstreams(addresses, authority.file if row.tls else None)
        port = stack.enter_context(resolver(RESOLVERS[of], upstreams))
        shots = [
            Shot((n - n % row.together) / row.rate, packet, f"127.0.20.{5 + n % row.clients}")
            for n, packet in enumerate(questions(row))
        ]
        if row.known:
            volley(port, shots)
            time.sleep(KNOWN_FOR + 0.5)
        link.degrade(row)
        heard = volley(port, shots, row.within)
        return _counted(row, heard, link.queries())


def _counted(row: Row, heard: Sequence[Heard | None], queries: int) -> Cell:
    counted = [
        item
        for item, name in zip(heard, names(row), strict=True)
        if not row.is_cut or is_at_home(name)
    ]
    times = [
        heard.took * 1000
        for heard in counted
        if heard and heard.took <= row.within and wire.read(heard.packet).addresses
    ]
    share = 100 * len(times) / len(counted)
    at_once = 100 * sum(number <= _AT_ONCE for number in times) / len(counted)
    return Cell(
        share, at_once, percentile(times, 0.5), percentile(times, 0.95), queries / len(heard)
    )


@contextmanager
def _scripted(name: str, link: Network, certificate: Certificate) -> Iterator[None]:
    """The scripted upstreams of a row, as a process of their own."""
    process = subprocess.Popen(
        [
            *(*link.into_upstreams, sys.executable, "-m", "tests.programs.networks.upstreams"),
            *(name, certificate.file, certificate.key),
        ],
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
def _nsd(link: Network) -> Iterator[None]:
    """NSD with the rate limit that it has by default."""
    with tempfile.TemporaryDirectory(prefix="darban-networks-") as place:
        at = ADDRESSES[:1]
        with nsd(
            program("nsd"), Path(place), PORT, link.into_upstreams, more=at, rate_limit=_RATE_LIMIT
        ):
            yield
