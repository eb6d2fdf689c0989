"""The bench's own logic; nothing here makes load."""

import os
import re
import shutil
import time
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from tests.programs.bench import questions, targets
from tests.programs.bench.chart import chart
from tests.programs.bench.clients import ADDRESSES, TOGETHER, deal, one_of_each_vlan
from tests.programs.bench.darban import MAIN, BlockLog, Compiled, Darban, Wildcard
from tests.programs.bench.dnsperf import Latencies, Statistics, in_turn, join, read_statistics
from tests.programs.bench.load import Measured
from tests.programs.bench.peer import Peer
from tests.programs.bench.peers import PEERS
from tests.programs.bench.processes import ROOT, BenchError, Cpu, cpu, read_pss, read_stat
from tests.programs.bench.report import at_a_rate, document, ratios, spread, table

SMALL = questions.Counts(
    blocked=200, cached=50, hits=3000, misses=300, few_misses=30, mix=3000, blocks=300, tcp=100
)

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
    assert read_statistics(DNSPERF) == Statistics(
        300_000, 299_990, 10, 2.5, {"NOERROR": 209_990, "NXDOMAIN": 90_000}
    )


def test_dnsperf_latencies() -> None:
    histogram = """
  Latency StdDev (s):   0.000071
  Latency bucket (s):   answer count
  0.000064 - 0.000065:  98
  0.001024 - 0.001055:  2
"""
    statistics = read_statistics(DNSPERF + histogram)
    assert statistics.latencies == Latencies({0.000065: 98, 0.001055: 2})
    assert statistics.latencies.quantile(0.5) == statistics.latencies.quantile(0.98) == 0.000065
    assert statistics.latencies.quantile(0.99) == 0.001055


def test_no_latencies() -> None:
    with pytest.raises(BenchError, match="latencies"):
        read_statistics(DNSPERF).latencies.quantile(0.5)


def test_generators_at_once_and_one_after_the_other() -> None:
    one = Statistics(10, 9, 1, 2.0, {"NOERROR": 9}, Latencies({0.1: 4, 0.2: 5}))
    other = Statistics(20, 20, 0, 1.0, {"NOERROR": 5, "NXDOMAIN": 15}, Latencies({0.2: 20}))
    both = Statistics(30, 29, 1, 2.0, {"NOERROR": 14, "NXDOMAIN": 15}, Latencies({0.1: 4, 0.2: 25}))
    assert join([one, other]) == both
    assert in_turn([one, other]) == replace(both, seconds=3.0)


def test_what_counts_as_failed() -> None:
    rcodes = {"NOERROR": 60, "NXDOMAIN": 30, "SERVFAIL": 5, "REFUSED": 3}
    assert Statistics(100, 98, 2, 1.0, rcodes).failed == 10


def test_dnsperf_that_says_nothing() -> None:
    with pytest.raises(BenchError, match="Queries sent"):
        read_statistics("Warning: no such file")


def test_cpu_time_of_a_process_whose_name_looks_like_fields() -> None:
    stat = "7 (a) 9 (b c) S 1 7 7 0 -1 4194560 9 0 0 0 250 1200 0 0 20 0 1 0 5 6 7"
    assert read_stat(stat) == Cpu(2.5, 12.0)


def test_cpu_time_of_a_process_is_what_the_process_itself_reads() -> None:
    before = time.process_time()
    measured = cpu([os.getpid()]).total
    assert before <= measured <= time.process_time()


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
    missed, full = (
        [name for name, _ in data.workloads[workload]] for workload in ("misses", "misses-full")
    )
    missed += [name for name, _ in data.workloads["misses-20"]] + full
    assert all(name.endswith(f".{questions.FULL}") for name in full)
    assert len(set(missed)) == len(missed)
    assert not any(is_blocked(name) for name in missed)
    assert not {name for name, _ in data.warmup} & set(missed)


