"""A filter that answers before the server does: what is given, and what is counted."""

import asyncio
from typing import NamedTuple

import pytest
from dnslib import RR, DNSRecord

from resolver.exchange.second_answer import KINDS
from resolver.metrics.definitions import (
    UPSTREAM_DIFFERING,
    UPSTREAM_DURATION,
    UPSTREAM_QUERIES,
    UPSTREAM_RESULTS,
)
from resolver.policy.filter_addresses import FilterAddresses
from resolver.transport.loop import Loop
from resolver.upstream.udp_sockets import LIFE
from tests.exchange.filtered import FILTER, FILTERED
from tests.upstream.forwarding import RACE, Stage, stage
from tests.upstream.virtual_time import run

HONEST, OTHER_CACHE = "192.0.2.1", "192.0.2.2"


class Played(NamedTuple):
    """What is seen of a query."""

    address: str
    """What the client gets."""
    counts: dict[str, int]
    times: int
    """The answers with a time."""


def with_address(query: DNSRecord, address: str) -> bytes:
    response = query.reply()
    response.add_answer(*RR.fromZone(f"{query.q.qname} 60 A {address}"))
    return bytes(response.pack())


def counted(on: Stage) -> dict[str, int]:
    """What is counted of the upstream: results, and answers that differ; but what is 0."""
    layout, cells = on.assembled.layout, on.assembled.counters.cells
    results = {
        result: layout.cell(UPSTREAM_QUERIES, "upstream", result) for result in UPSTREAM_RESULTS
    }
    kinds = {f"twice: {kind}": layout.cell(UPSTREAM_DIFFERING, "upstream", kind) for kind in KINDS}
    return {what: cells[cell] for what, cell in {**results, **kinds}.items() if cells[cell]}


def answers_with_a_time(on: Stage) -> int:
    """The answers whose duration was noted."""
    layout, cells = on.assembled.layout, on.assembled.counters.cells
    return sum(cells[layout.cell(UPSTREAM_DURATION, "upstream", part=part)] for part in range(12))


def played(first: str, second: str = "", of_filter: FilterAddresses | None = FILTER) -> Played:
    """What is seen of two answers to one query, or of one."""
    found: list[Played] = []

    async def play(loop: Loop) -> None:
        with stage(loop, lambda query: with_address(query, first), of_filter) as on:
            if second:
                on.upstream.second = lambda query: with_address(query, second)
            on.client.ask("www.example.com.")
            await asyncio.sleep(2 * RACE)
            [(_, reply)] = on.client.replies
            found.append(Played(str(reply.short()), counted(on), answers_with_a_time(on)))

    run(play)
    return found[0]


@pytest.mark.parametrize(
    ("first", "second", "seen"),
    [
        (FILTERED, "", Played(FILTERED, {"national_filter": 1}, 0)),
        (FILTERED, FILTERED, Played(FILTERED, {"national_filter": 1}, 0)),
        (
            *(FILTERED, HONEST),
            Played(FILTERED, {"national_filter": 1, "twice: national_filter": 1}, 0),
        ),
        (HONEST, FILTERED, Played(HONEST, {"answered": 1, "twice: national_filter": 1}, 1)),
        (HONEST, OTHER_CACHE, Played(HONEST, {"answered": 1, "twice: other": 1}, 1)),
        (HONEST, HONEST, Played(HONEST, {"answered": 1}, 1)),
    ],
)
def test_the_first_answer_is_given_and_the_filter_is_counted_apart(
    first: str, second: str, seen: Played
) -> None:
    assert played(first, second) == seen


def test_without_a_filter_on_the_path_its_address_is_as_any_other() -> None:
    assert played(FILTERED, HONEST, None) == Played(FILTERED, {"answered": 1, "twice: other": 1}, 1)


def test_a_second_answer_after_a_second_is_not_seen_any_more() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, lambda query: with_address(query, FILTERED), FILTER) as on:
            on.upstream.second = lambda query: with_address(query, HONEST)
            on.upstream.delay = LIFE - RACE / 2
            on.client.ask("www.example.com.")
            await asyncio.sleep(LIFE)
            on.assembled.forwarder.sweep(loop.time())
            await asyncio.sleep(RACE)
            assert counted(on) == {"timeout": 1, "national_filter": 1}

    run(play)
