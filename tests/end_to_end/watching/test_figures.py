"""The figures of a real server: what is lost where it is killed, and what is not."""

import time
from collections import Counter
from collections.abc import Callable

import pytest

from resolver.audit.figures.counts import Figures, Labels
from resolver.audit.figures.store import read
from tests.live.clients import ask
from tests.live.commands import darban
from tests.live.fake_clock import FAKETIME, fake_clock
from tests.live.scraping import Scrape
from tests.live.server import Server
from tests.live.small_disk import fill, small_disk
from tests.live.waiting import wait_for

HOUR, DAY, YEAR = 3600, 86_400, 365 * 86_400
EVER = 1 << 33
SOON = 50
"""The second of a minute at which a server starts, to store the minute a few seconds later."""
MINUTE = 75.0
"""Seconds within which the server has stored what was counted before."""
BLOCKED, PASSED = "web.telegram.org", "www.example.org"


@pytest.fixture
def server(make_small: Callable[..., Server]) -> Server:
    """Not started."""
    return make_small(server="workers = 1")


def step(server: Server, seconds: float) -> None:
    """Step the clock of a server that starts with ``fake_clock``."""
    (server.directory / "clock").write_text(f"{seconds:+}")


def start_late(server: Server) -> None:
    """Start it when its clock says that a minute ends soon: there is less to wait for."""
    if FAKETIME.exists():  # else it takes a minute more
        server.environment = fake_clock(server.directory)
        step(server, SOON - time.time() % 60)
    server.start()


def figures(server: Server) -> Figures:
    return read(server.state / "figures", -DAY, EVER)


def stored(server: Server) -> Counter[Labels]:
    counted: Counter[Labels] = Counter()
    for count in figures(server).counts:
        counted[Labels(count.vlan, count.service, count.outcome)] += count.queries
    return counted


def counted(scrape: Scrape) -> Counter[Labels]:
    """The counters of ``darban_queries_total`` that are not 0."""
    found: Counter[Labels] = Counter()
    for (name, labels), value in scrape.values.items():
        if name == "darban_queries_total" and value:
            by = dict(labels)
            found[Labels(by["vlan"], by["service"], by["outcome"])] = int(value)
    return found


def query(server: Server, queries: int) -> Scrape:
    """Ask so many times each for a name that is blocked and for one that passes."""
    before = server.scrape().total("darban_queries_total")
    for _ in range(queries):
        assert ask(server.port, BLOCKED)
        assert ask(server.port, PASSED)

    def all_counted() -> Scrape | None:
        scrape = server.scrape()
        is_all = scrape.total("darban_queries_total") >= before + 2 * queries
        return scrape if is_all else None

    return wait_for(all_counted, "all queries are counted")


def run(server: Server, queries: int = 5) -> Counter[Labels]:
    """Start a server, count some queries, and end it: its counters."""
    server.start()
    gained = counted(query(server, queries))
    assert server.stop().code == 0
    return gained


def wait_until_stored(server: Server, expected: Counter[Labels]) -> None:
    wait_for(lambda: stored(server) == expected, "the minute is stored", MINUTE)


def test_the_figures_of_several_starts_are_what_the_metrics_showed(server: Server) -> None:
    expected = run(server)
    server.start()
    policy = darban("status", "--json", at=server.directory).json["policy_hash"]
    expected += counted(query(server, 7))
    assert server.stop().code == 0
    assert stored(server) == expected
    held = figures(server)
    assert {minute.policy for minute in held.minutes} == {policy}
    assert held.time_zone == "Asia/Tehran"


def test_a_disk_that_is_full_is_a_fault_and_loses_nothing(server: Server) -> None:
    server.expect_error("the figures cannot be written")
    server.state.mkdir()
    with small_disk(server.state / "figures") as disk:
        start_late(server)
        ballast = fill(disk)
        expected = counted(query(server, 5))
        wait_for(lambda: _faults(server) == 1, "the fault is counted", MINUTE)
        assert "the figures cannot be written" in darban("status", at=server.directory).out
        ballast.unlink()
        wait_until_stored(server, expected)
        wait_for(lambda: _faults(server) == 0, "the fault is over")
        assert server.stop().code == 0


def _faults(server: Server) -> float:
    return server.scrape().value("darban_faults", kind="figures_not_written")