def test_the_mix_is_of_the_shape_that_was_promised() -> None:
    data = questions.make(SMALL)
    warm, mix = set(data.warmup), data.workloads["mix"]
    blocked = [name for name, _ in mix if re.search(r"-b\d+\.", name)]
    new = [name for name, _ in mix if re.search(r"-x\d+\.", name)]
    assert 0.07 < len(blocked) / len(mix) < 0.13
    assert 0.12 < len(new) / len(mix) < 0.18
    assert len(set(new)) == len(new)
    assert sum(each in warm for each in mix) == len(mix) - len(blocked) - len(new)


def test_every_question_is_dealt_once(tmp_path: Path) -> None:
    asked = questions.make(SMALL).workloads["hits"]
    clients = deal(tmp_path / "dealt", asked, ADDRESSES[:7])
    lines = [line for each in clients for line in each.questions.read_text().splitlines()]
    assert sorted(lines) == sorted(f"{name} {qtype}" for name, qtype in asked)


def test_clients_are_many_and_those_who_ask_at_once_are_of_every_vlan() -> None:
    assert len(set(ADDRESSES)) == len(ADDRESSES) == 250
    vlans = {address.rpartition(".")[0] for address in one_of_each_vlan()}
    for first in range(0, len(ADDRESSES), TOGETHER):
        group = ADDRESSES[first : first + TOGETHER]
        assert {address.rpartition(".")[0] for address in group} == vlans


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_is_given_its_ports_and_the_list(peer: type[Peer], tmp_path: Path) -> None:
    data = questions.make(SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.programs.bench.peer.found", lambda name: f"/usr/sbin/{name}")
        command = peer(tmp_path, 5301, 5302, 5303).configure(data)
    assert command[0] == f"/usr/sbin/{peer.program}"
    written = "".join(each.read_text() for each in tmp_path.iterdir())
    assert "5301" in written
    assert "5302" in written
    assert all(name in written for name in data.blocked)


def test_our_config_has_a_policy_for_every_client(tmp_path: Path) -> None:
    Darban(tmp_path, 5301, 5302, 5303).configure(questions.make(SMALL))
    config = tomllib.loads((tmp_path / "config.toml").read_text())
    prefixes = {each["prefixes"][0]: each["policy"] for each in config["vlans"].values()}
    used = {prefixes[address.rpartition(".")[0] + ".0/24"] for address in ADDRESSES}
    assert len(used) > 1
    assert all(config["policies"][policy]["block"] for policy in used)


@pytest.mark.parametrize("kind", [Darban, Wildcard, BlockLog])
def test_our_configs_are_good(kind: type[Darban], tmp_path: Path) -> None:
    darban = kind(tmp_path, 5301, 5302, 5303)
    darban.configure_with(questions.make(SMALL).blocked, 1, exceptions=30, prefixes=9000)
    compiled = compile_file(darban.config, time.time())
    assert compiled.errors == compiled.failed == []
    terms = compiled.snapshot.terms
    assert terms.settings.listen[0].address == kind.listen
    assert (terms.settings.block_log is not None) is (kind is BlockLog)
    assert len(terms.excepted) == 30
    assert len(terms.prefixes) > 9000


def test_a_compiled_package_must_be_of_these_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.programs.bench.darban._COMPILED", tmp_path)
    assert "no compiled package" in Compiled.missing()
    package = tmp_path / "lib" / "python3.11" / "site-packages" / "resolver"
    shutil.copytree(ROOT / "resolver", package)
    assert "no compiled package" in Compiled.missing()
    (package / "dns" / "names.cpython-311.so").touch()
    assert Compiled.missing() == ""
    (package / "dns" / "names.py").write_text("# another file")
    assert "other files" in Compiled.missing()


def test_both_forms_of_the_list_hold_every_name() -> None:
    names = questions.make(SMALL).blocked
    assert len(set(names)) == len(names)
    adblock, zone = questions.blocklist(names), questions.response_policy_zone(names)
    assert all(f"\n||{name}^\n" in adblock for name in names)
    assert all(f"\n{name} CNAME .\n*.{name} CNAME .\n" in zone for name in names)


RUN = Measured(
    Statistics(1000, 1000, 0, 0.5, {"NOERROR": 1000}),
    Cpu(0.004, 0.006, 0.010),
    Cpu(0.005, 0.006, 0.011),
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
    half = replace(RUN, cpu=Cpu(0.002, 0.003, 0.005))
    head, _, ours, theirs = table({"Darban": [RUN], "Unbound": [half]}, "Darban").splitlines()
    assert head.endswith("Darban / this |")
    assert ours == "| Darban | **10.0** | 4.0 | 6.0 | 11.0 | 2,000 | 10 | 30 | 0.00 |  |"
    assert theirs.endswith("| 2.00 |")


def test_document() -> None:
    heading, figures = document({"hits": {"Darban": [RUN]}}, "Darban")
    assert heading.endswith("(1,000 queries)")
    assert figures == table({"Darban": [RUN]}, "Darban")


def test_targets_are_compared_within_a_pair_and_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    costly = replace(RUN, cpu=Cpu(0.006, 0.006, 0.0135))
    results = {"hits": {MAIN.name: [RUN, costly], "Unbound": [costly, costly], "dnsdist": [RUN]}}
    results["hits"]["dnsdist"] = [RUN, RUN]
    monkeypatch.setattr(targets, "code_lines", lambda _: Counter({"dns": 13_000}))
    rows = targets.table(results, [105_000_000], {"Darban": [(6.0, 1.0), (3.0, 1.0)]}).splitlines()[
        2:
    ]
    wait = "longest wait while a snapshot is"
    assert rows == [
        f"| hits: {MAIN.name} / Unbound | **0.87 (0.74..1.00)** | 0.80 | 0.70 | missed |",
        f"| hits: {MAIN.name} / dnsdist | **1.18 (1.00..1.35)** | 1.10 | 1.00 | missed |",
        f"| {wait} read, ms: Darban | **4.5 (3.0..6.0)** | 5.0 | 2.0 | pass |",
        f"| {wait} made ready, ms: Darban | **1.0 (1.0..1.0)** | 5.0 | 2.0 | goal |",
        "| MB of supervisor and worker after hits | **30 (30..30)** | 76 | 68 | goal |",
        "| MB with a full cache | **105** | 104 | 96 | missed |",
        "| lines of code | **13,000** | 14,000 | 12,500 | pass |",
    ]


def test_a_rate_compares_the_cost_and_the_slowest_of_a_hundred() -> None:
    slow = replace(
        RUN, statistics=replace(RUN.statistics, latencies=Latencies({0.0001: 90, 0.003: 10}))
    )
    fast = replace(
        RUN, statistics=replace(RUN.statistics, latencies=Latencies({0.0001: 90, 0.002: 10}))
    )
    ours, theirs = at_a_rate({"Darban": [slow], "Unbound": [fast]}, "Darban").splitlines()[2:]
    assert ours == "| Darban | 2,000 | **10.0** | 100 | 3,000 | 0.00 |  |  |"
    assert theirs == "| Unbound | 2,000 | **10.0** | 100 | 2,000 | 0.00 | 1.00 | 1.50 |"


def test_the_chart_has_a_bar_for_each_server_the_cheapest_first() -> None:
    drawn = chart("A <title>", "note", {"Hits": {"A & B": [9.0, 7.0, 8.0], "C": [4.0]}}, "C")
    svg = "{http://www.w3.org/2000/svg}"
    root = ET.fromstring(drawn)
    ours, theirs = root.findall(f"{svg}rect")
    assert ours.attrib["class"] == "bar ours"
    assert float(theirs.attrib["width"]) == pytest.approx(2 * float(ours.attrib["width"]), abs=0.2)
    assert root.findtext(f"{svg}title") == "A <title>"
    assert root.findtext(f"{svg}desc") == "Hits: C 4.0, A & B 8.0"
    assert "prefers-color-scheme: dark" in drawn
