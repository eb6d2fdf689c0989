"""What a report states first: the exceptions, and whether all nodes had the same policy."""

from hypothesis import given
from hypothesis import strategies as st

from resolver.audit.coverage import NO_RECORD, NOT_SERVING, UNTESTED, Interval
from resolver.audit.period_values import NodeCoverage
from resolver.audit.statement import Shortfall, statement

SECONDS = 12


def node(name: str, *parts: tuple[int, str, str]) -> NodeCoverage:
    """A node with intervals of a length, a policy and a reason, one after the other."""
    intervals, at = [], 0
    for length, policy, why in parts:
        intervals.append(Interval(at, at + length, policy, why))
        at += length
    return NodeCoverage(name, 0, 0, tuple(intervals), 0, 0, ())


def test_the_exceptions_are_added_up_by_node_and_reason() -> None:
    one = node("ns1", (5, "a", ""), (2, "", NO_RECORD), (1, "a", UNTESTED), (4, "", NO_RECORD))
    two = node("ns2", (9, "a", ""), (3, "a", NOT_SERVING))
    found = statement([one, two])
    assert found.shortfalls == (
        Shortfall("ns1", NO_RECORD, 6),
        Shortfall("ns2", NOT_SERVING, 3),
        Shortfall("ns1", UNTESTED, 1),
    )
    assert (found.tested, found.of, found.differing) == (14, 24, 0)


def test_nothing_is_stated_without_nodes() -> None:
    assert statement([]).of == 0


def test_policies_differ_only_where_both_are_known() -> None:
    one = node("ns1", (4, "a", ""), (4, "b", ""), (4, "", NO_RECORD))
    two = node("ns2", (6, "a", ""), (6, "b", ""))
    assert statement([one, two]).differing == 2
    assert statement([one]).differing == 0


POLICIES = st.lists(st.sampled_from(["a", "b", ""]), min_size=SECONDS, max_size=SECONDS)


@given(st.lists(POLICIES, max_size=4))
def test_seconds_of_different_policies_are_as_counted_one_by_one(nodes: list[list[str]]) -> None:
    known = [node(str(i), *((1, text, "") for text in own)) for i, own in enumerate(nodes)]
    slowly = sum(len({own[at] for own in nodes} - {""}) > 1 for at in range(SECONDS))
    assert statement(known).differing == slowly
