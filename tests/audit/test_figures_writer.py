"""The supervisor's thread that stores figures: full and read-only disks, damage, retention."""

import math
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.audit import figures_writer
from resolver.audit.figures.counts import Figures, HourCount, HourLink, Minute, SelfTestResult
from resolver.audit.figures.small_counts import part_of_month
from resolver.audit.figures.store import read
from resolver.audit.figures_writer import FiguresWriter
from resolver.dns.transport import UDP
from resolver.metrics.counter_sums import CounterSums
from resolver.metrics.layout import CounterLayout, QueryCount
from resolver.metrics.part_states import FiguresState, LinkState, PartStates, SelfTestState
from resolver.metrics.served_config import ServedConfig
from resolver.policy.compiled import CompiledConfig
from resolver.policy.verdict import Outcome
from tests.audit.figures.synthetic import ABAN, DAY, HOUR
from tests.compiler.texts import compile_texts
from tests.live.small_disk import fill, small_disk
from tests.live.waiting import wait_for
from tests.metrics.counted_config import CONFIG, LISTS

EVER = 1 << 33


class _Node:
    """A writer, and the counts that it finds."""

    def __init__(self, place: Path) -> None:
        compiled = compile_texts(CONFIG, LISTS).compiled
        self.directory = place / "figures"
        self.config = ServedConfig(place / "config.toml", place, compiled, place / "0123", 1.0)
        self.states: list[object] = []
        self.all_served = True
        self.outcome = Outcome.BLOCKED
        self.counted: Counter[tuple[str, str]] = Counter()
        self.writer = FiguresWriter(
            self.config, self._sums, lambda: PartStates(self.states), lambda: self.all_served
        )

    def put_in_force(self, compiled: CompiledConfig) -> None:
        self.config.put_in_force(compiled, self.config.snapshot, 2.0)

    @property
    def problem(self) -> str:
        return PartStates(self.writer.states()).of(FiguresState).problem

    def _sums(self) -> CounterSums:
        sums = CounterSums(CounterLayout(), [])
        sums.query_counts = [
            QueryCount(vlan, self.outcome, service, 0, 1, UDP, times)
            for (vlan, service), times in self.counted.items()
        ]
        return sums

    def minute(self, at: int, queries: int = 1, vlan: str = "staff") -> None:
        self.counted[vlan, "telegram"] += queries
        self.writer.take(at)

    def read(self) -> Figures:
        return read(self.directory, -DAY, EVER)

    def stored(self) -> int:
        return sum(count.queries for count in self.read().counts)

    def waits_until(self, problem: str) -> None:
        wait_for(lambda: problem in self.problem, problem)

    def waits_until_stored(self, queries: int) -> None:
        wait_for(lambda: self.stored() == queries, "the figures are stored")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[_Node]:
    made = _Node(tmp_path)
    yield made
    made.writer.stop()


def test_the_minutes_of_a_cut_link_are_stored(node: _Node) -> None:
    node.minute(ABAN)
    node.states = [LinkState(abroad=False, home=True, since=ABAN)]
    node.minute(ABAN + 60)
    node.minute(ABAN + 120)
    node.states = [LinkState(abroad=False, home=False, since=ABAN)]
    node.minute(ABAN + 180)
    node.waits_until_stored(4)
    assert node.read().links == (HourLink(ABAN, 2, 0),)


def test_each_minute_is_stored_with_what_held(node: _Node) -> None:
    node.minute(ABAN, 3)
    node.all_served = False
    node.states = [SelfTestState("held")]
    node.minute(ABAN + 60, 4)
    node.all_served = True
    node.minute(ABAN + HOUR, 5)
    node.waits_until_stored(12)
    found = node.read()
    assert [(count.hour, count.queries) for count in found.counts] == [(ABAN, 7), (ABAN + HOUR, 5)]
    policy = node.config.compiled.policy_hash
    assert found.minutes == (
        Minute(ABAN, policy, serving=True, tested=SelfTestResult.UNTESTED),
        Minute(ABAN + 60, policy, serving=False, tested=SelfTestResult.HELD),
        Minute(ABAN + HOUR, policy, serving=True, tested=SelfTestResult.HELD),
    )


