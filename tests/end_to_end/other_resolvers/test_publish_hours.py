"""Hours begin and end for Darban, and for BIND with its zones, without a reload."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resolver.system.files import write_atomically
from tests.live.bind import Bind
from tests.live.configs import edited
from tests.live.fake_clock import FAKETIME, fake_clock
from tests.live.nsd import ANY_V4
from tests.live.programs import lacking
from tests.live.publishing import (
    ADMINISTRATION,
    BLOCKS,
    OVERRIDES,
    PUBLICITY,
    Site,
    enforcing,
    publishing,
    serving,
)
from tests.live.server import Server
from tests.live.waiting import wait_for

pytestmark = pytest.mark.real_clock

HOURS = """
[hours.noon]
days = ["sat", "sun", "mon", "tue", "wed", "thu", "fri"]
from = "12:00"
to = "13:00"
time_zone = "Etc/UTC"

[hours.afternoon]
days = ["sat", "sun", "mon", "tue", "wed", "thu", "fri"]
from = "12:30"
to = "13:30"
time_zone = "Etc/UTC"

[[exemptions]]
id = "afternoon"
vlan = "administration"
services = ["whatsapp"]
hours = "afternoon"
until = 2199-03-20T23:59:59+03:30
approver = "Head of PR"
ticket = "PR-1"
"""
SLACK, WHATSAPP, TELEGRAM = "slack.com", "web.whatsapp.com", "web.telegram.org"
BOUNDARIES = (
    ("11:59:55", BLOCKS, {SLACK, WHATSAPP, TELEGRAM}),
    ("12:29:55", OVERRIDES, {SLACK, TELEGRAM}),
    ("12:59:55", BLOCKS, {TELEGRAM}),
    ("13:29:55", OVERRIDES, {WHATSAPP, TELEGRAM}),
)
"""Five seconds before each, the zone that changes, and what is blocked on administration then."""


@pytest.fixture
def site(make: Callable[[str], Server], upstream: str, tmp_path: Path) -> Iterator[Site]:
    """A server whose clock a test steps, with Knot; Slack is blocked in hours alone."""
    if not FAKETIME.exists():
        lacking("needs libfaketime: apt install faketime")
    server = publishing(make, upstream)
    during = 'during = [{ hours = "noon", block = ["slack"] }]'
    edited(server.config, "deny = []", f"deny = []\n{during}")
    with server.config.open("a", encoding="utf-8") as config:
        config.write(HOURS)
    server.environment = fake_clock(server.directory)
    step(server, "11:30:00")
    (tmp_path / "knot").mkdir()
    with serving(server.start(), tmp_path / "knot") as site:
        yield site


@pytest.fixture
def secondary(site: Site, upstream: str, tmp_path: Path) -> Iterator[Bind]:
    (tmp_path / "bind").mkdir()
    with enforcing(site, upstream, tmp_path / "bind") as running:
        wait_for(lambda: blocked(site.address) == BOUNDARIES[-1][2], "BIND enforces", 30)
        yield running


def step(server: Server, clock: str) -> None:
    """Step the clock of a server to a time of tomorrow, in UTC."""
    now = dt.datetime.now(dt.UTC)
    then = dt.datetime.combine(now.date() + dt.timedelta(1), dt.time.fromisoformat(clock), dt.UTC)
    text = f"+{(then - now).total_seconds():.3f}"
    write_atomically(server.directory / "clock", text.encode())


def blocked(ask: Callable[[str, str], str]) -> set[str]:
    """The names for which administration gets a sinkhole."""
    return {name for name in (SLACK, WHATSAPP, TELEGRAM) if ask(ADMINISTRATION, name) == "0.0.0.0"}


@pytest.mark.usefixtures("secondary")
def test_zones_and_their_secondary_follow_at_each_boundary(
    site: Site, figure: Callable[[str], None]
) -> None:
    for clock, zone, then in BOUNDARIES:
        before = site.records()
        assert blocked(site.own_address) == blocked(site.address) != then
        step(site.server, clock)
        wait_for(lambda then=then: blocked(site.own_address) == then, "the server follows", 30)
        began = time.monotonic()
        wait_for(lambda before=before: site.records() != before, "the zones are written")
        written = time.monotonic()
        site.knot.control("zone-reload")
        wait_for(lambda then=then: blocked(site.address) == then, "the secondary follows")
        reached = time.monotonic()
        after = site.records()
        assert [name for name in after if after[name] != before[name]] == [f"{zone}.zone"]
        assert site.address(PUBLICITY, SLACK) == ANY_V4
        figure(
            f"a boundary after {clock}: zones written {written - began:.1f} s after the server "
            f"follows, in BIND {reached - written:.1f} s later"
        )
