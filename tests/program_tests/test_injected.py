"""``tests.programs.chaos`` finds what it is for: each fault is injected into a server."""

import re
from contextlib import AbstractContextManager, nullcontext

import pytest

from tests.live.server import MODULE
from tests.program_tests.injected import server_with
from tests.programs.chaos.faults import FAULTS
from tests.programs.chaos.growth import Growth
from tests.programs.chaos.rows import Pace, row
from tests.programs.chaos.system import system
from tests.programs.chaos.tally import joined

pytestmark = [pytest.mark.end_to_end, pytest.mark.interpreted]

_FILLING, _ROUNDS, _QUERIES = 20_000, 4, 30_000
NONE = FAULTS[0]


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("ttls_stand_still", "wrong, the first: .*TTLs"),
        ("answers_of_others", "wrong, the first: "),
        ("descriptors_by_connections", "descriptors are left"),
    ],
)
def test_a_row_finds_a_fault(fault: str, what: str) -> None:
    pace = Pace(rate=150, warm=1.0, before=0.3, after=0.3)
    with server_with(fault) as program:
        seen = row([NONE], 1, pace, program)
    assert any(re.search(what, text) for text in seen.broken), seen
    assert not seen.may_be_excused


def lost(server: AbstractContextManager[tuple[str, ...]], tries: int = 1) -> list[str]:
    """What the queries of a server cost for ever, where each try sees that something does."""
    with server as program, system(1, 100, program=program) as (whole, load):
        load.burst(_FILLING)
        for _ in range(tries):
            growth = Growth(whole, load, whole.workers())
            for _ in range(_ROUNDS):
                growth.sample(_QUERIES)
            found = [text for text in growth.broken() if "lost by a query" in text]
            if not found:
                break
    assert not joined(load.tallies).wrong
    return found


def test_nothing_is_lost_by_a_query() -> None:
    assert not lost(nullcontext(MODULE), tries=3)  # a heap grows once if a busy machine is late


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("memory_by_queries", "memory"),
        ("memory_by_clients", "memory"),
        ("descriptors_by_connections", "descriptors"),
    ],
)
def test_what_is_lost_by_queries_is_found(fault: str, what: str) -> None:
    assert [text for text in lost(server_with(fault)) if what in text]
