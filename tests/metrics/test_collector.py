"""The exported series: bounded, there from the start, and never going back."""

import mmap
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from resolver.engine.labels import QueryLabels, ReplyPath
from resolver.metrics.collector import DarbanCollector
from resolver.metrics.counter_sums import CounterSums
from resolver.metrics.counters import Counters
from resolver.metrics.kernel import KernelReadings
from resolver.metrics.layout import MEMORY, UNKNOWN, CounterLayout
from resolver.metrics.part_states import AuditState, BlockPageState, PartStates, PullsState
from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import Answers, PolicySourceStatus, PublishStatus, Status, ZoneStatus
from resolver.metrics.status_reader import read_status
from resolver.policy.compiled import CompiledConfig
from resolver.policy.verdict import Outcome
from tests.compiler.texts import compile_texts
from tests.config.files_in_memory import load_text, messages
from tests.metrics.counted_config import CONFIG, LISTS

FILTER = {"national.filter": "10.10.34.34/31\n"}
FEWER = {name: text for name, text in LISTS.items() if name != "other"}

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class _Served:
    """A worker's counters, and the collector over them."""

    def __init__(self, workers: int = 1) -> None:
        self.now = 0.0
        self.layout = CounterLayout(lambda: self.now)
        compiled, place = compile_texts(CONFIG, LISTS).compiled, Path()
        self.config = ServedConfig(place / "config.toml", place, compiled, Path("0123"), 1.0)
        self.states: list[object] = []
        memories = [os.memfd_create("counters") for _ in range(workers)]
        for memory in memories:
            os.ftruncate(memory, MEMORY)
        self.workers = [Counters(memory) for memory in memories]
        self.cells = [memoryview(mmap.mmap(number, MEMORY)).cast("Q") for number in memories]
        self.drops: int | None = 7
        self._exported = CollectorRegistry()
        self._exported.register(
            DarbanCollector(self._sums, self.config, self._states, self._readings)
        )

    def _sums(self) -> CounterSums:
        return CounterSums(self.layout, self.cells)

    def _states(self) -> PartStates:
        return PartStates(self.states)

    def _readings(self) -> KernelReadings:
        return KernelReadings(self.drops, {"workers": 4096})

    def follow(self, lists: dict[str, str], upstreams: list[str], config: str = CONFIG) -> None:
        self.put_in_force(compile_texts(config, lists).compiled)
        counter_map = self.layout.counter_map(self.config.compiled, upstreams)
        for worker in self.workers:
            worker.follow(counter_map)

    def put_in_force(self, compiled: CompiledConfig) -> None:
        self.config.put_in_force(compiled, Path("0123"), 2.0)

    def service(self, name: str) -> int:
        return [service.name for service in self.config.compiled.services].index(name)

    def status(self) -> Status:
        return read_status(self._sums(), self.config, self._states(), self.now)

    def series(self) -> Series:
        return dict(_read(generate_latest(self._exported).decode()))


def _count(worker: Counters, labels: QueryLabels) -> None:
    worker.cells[worker.cell(labels)] += 1