def test_a_vlan_that_is_renamed_is_another(node: _Node) -> None:
    node.minute(ABAN, 3)
    node.minute(ABAN + 60, 4, "officials")
    node.waits_until_stored(7)
    assert {count.vlan: count.queries for count in node.read().counts} == {
        "staff": 3,
        "officials": 4,
    }


def test_what_few_may_use_is_kept_without_hour_and_service(node: _Node) -> None:
    """An exemption for one address of administration is no secret in the figures else."""
    prefix = node.config.compiled.exempted_prefixes[0]._replace(length=32)
    node.put_in_force(replace(node.config.compiled, exempted_prefixes=(prefix,)))
    node.outcome = Outcome.EXEMPTED
    node.minute(ABAN + 5 * HOUR, 3, "administration")
    node.minute(ABAN + 6 * HOUR, 4, "administration")
    node.minute(ABAN + 6 * HOUR + 60, 5, "publicity")
    node.waits_until_stored(12)
    part = ABAN + 9 * DAY  # 1 November
    assert {
        (count.hour, count.vlan, count.service, count.queries) for count in node.read().counts
    } == {
        (part - HOUR, "administration", "", 7),
        (ABAN + 6 * HOUR, "publicity", "telegram", 5),
    }


def test_what_the_national_filter_answers_counts_as_passed_unless_that_is_switched_on(
    node: _Node,
) -> None:
    node.outcome = Outcome.NATIONAL_FILTER
    node.minute(ABAN, 3)
    settings = node.config.compiled.settings
    apart = replace(settings, report=replace(settings.report, national_filter=True))
    node.put_in_force(replace(node.config.compiled, settings=apart))
    node.minute(ABAN + 60, 4)
    node.waits_until_stored(7)
    counted = {count.outcome: count.queries for count in node.read().counts}
    assert counted == {"passed": 3, "national_filter": 4}


def test_the_last_minute_of_an_exemption_for_few_is_kept_like_those_before(node: _Node) -> None:
    prefix = node.config.compiled.exempted_prefixes[0]._replace(length=32)
    node.put_in_force(replace(node.config.compiled, exempted_prefixes=(prefix,)))
    node.outcome = Outcome.EXEMPTED
    node.minute(ABAN, 3, "administration")
    node.put_in_force(replace(node.config.compiled, exempted_prefixes=(), exemptions=()))
    node.minute(ABAN + 60, 4, "administration")
    node.minute(ABAN + 120, 5, "administration")
    node.waits_until_stored(12)
    assert {(count.service, count.queries) for count in node.read().counts} == {
        ("", 7),
        ("telegram", 5),
    }


