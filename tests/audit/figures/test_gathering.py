"""The figures are the counters' increases, whatever fails and whenever the server is killed."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from resolver.audit.figures.counts import HourFigures, Labels
from resolver.audit.figures.gathering import (
    MAX_HOURS,
    Increases,
    WaitingFigures,
    minute_of,
    without_filter,
)
from resolver.dns.transport import UDP
from resolver.metrics.layout import QueryCount
from resolver.policy.verdict import Outcome

BLOCKED = Labels("staff", "telegram", "blocked")
ADDED = st.dictionaries(
    st.sampled_from([("staff", "telegram"), ("staff", ""), ("guests", "telegram")]),
    st.integers(0, 1 << 40),
)
EVENTS = st.lists(
    st.one_of(
        ADDED.map(lambda added: ("count", added)),
        st.sampled_from([("store", {}), ("fail", {}), ("kill", {}), ("stop", {})]),
        st.integers(-100, 100).map(lambda hours: ("jump", {("", ""): hours})),
    ),
    max_size=40,
)


def rows(counted: Counter[tuple[str, str]]) -> list[QueryCount]:
    """Rows of two types, as two workers have them."""
    return [
        QueryCount(vlan, Outcome.BLOCKED, service, 0, qtype, UDP, part)
        for (vlan, service), times in counted.items()
        for qtype, part in ((1, times // 2), (28, times - times // 2))
    ]


class _Node:
    """A server that counts, takes each minute, stores or fails to, and dies."""

    def __init__(self) -> None:
        self.stored: Counter[Labels] = Counter()
        self.counted: Counter[Labels] = Counter()
        self.lost: Counter[Labels] = Counter()
        self.hour = 1000
        self.start()

    def start(self) -> None:
        self.cells: Counter[tuple[str, str]] = Counter()
        self.since_stored: Counter[Labels] = Counter()
        self.increases, self.waiting = Increases(), WaitingFigures()

    def count(self, added: dict[tuple[str, str], int]) -> None:
        self.cells.update(added)
        for (vlan, service), times in added.items():
            self.counted[Labels(vlan, service, "blocked")] += times
            self.since_stored[Labels(vlan, service, "blocked")] += times

    def minute(self, *, is_stored: bool) -> None:
        gained = self.increases.take(rows(self.cells), {})
        assert all(times > 0 for times in gained.values())
        assert not self.waiting.add(HourFigures(self.hour, gained))
        taken = self.waiting.take()
        for figures in taken:
            if is_stored:
                self.stored.update(figures.counts)
            else:
                self.waiting.add(figures)
        if is_stored:
            self.since_stored.clear()


@given(EVENTS)
def test_what_is_stored_is_what_was_counted_less_what_a_kill_took(
    events: list[tuple[str, dict[tuple[str, str], int]]],
) -> None:
    node = _Node()
    for event, values in events:
        if event == "count":
            node.count(values)
        elif event == "jump":
            node.hour = 1000 + values["", ""] % MAX_HOURS
        elif event in ("store", "fail"):
            node.minute(is_stored=event == "store")
        else:
            if event == "stop":
                node.minute(is_stored=True)
            node.lost.update(node.since_stored)
            node.start()
    node.minute(is_stored=True)
    assert node.stored == +(node.counted - node.lost)


def test_of_too_many_hours_the_first_is_dropped_and_counted() -> None:
    waiting = WaitingFigures()
    dropped = [
        waiting.add(HourFigures(hour, Counter({BLOCKED: hour + 1})))
        for hour in range(MAX_HOURS + 2)
    ]
    assert dropped == [0] * MAX_HOURS + [1, 2]
    assert [figures.hour for figures in waiting.take()] == list(range(2, MAX_HOURS + 2))
    assert waiting.take() == []


def test_a_minute_is_the_one_that_has_ended_or_after_a_jump_the_one_of_the_clock() -> None:
    assert minute_of(6000.0, 6000.0) == 5940
    assert minute_of(6000.0, 5999.9) == 5940
    assert minute_of(6000.0, 6012.0) == 5940
    assert minute_of(6000.0, 6000.0 + 86_412) == 92_400
    assert minute_of(6000.0, 6000.0 - 3588) == 2400


def test_what_the_national_filter_answers_is_added_to_what_passes() -> None:
    counts = Counter(
        {
            Labels("desk", "", "passed"): 2,
            Labels("desk", "", "national_filter"): 3,
            Labels("large", "", "national_filter"): 5,
            Labels("desk", "telegram", "blocked"): 7,
        }
    )
    assert without_filter(counts) == {
        Labels("desk", "", "passed"): 5,
        Labels("large", "", "passed"): 5,
        Labels("desk", "telegram", "blocked"): 7,
    }
