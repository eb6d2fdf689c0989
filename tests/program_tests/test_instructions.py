"""``make instructions``: what it makes of callgrind's dumps, and that its queries are answered."""

import pytest

from tests.programs.bench.counted_queries import BATCH, COUNTED, Node
from tests.programs.bench.instructions import by_kind, table


def _dump(kind: str, instructions: int) -> str:
    return f"desc: Trigger: Client Request: {kind}\n\nsummary: {instructions * BATCH * COUNTED}\n"


def test_what_a_batch_takes_without_a_server_is_subtracted() -> None:
    dumps = [_dump("nothing", 100), _dump("nothing upstream", 300), _dump("hit", 1100)]
    dumps += [_dump("miss", 5300), "desc: Trigger: Program termination\n\nsummary: 15\n"]
    assert by_kind(dumps) == {"hit": 1000, "miss": 5000}


def test_more_than_allowed_is_marked() -> None:
    lines = table({"hit": 1000.0, "miss": 5000.0}, {"hit": 1030.0, "miss": 5050.0})
    assert [line.endswith("more than allowed") for line in lines] == [False, True, False]
    assert "+3.0%" in lines[1]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_kind_of_query_is_answered() -> None:
    node = Node()
    node.fill()
    for ask in (node.nothing, node.nothing_upstream, node.hits, node.blocks, node.misses):
        ask()
    node.over_tcp()
    node.close()