def test_a_thread_that_wakes_before_the_last_minute_stores_it(
    node: _Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.minute(ABAN)
    node.waits_until_stored(1)
    take, wanted = node.writer.take, node.writer._wanted

    def take_late(at: int) -> None:
        wanted.set()
        wait_for(lambda: not wanted.is_set(), "the thread looks")
        take(at)

    monkeypatch.setattr(node.writer, "take", take_late)
    node.counted["staff", "telegram"] += 4
    node.writer.stop()
    assert node.stored() == 5


def test_a_minute_is_counted_also_where_no_file_can_be_opened(
    node: _Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(name: str) -> None:
        raise OSError(24, "Too many open files", name)

    monkeypatch.setattr(figures_writer, "time_zone", none_left)
    node.minute(ABAN)
    compiled = node.config.compiled
    settings = replace(compiled.settings, report=replace(compiled.settings.report, time_zone="UTC"))
    node.put_in_force(replace(compiled, settings=settings))
    node.minute(ABAN + 60)
    node.waits_until_stored(2)
    assert {count.hour for count in node.read().counts} == {ABAN}  # by Tehran's hours


@pytest.mark.processes
def test_what_a_full_disk_refuses_is_stored_later(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        node = _Node(disk)
        node.minute(ABAN, 3)
        node.waits_until_stored(3)
        ballast = fill(disk)
        node.minute(ABAN + 60, 4)
        node.minute(ABAN + HOUR, 5)
        node.waits_until("2026-10.sqlite: ")
        assert node.stored() == 3
        assert node.writer.waits_since() == ABAN
        ballast.unlink()
        node.minute(ABAN + HOUR + 60, 6)
        node.waits_until_stored(18)
        wait_for(lambda: node.writer.waits_since() == math.inf, "nothing waits")
        assert len(node.read().minutes) == 4
        wait_for(lambda: not node.problem, "writing works")
        node.writer.stop()


@pytest.mark.processes
def test_what_a_read_only_disk_refuses_is_stored_later(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        node = _Node(disk)
        node.minute(ABAN, 3)
        node.waits_until_stored(3)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        node.minute(ABAN + 60, 4)
        node.waits_until("read")
        assert node.stored() == 3
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        node.minute(ABAN + 120, 5)
        node.waits_until_stored(12)
        node.writer.stop()


def test_a_damaged_file_costs_its_month(node: _Node, caplog: pytest.LogCaptureFixture) -> None:
    node.minute(ABAN - 30 * DAY, 2)
    node.minute(ABAN, 3)
    node.waits_until_stored(5)
    (node.directory / "2026-10.sqlite").write_bytes(b"damaged" * 1000)
    node.minute(ABAN + 60, 4)
    node.waits_until_stored(6)
    lost = "the figures of a month are lost: 2026-10.sqlite: "
    wait_for(lambda: lost in caplog.text, "the thread has logged it")
    assert not node.problem
    assert node.read().damaged == ("2026-10.damaged-1: set aside",)


def test_a_clock_that_jumps_ahead_removes_nothing(
    node: _Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Months are removed by a clock that went on for ten minutes, and the newest 15 never."""
    now, steady = [0.0], [0.0]
    module = "resolver.audit.figures_writer"
    monkeypatch.setattr(f"{module}.time.time", lambda: now[0])
    monkeypatch.setattr(f"{module}.time.monotonic", lambda: steady[0])
    monkeypatch.setattr(f"{module}.kernel.clock_synchronised", lambda: True)
    stored = 0
    for month in range(17):
        now[0] = ABAN + month * 30.5 * DAY
        steady[0] += 60
        node.minute(int(now[0]))
        stored += 1
        node.waits_until_stored(stored)
    now[0] += 10 * 365 * DAY
    for _ in range(9):
        now[0] += 60
        steady[0] += 60
        node.minute(int(now[0]))
        stored += 1
        node.waits_until_stored(stored)
    assert len(list(node.directory.iterdir())) == 18
    now[0] += 120
    steady[0] += 120
    node.minute(int(now[0]))
    wait_for(lambda: len(list(node.directory.iterdir())) == 15, "old months are removed")


def test_the_minute_that_runs_is_stored_at_the_end(node: _Node) -> None:
    node.counted["staff", "telegram"] = 9
    began = time.time()
    node.writer.stop()
    assert node.stored() == 9
    (minute,) = node.read().minutes
    assert began // 60 * 60 <= minute.at <= time.time()


def test_what_few_are_exempted_from_is_stored_by_part_of_a_month(tmp_path: Path) -> None:
    few = CONFIG.replace("10.10.3.0/24", "10.10.3.7/32")
    compiled = compile_texts(few, LISTS).compiled
    config = ServedConfig(tmp_path / "config.toml", tmp_path, compiled, tmp_path / "0123", 1.0)
    sums = CounterSums(CounterLayout(), [])
    sums.query_counts = [QueryCount("administration", Outcome.EXEMPTED, "one", 0, 1, UDP, 3)]
    writer = FiguresWriter(config, lambda: sums, lambda: PartStates([]), lambda: True)
    writer.take(ABAN)
    writer.stop()
    end = part_of_month(ABAN, writer.time_zone())[1]
    (count,) = read(tmp_path / "figures", -DAY, EVER).counts
    assert count == HourCount(end - HOUR, "administration", "", "exempted", 3)
