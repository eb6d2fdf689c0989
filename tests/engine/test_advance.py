"""The engine says when what it answers changes next, so that the next packet finds it."""

import math

from resolver.engine.cache import AnswerCache
from resolver.engine.engine import Engine
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.policy.index import Index
from tests.policy.networks import CONFIG, HOURLY, snapshot_of

BEGINS = 1_795_579_200.0
"""07:30 in Tehran, on Wednesday, 25 November 2026."""


def _engine(config: str, wall: float) -> Engine:
    snapshot = snapshot_of(config)
    loaded = LoadedSnapshot(snapshot.compiled, Index(snapshot.trie, snapshot.rules), wall)
    return Engine(loaded, AnswerCache(0))


def test_hours_change_next() -> None:
    engine = _engine(HOURLY, BEGINS - 3600)
    for wall, then in ((BEGINS - 10, 10), (BEGINS, 7 * 3600), (BEGINS - 0.25, 0.25)):
        engine.advance(wall, 300.0)
        assert engine.changes_at == 300 + then


def test_without_hours_and_exemptions_nothing_does() -> None:
    without = CONFIG.partition("[[exemptions]]")[0]
    engine = _engine(without, 0.0)
    engine.advance(BEGINS, 0.0)
    assert engine.changes_at == math.inf