def _read(text: str) -> Iterator[tuple[tuple[str, tuple[tuple[str, str], ...]], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield (sample.name, tuple(sorted(sample.labels.items()))), sample.value


def _of(series: Series, name: str, **labels: str) -> float | None:
    return series.get((name, tuple(sorted(labels.items()))))


BYPASS = "darban_bypass_attempts_total"
UP = "darban_upstream_up"


def test_each_series_that_a_policy_can_produce_starts_with_0() -> None:
    served = _Served()
    served.follow(LISTS | FILTER, ["192.0.2.1:53"])
    series = served.series()
    blocked = {"vlan": "administration", "outcome": "blocked", "service": "one"}
    assert _of(series, "darban_queries_total", **blocked) == 0
    own = {"vlan": "administration", "outcome": "blocked", "service": ""}
    assert _of(series, "darban_queries_total", **own) == 0
    assert _of(series, "darban_queries_total", **own | {"vlan": "publicity"}) is None
    exempted = {"vlan": "administration", "outcome": "exempted", "service": "one"}
    assert _of(series, "darban_queries_total", **exempted) == 0
    assert _of(series, "darban_queries_total", **exempted | {"service": "around"}) is None
    withheld = {"vlan": "publicity", "outcome": "rebinding", "service": ""}
    assert _of(series, "darban_queries_total", **withheld) == 0
    assert _of(series, "darban_queries_total", **withheld | {"vlan": "administration"}) is None
    filtered = {"vlan": "publicity", "outcome": "national_filter", "service": ""}
    assert _of(series, "darban_queries_total", **filtered) == 0
    assert _of(series, "darban_query_types_total", type="other") == 0
    assert _of(series, "darban_responses_total", vlan="publicity", rcode="SERVFAIL") == 0
    assert _of(series, BYPASS, vlan="administration", kind="provider") == 0
    assert _of(series, BYPASS, vlan="publicity", kind="provider") is None
    assert _of(series, "darban_socket_drops_total") == 7


def test_the_head_of_the_history_is_exported_once_it_is_known() -> None:
    served = _Served()
    served.follow(LISTS, [])
    assert not [name for name, _ in served.series() if name == "darban_history_info"]
    served.states = [AuditState("0a1b", 7)]
    assert _of(served.series(), "darban_history_info", number="7", hash="0a1b") == 1


@pytest.mark.parametrize("rcode", [0, 2])
def test_a_health_check_is_no_query(rcode: int) -> None:
    served = _Served()
    served.follow(LISTS, [])
    before = served.series()
    for vlan in (-1, 0):
        _count(served.workers[0], QueryLabels(vlan, Outcome.HEALTH, -1, rcode, 1))
    assert served.series() == before


def test_a_health_check_is_no_answer() -> None:
    served = _Served()
    served.follow(LISTS, [])
    [worker] = served.workers
    _count(worker, QueryLabels(0, Outcome.HEALTH, -1, 0, 1))
    worker.observe_duration(ReplyPath.CACHE, 0.001)
    status = served.status()
    assert (status.queries, status.answers) == (0, Answers(0, 0))
    _count(worker, QueryLabels(0, Outcome.PASSED, -1, 0, 1))
    worker.observe_duration(ReplyPath.CACHE, 0.001)
    status = served.status()
    assert (status.queries, status.answers) == (1, Answers(1, 0))


def test_how_much_a_vlan_s_policy_blocks() -> None:
    served = _Served()
    served.follow(FEWER, [])
    series = served.series()
    assert _of(series, "darban_vlan_bans", vlan="administration") == len(FEWER) + 1
    assert _of(series, "darban_vlan_bans", vlan="publicity") == 0


def test_queries_without_their_forward_zone_are_a_sum_over_the_workers() -> None:
    served = _Served()
    served.follow(LISTS, [])
    assert _of(served.series(), "darban_missing_forward_queries_total") == 0
    for worker in served.workers:
        worker.missing_forwards(3)
    expected = 3 * len(served.workers)
    assert _of(served.series(), "darban_missing_forward_queries_total") == expected


def test_the_oldest_review_of_a_list_is_told() -> None:
    served = _Served()
    assert _of(served.series(), "darban_lists_reviewed_timestamp_seconds") is None
    dated = {
        "one": "! Reviewed: 2026-11-26\n" + LISTS["one"],
        "around": "! Reviewed: 2026-11-24\n" + LISTS["around"],
        "other": LISTS["other"],
    }
    served.follow(dated, [])
    assert _of(served.series(), "darban_lists_reviewed_timestamp_seconds") == 1795478400


def test_without_the_kernel_s_drops_the_metric_has_no_series() -> None:
    served = _Served()
    served.follow(LISTS, [])
    served.drops = None
    assert _of(served.series(), "darban_socket_drops_total") is None


def test_the_counters_of_all_workers_are_added_up() -> None:
    served = _Served(workers=2)
    served.follow(LISTS, ["192.0.2.1:53"])
    for worker in served.workers:
        _count(worker, QueryLabels(0, Outcome.BLOCKED, served.service("one"), 0, 1))
        worker.observe_duration(ReplyPath.CACHE, 0.003)
        worker.upstream_up("192.0.2.1:53", True)
    series = served.series()
    blocked = {"vlan": "administration", "outcome": "blocked", "service": "one"}
    assert _of(series, "darban_queries_total", **blocked) == 2
    took = "darban_query_duration_seconds"
    assert _of(series, f"{took}_bucket", path="cache", le="0.0025") == 0
    assert _of(series, f"{took}_bucket", path="cache", le="0.005") == 2
    assert _of(series, f"{took}_count", path="cache") == 2
    assert _of(series, f"{took}_sum", path="cache") == 0.006
    assert _of(series, UP, upstream="192.0.2.1:53") == 1


def test_the_zones_for_other_resolvers() -> None:
    served = _Served()
    served.follow(LISTS, [])
    assert not [name for name, _ in served.series() if name.startswith("darban_zone")]
    zones = (ZoneStatus("a.rpz", 7, 7), ZoneStatus("b.rpz", 8, None))
    served.states = [PublishStatus("/zones", "127.0.0.1:8053", zones, ("x",), "")]
    series = served.series()
    assert _of(series, "darban_zone_served_serial", zone="a.rpz") == 7
    assert _of(series, "darban_zone_serial", zone="b.rpz") == 8
    assert _of(series, "darban_zone_served_serial", zone="b.rpz") == 0


def test_the_block_page() -> None:
    served = _Served()
    assert _of(served.series(), "darban_block_page_up") is None
    served.states = [BlockPageState(False)]
    assert _of(served.series(), "darban_block_page_up") == 0


def test_the_policy_from_git() -> None:
    served = _Served()
    served.follow(LISTS, [])
    pulled = ("darban_policy_pull", "darban_policy_expiry")
    assert not [name for name, _ in served.series() if name.startswith(pulled)]
    source = PolicySourceStatus(
        *("/srv/policy.git", "stable", "1", "noc", 5.0, 7.0, 9.0, "failed", "no network")
    )
    served.states = [PullsState({"failed": 2}, source)]
    series = served.series()
    assert _of(series, "darban_policy_pulled_timestamp_seconds") == 7
    assert _of(series, "darban_policy_expiry_timestamp_seconds") is None
    assert _of(series, "darban_policy_pulls_total", result="failed") == 2
    assert _of(series, "darban_policy_pulls_total", result="applied") == 0
    served.states = [PullsState({}, replace(source, expiry=11.0))]
    assert _of(served.series(), "darban_policy_expiry_timestamp_seconds") == 11


def test_the_policy_hash() -> None:
    served = _Served()
    served.follow(LISTS, [])
    version, policy = served.config.compiled.policy_hash.split(":")
    assert _of(served.series(), "darban_policy_info", version=version, hash=policy) == 1


def test_the_policy_hash_of_a_snapshot_of_0_1_0_has_no_version() -> None:
    served = _Served()
    served.follow(LISTS, [])
    served.put_in_force(replace(served.config.compiled, policy_hash="fedcba9876543210"))
    assert _of(served.series(), "darban_policy_info", version="", hash="fedcba9876543210") == 1


def test_counters_outlive_a_removed_service() -> None:
    served = _Served()
    served.follow(LISTS, [])
    for name in ("around", "other"):
        labels = QueryLabels(0, Outcome.BLOCKED, served.service(name), 0, 1)
        _count(served.workers[0], labels)
    before = served.series()
    assert _of(before, BYPASS, vlan="administration", kind="provider") == 2
    served.follow(FEWER, [])
    after = served.series()
    counted = {key: value for key, value in before.items() if key[0].endswith("_total") and value}
    assert {key: after.get(key) for key in counted} == counted


def test_series_of_what_left_the_config_end_after_a_day_and_no_other_goes_back() -> None:
    served = _Served()
    server, other = "192.0.2.1:53", "192.0.2.2:53"
    served.follow(LISTS, [server, other])
    served.workers[0].answered(server, 0.01)
    for outcome, name in ((Outcome.BLOCKED, "other"), (Outcome.BLOCKED, "one")):
        for vlan in (0, 1):
            labels = QueryLabels(vlan, outcome, served.service(name), 0, 1)
            _count(served.workers[0], labels)
    before = served.series()
    gone = {("vlan", "administration"), ("service", "other"), ("upstream", server)}
    served.follow(FEWER, [other], CONFIG.replace("administration", "offices"))
    served.now += 86399
    counted = {k: v for k, v in before.items() if k[0].endswith("_total") and v}
    assert counted.items() <= served.series().items()
    served.now += 1
    after = served.series()
    assert not [key for key in after if gone & set(key[1])]
    assert all(after[k] >= v for k, v in counted.items() if not gone & set(k[1]))
    served.follow(LISTS, [server, other])
    assert served.series() == before


def test_a_removed_upstream_is_not_down() -> None:
    served = _Served()
    served.follow(LISTS, ["192.0.2.1:53", "192.0.2.2:53"])
    served.workers[0].upstream("192.0.2.1:53", "timeout")
    served.workers[0].upstream_up("192.0.2.1:53", False)
    assert _of(served.series(), UP, upstream="192.0.2.1:53") == 0
    served.follow(LISTS, ["192.0.2.2:53"])
    after = served.series()
    assert _of(after, UP, upstream="192.0.2.1:53") is None
    asked = {"upstream": "192.0.2.1:53", "result": "timeout"}
    assert _of(after, "darban_upstream_queries_total", **asked) == 1


def test_answers_of_the_filter_and_those_that_differ_are_counted_by_server() -> None:
    served = _Served(workers=2)
    served.follow(LISTS, ["192.0.2.1:53"])
    for worker in served.workers:
        worker.upstream("192.0.2.1:53", "national_filter")
        worker.differing("192.0.2.1:53", "other")
    served.workers[0].differing("192.0.2.1:53", "national_filter")
    series, server = served.series(), {"upstream": "192.0.2.1:53"}
    differing = "darban_upstream_differing_answers_total"
    filtered = {**server, "result": "national_filter"}
    assert _of(series, "darban_upstream_queries_total", **filtered) == 2
    assert _of(series, differing, kind="other", **server) == 2
    assert _of(series, differing, kind="national_filter", **server) == 1
    [upstream] = served.status().upstreams
    seen = (upstream.filtered, upstream.filtered_twice, upstream.differing)
    assert (seen, upstream.failures) == ((2, 1, 2), 0)


@pytest.mark.parametrize(
    ("said", "up"),
    [
        ((None, None), 1),
        ((True, None), 1),
        ((False, None), 0),
        ((False, True), 1),
        ((False, False), 0),
    ],
)
def test_an_upstream_is_up_if_it_answers_a_worker_that_asked_it(
    said: tuple[bool | None, bool | None], up: int
) -> None:
    served = _Served(workers=2)
    served.follow(LISTS, ["192.0.2.1:53"])
    for worker, flag in zip(served.workers, said, strict=True):
        worker.upstream_up("192.0.2.1:53", flag)
    assert _of(served.series(), UP, upstream="192.0.2.1:53") == up


def test_a_reload_changes_when_the_snapshot_came_in_force_and_not_when_the_server_started() -> None:
    served = _Served()
    served.config.put_in_force(served.config.compiled, Path("0123"), 3.0)
    series = served.series()
    assert _of(series, "darban_snapshot_loaded_timestamp_seconds") == 3.0
    assert _of(series, "darban_started_timestamp_seconds") == 1.0


def test_no_vlan_has_the_label_of_clients_in_no_vlan() -> None:
    text = f'[policies.p]\n[vlans.{UNKNOWN}]\nprefixes = ["10.0.0.0/8"]\npolicy = "p"\n'
    assert any(f"vlans.{UNKNOWN}: found" in message for message in messages(load_text(text)))
