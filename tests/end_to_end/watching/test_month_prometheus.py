"""The report of a period has what Prometheus has of the same server: both count all queries once.

The window of ``increase`` reaches back beyond the start, where every series was 0, and ends at a
scrape: so Prometheus has nothing to extrapolate.
"""

import csv
import datetime as dt
import io
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver.audit.figures.small_counts import is_coarse
from resolver.audit.figures.store import read
from tests.live.clients import ask
from tests.live.commands import GOOD, darban
from tests.live.configs import BLOCKLISTS
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.prometheus import Prometheus, prometheus
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

_CONFIG = """
[server]
listen = ["127.0.0.1:{port}"]
workers = 2
[upstream]
servers = ["{upstream}"]
[lists]
directories = ["{lists}"]
[metrics]
listen = "127.0.0.1:{metrics}"
[policies.administrative]
block = ["@messenger", "@encrypted-dns"]
[policies.auditing]
block = ["@messenger", "@encrypted-dns"]
mode = "audit"
[vlans.administration]
prefixes = ["127.0.10.0/24"]
policy = "administrative"
[vlans.audited]
prefixes = ["127.0.30.0/24"]
policy = "auditing"
[[exemptions]]
id = "one"
prefixes = ["127.0.10.7/32"]
services = ["telegram"]
until = 2040-01-01T00:00:00Z
approver = "Head of PR"
ticket = "PR-1"
"""
ASKED = {
    ("127.0.10.5", "web.telegram.org"): 7,
    ("127.0.10.5", "web.whatsapp.com"): 5,
    ("127.0.10.7", "web.telegram.org"): 4,
    ("127.0.10.5", "www.example.org"): 3,
    ("127.0.30.5", "web.telegram.org"): 6,
    ("127.0.99.5", "web.telegram.org"): 2,
}
Sums = Counter[tuple[str, str, str]]
"""By VLAN, service and outcome."""


@pytest.fixture
def watched(tmp_path: Path, upstream: str) -> Iterator[tuple[Server, Prometheus]]:
    program, metrics = needed("prometheus"), free_port()
    text = _CONFIG.format(port=free_port(), metrics=metrics, upstream=upstream, lists=BLOCKLISTS)
    with servers(tmp_path) as make:
        server = make(text).start()
        (tmp_path / "prometheus").mkdir()
        with prometheus(program, tmp_path / "prometheus", metrics) as served:
            yield server, served


def test_the_sums_of_the_report_are_the_increase_of_the_series(
    watched: tuple[Server, Prometheus],
) -> None:
    server, served = watched
    for (client, name), times in ASKED.items():
        for _ in range(times):
            ask(server.port, name, client=client)
    increases = wait_for(lambda: _increases(served), "Prometheus has it all")
    server.stop()  # what it has counted in the minute that runs is stored
    # the exempted queries of one client are kept by part of a month, which may not be over
    assert increases.pop(("administration", "telegram", "exempted")) == 4
    sums = _reported(server)
    sums.pop(("administration", "", "exempted"), None)
    assert sums == increases
    coarse = [
        count for count in read(server.state / "figures", 0, 1 << 33).counts if is_coarse(count)
    ]
    assert [(count.vlan, count.queries) for count in coarse] == [("administration", 4)]
    assert sums["administration", "telegram", "blocked"] == 7
    assert sums["audited", "telegram", "would_block"] == 6
    assert sums["unknown", "", "refused"] == 2


def _increases(served: Prometheus) -> Sums | None:
    at = served.value("timestamp(darban_build_info)")
    found = served.vector(
        "sum by (vlan, service, outcome) (increase(darban_queries_total[1h])) > 0", at
    )
    sums: Sums = Counter()
    for labels, value in found.items():
        of = dict(labels)
        assert value == pytest.approx(round(value)), "nothing is extrapolated"
        sums[of["vlan"], of.get("service", ""), of["outcome"]] += round(value)
    return sums if sums.total() == sum(ASKED.values()) else None


def _reported(server: Server) -> Sums:
    today = dt.datetime.fromtimestamp(time.time()).date()
    days = (today - dt.timedelta(1)).isoformat(), (today + dt.timedelta(1)).isoformat()
    done = darban("report", "--from", days[0], "--to", days[1], "--csv", at=server.directory)
    assert done.code == GOOD, done.err
    return Counter(
        {
            (row["vlan"], row["service"], row["outcome"]): int(row["queries"])
            for row in csv.DictReader(io.StringIO(done.out))
        }
    )
