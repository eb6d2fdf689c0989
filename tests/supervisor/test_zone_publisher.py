"""What the status says of zones that cannot be written as the policy is."""

import asyncio
from pathlib import Path

import pytest

from resolver.metrics.facts import ServerFacts
from resolver.publish.writer import WriteResult
from resolver.snapshot.store import PinnedSnapshot, save
from resolver.supervisor.zone_publisher import ZonePublisher
from tests.policy.networks import CONFIG, compiled
from tests.publish.test_zone_files import PUBLISH

FROZEN = "VLAN administration: zones: deny: not possible"


def test_frozen_zones_are_in_the_status_until_they_are_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = compiled(CONFIG + PUBLISH)
    saved = PinnedSnapshot(save(tmp_path, snapshot))
    facts = ServerFacts(tmp_path / "config.toml", tmp_path, snapshot.terms, "0123", 2.0, 1.0, 1)
    results = iter(
        [WriteResult(frozen=[FROZEN]), WriteResult(problem="no space"), WriteResult(serials={})]
    )

    async def written(*_: object) -> WriteResult:
        return next(results)

    monkeypatch.setattr(ZonePublisher, "_written_by_child", written)
    publisher = ZonePublisher(facts, lambda: saved)
    publication = snapshot.terms.settings.publish
    assert publication is not None
    seen = []
    for _ in range(3):
        asyncio.run(publisher._write(publication))
        assert facts.publish is not None
        seen.append(facts.publish.frozen)
    assert seen == [(FROZEN,), (FROZEN,), ()]
    assert f"zones stay as they were, for {FROZEN}" in caplog.text
