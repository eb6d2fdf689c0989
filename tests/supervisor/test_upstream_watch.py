"""Which upstream servers fail, by what has become of the queries to them."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from resolver.metrics.layout import UpstreamCounts
from resolver.metrics.part_states import FailingUpstreams, PartStates
from resolver.policy.upstream_groups import FALLBACK_GROUP
from resolver.supervisor.rollout import Rollout
from resolver.supervisor.watches import UpstreamWatch


@dataclass
class _Counted:
    """The counts of one server at each look, as a layout, a rollout and its addresses."""

    counts: UpstreamCounts = field(default_factory=UpstreamCounts)
    slots: tuple[Any, ...] = ()
    group: str = ""

    @property
    def layout(self) -> "_Counted":
        return self

    @property
    def current(self) -> "_Counted":
        return self

    @property
    def hosts(self) -> "_Counted":
        return self

    def groups(self) -> dict[str, list[dict[str, str]]]:
        return {self.group: [{"name": "a"}]}

    def upstream_counts(self, _: object) -> dict[str, UpstreamCounts]:
        return {"a": self.counts}


def _failing(watch: UpstreamWatch) -> frozenset[str]:
    return PartStates(watch.states()).of(FailingUpstreams).names


@pytest.fixture
def counted() -> _Counted:
    return _Counted()


@pytest.fixture
def watch(counted: _Counted) -> UpstreamWatch:
    made = UpstreamWatch(cast("Rollout", counted))
    made.look()
    return made


@pytest.mark.parametrize(
    ("answered", "unanswered", "fails"),
    [(0, 30, True), (75, 25, True), (76, 24, False), (0, 29, False), (1000, 0, False)],
)
def test_a_quarter_of_thirty_queries_or_more(
    counted: _Counted, watch: UpstreamWatch, answered: int, unanswered: int, fails: bool
) -> None:
    counted.counts = UpstreamCounts(answered, unanswered)
    watch.look()
    assert _failing(watch) == ({"a"} if fails else set())


def test_a_fallback_server_does_not_fail_by_names_abroad(
    counted: _Counted, watch: UpstreamWatch
) -> None:
    counted.group, counted.counts = FALLBACK_GROUP, UpstreamCounts(0, 1000)
    watch.look()
    assert _failing(watch) == set()


def test_one_that_comes_and_goes_fails_until_five_minutes_after(
    counted: _Counted, watch: UpstreamWatch
) -> None:
    for look in range(40):
        answered, unanswered = counted.counts
        counted.counts = UpstreamCounts(answered + 10, unanswered + 10 * (look % 2))
        watch.look()
    assert _failing(watch) == {"a"}
    for _ in range(20):
        counted.counts = counted.counts._replace(answered=counted.counts.answered + 10)
        watch.look()
    assert _failing(watch) == set()
