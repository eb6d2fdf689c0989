"""The bench's own logic; nothing here makes load."""

from dataclasses import replace

import pytest

from tests.bench import questions
from tests.bench.load import Measured, Told, read_told
from tests.bench.processes import BenchError, Cpu, read_pss, read_stat
from tests.bench.report import document, ratios, spread, table

SMALL = questions.Counts(blocked=200, cached=50, hits=3000, misses=300, blocks=300, tcp=100)

DNSPERF = """\
Statistics:

  Queries sent:         300000
  Queries completed:    299990 (100.00%)
  Queries lost:         10 (0.00%)

  Response codes:       NOERROR 209990 (70.00%), NXDOMAIN 90000 (30.00%)
  Average packet size:  request 36, response 62
  Run time (s):         2.500000
  Queries per second:   119996.000000
"""


def test_dnsperf_statistics() -> None:
    assert read_told(DNSPERF) == Told(
        300_000, 299_990, 10, 2.5, {"NOERROR": 209_990, "NXDOMAIN": 90_000}
    )


def test_what_counts_as_failed() -> None:
    told = Told(100, 98, 2, 1.0, {"NOERROR": 60, "NXDOMAIN": 30, "SERVFAIL": 5, "REFUSED": 3})
    assert told.failed == 10


def test_dnsperf_that_says_nothing() -> None:
    with pytest.raises(BenchError, match="Queries sent"):
        read_told("Warning: no such file")


def test_cpu_time_of_a_process_whose_name_looks_like_fields() -> None:
    stat = "7 (a) 9 (b c) S 1 7 7 0 -1 4194560 9 0 0 0 250 1200 0 0 20 0 1 0 5 6 7"
    assert read_stat(stat) == Cpu(2.5, 12.0)


def test_memory_of_a_process() -> None:
    assert read_pss("55d0-7ffd ---p 0 0:0 0 [rollup]\nRss: 90 kB\nPss:   50 kB\n") == 51_200


def test_questions_are_the_same_every_time() -> None:
    assert questions.make(SMALL) == questions.make(SMALL)


def test_questions_are_of_the_shape_that_was_promised() -> None:
    data = questions.make(SMALL)
    blocked = {f".{name}" for name in data.blocked}
    hits = data.workloads["hits"]

    def is_blocked(name: str) -> bool:
        return any(f".{name}".endswith(each) for each in blocked)

    share = sum(is_blocked(name) for name, _ in hits) / len(hits)
    assert 0.25 < share < 0.35
    assert {hit for hit in hits if not is_blocked(hit[0])} <= set(data.warmup)
    assert all(is_blocked(name) for name, _ in data.workloads["blocks"])
    missed = [name for name, _ in data.workloads["misses"]]
    assert len(set(missed)) == len(missed)
    assert not any(is_blocked(name) for name in missed)
    assert not {name for name, _ in data.warmup} & set(missed)


def test_both_forms_of_the_list_hold_every_name() -> None:
    names = questions.make(SMALL).blocked
    assert len(set(names)) == len(names)
    adblock, zone = questions.blocklist(names), questions.response_policy_zone(names)
    assert all(f"\n||{name}^\n" in adblock for name in names)
    assert all(f"\n{name} CNAME .\n*.{name} CNAME .\n" in zone for name in names)


RUN = Measured(
    Told(1000, 1000, 0, 0.5, {"NOERROR": 1000}),
    Cpu(0.004, 0.006),
    Cpu(0.005, 0.006),
    10**7,
    3 * 10**7,
)


def test_a_ratio_is_taken_within_its_pair() -> None:
    assert ratios([10.0, 30.0], [5.0, 10.0]) == [2.0, 3.0]
    with pytest.raises(ValueError):
        ratios([1.0], [1.0, 2.0])


def test_spread() -> None:
    assert spread([3.0, 1.0, 2.0]) == "2.0 (1.0..3.0)"
    assert spread([12345.6], 0) == "12,346"


def test_table_compares_ours_with_each_peer() -> None:
    half = replace(RUN, cpu=Cpu(0.002, 0.003))
    head, _, ours, theirs = table({"Darban": [RUN], "Unbound": [half]}, "Darban").splitlines()
    assert head.endswith("Darban / this |")
    assert ours == "| Darban | **10.0** | 4.0 | 6.0 | 11.0 | 2,000 | 10 | 30 | 0.00 |  |"
    assert theirs.endswith("| 2.00 |")


def test_document() -> None:
    text = document({"date": "today"}, {"hits": {"Darban": [RUN]}}, "Darban")
    assert "- date: today" in text
    assert "(1,000 queries)" in text
