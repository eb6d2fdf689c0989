"""What reads the whole audit log keeps little of each record: a log may have 128 MiB."""

import tracemalloc
from collections.abc import Callable

import pytest

from resolver.audit.audit_log import entries
from resolver.audit.in_force import in_force
from resolver.audit.period import Period
from resolver.audit.period_entries import period_entries
from resolver.audit.reading import Reading
from resolver.audit.record import Head
from tests.audit.node import BEGIN, Node, at

_RECORDS, _OCTETS = 1000, 10_000
_MOST: float = 2e6
"""Octets of memory; the records themselves have five times as many."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    node = Node(tmp_path_factory.mktemp("long") / "state")
    for number in range(_RECORDS):
        content = {"who": "x" * _OCTETS, "snapshot": f"{number:016x}", "exemptions": []}
        node.server.append(at(60.0 * (number + 1)), "reload", **content)
    node.now = 60.0 * (_RECORDS + 1)
    return node


def _peak(read: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_with_the_head_of_a_witness(node: Node) -> None:
    first = next(Reading(node.state).records())
    check = node.check(first.head)
    assert (check.findings, check.after_head) == ([], _RECORDS - 1)
    assert _peak(lambda: node.check(first.head)) < _MOST
    assert _peak(lambda: node.check(Head(0, "f" * 64))) < _MOST


def test_what_was_in_force(node: Node) -> None:
    now = at(node.now)
    [found] = in_force(Reading(node.state), now, BEGIN + 30_030.0)
    assert found.entry.snapshot == f"{499:016x}"
    assert _peak(lambda: in_force(Reading(node.state), now, BEGIN + 30_030.0)) < _MOST


def test_the_entries_for_a_report(node: Node) -> None:
    begin = int(BEGIN + 30_000)
    period = Period(begin, begin + 600, "", "")

    def read() -> list[str]:
        log = period_entries(entries(Reading(node.state).records()), period)
        return [entry.who for entry in [*log]]

    assert sum(bool(who) for who in read()) == 10
    assert _peak(read) < _MOST
