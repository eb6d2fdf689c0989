"""The logic of the bench's programs for a kill, a scrape and a million names; no load is made."""

import tomllib

from tests.programs.bench import kill, million, scrape
from tests.programs.bench.dnsperf import Latencies, Statistics
from tests.programs.bench.probes import last_of_firsts
from tests.programs.bench.processes import ROOT
from tests.programs.bench.scrapes import gone_back, read, value

EXPOSED = """\
# TYPE a counter
a_total{{of="x"}} {x}
a_total{{of="y"}} 2
# TYPE b gauge
b {b}
"""


def test_counters_must_not_go_back_and_gauges_may() -> None:
    scrapes = [read(EXPOSED.format(x=x, b=b)) for x, b in ((1, 5), (3, 4), (2, 9), (3, 1))]
    assert value(scrapes[1], "a_total") == 5
    assert gone_back(scrapes) == ["a_total[('of', 'x')]"]
    assert gone_back(scrapes[:2]) == []


def test_a_counter_that_vanishes_has_gone_back() -> None:
    assert gone_back([read(EXPOSED.format(x=1, b=1)), {}]) != []


def test_an_outage_ends_when_the_last_probe_is_answered() -> None:
    early, late = [(1.0, 1.1), (2.0, 2.1), (2.5, 2.6)], [(1.9, 3.0), (2.2, 3.1), (2.1, 3.2)]
    assert last_of_firsts([early, late], 2.0) == 3.1
    assert last_of_firsts([early, [(1.9, 3.0)]], 2.0) is None


def test_drops_are_those_of_the_port() -> None:
    text = (
        "  sl  local_address rem_address st queues tr retr uid timeout inode ref pointer drops\n"
        "  1: 0100007F:14B5 00000000:0000 07 0:0 0:0 0 0 0 1 2 0 40\n"
        "  2: 0100007F:14B5 00000000:0000 07 0:0 0:0 0 0 0 1 2 0 2\n"
        "  3: 0100007F:14B6 00000000:0000 07 0:0 0:0 0 0 0 1 2 0 9\n"
    )
    assert kill.overflowed(text, 0x14B5) == 42


def test_what_a_death_cost() -> None:
    asked = Statistics(1000, 990, 10, 0.5, {"NOERROR": 985, "SERVFAIL": 5})
    row = kill.table([kill.Outcome(asked, 8, 0.25, 0.5, [], 70, 1000, 10)]).splitlines()[2]
    assert row == ("| 1 | 1,980 | 1,000 | **10** | 8 | 5 | **0.25** | 0.50 | 0 in 70 scrapes | 0 |")


def test_what_reading_the_metrics_costs() -> None:
    def asked(lost: int, slow: float) -> Statistics:
        waits = Latencies({0.0001: 980, slow: 20})
        return Statistics(1000, 1000 - lost, lost, 1.0, {"NOERROR": 1000 - lost}, waits)

    quiet = scrape.cost([asked(0, 0.002), asked(0, 0.002)])
    costs = {
        "quiet": quiet,
        "slow": scrape.cost([asked(0, 0.005), asked(0, 0.004)]),
        "lossy": scrape.cost([asked(3, 0.002)]),
    }
    *_, slow, lossy = scrape.table(costs).splitlines()
    assert slow == "| slow | 2,000 | **0** | 4,500 (4,000..5,000) | 2.25 |"
    assert lossy == "| lossy | 1,000 | **3** | 2,000 | 1.00 |"
    assert [scrape.good(each, costs) for each in costs.values()] == [True, False, False]


def test_what_many_names_add() -> None:
    few = million.Server(1000, 0.2, 10**5, 0.5, 30 * 10**6, 40 * 10**6)
    many = million.Server(10**6, 9.0, 2 * 10**7, 9.5, 33 * 10**6, 59 * 10**6)
    *_, added = million.table([few], [many]).splitlines()
    assert added == "| **more** |  |  |  |  |  | **22.0** |"


def test_the_shipped_config_is_started_elsewhere() -> None:
    shipped = (ROOT / "config.toml").read_text()
    moved = tomllib.loads(million.elsewhere(shipped, 1, 2))
    assert moved["server"]["listen"] == ["127.0.0.1:1"]
    assert moved["metrics"]["listen"] == "127.0.0.1:2"
    assert moved["policies"] == tomllib.loads(shipped)["policies"]
