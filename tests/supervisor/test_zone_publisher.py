"""What the status says of zones that cannot be written as the policy is."""

import asyncio
from pathlib import Path

import pytest

from resolver.metrics.part_states import PartStates
from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import PublishStatus
from resolver.publish.writer import WriteResult
from resolver.snapshot.store import save
from resolver.supervisor import zone_publisher
from resolver.supervisor.zone_publisher import ZonePublisher
from tests.policy.networks import CONFIG, HOURLY, snapshot_of
from tests.publish.publishing_config import PUBLISH

BEGINS = 1_795_579_200.0
"""07:30 in Tehran, on Wednesday, 25 November 2026."""
GAP = "exemption pr: the zones do not have it"


def _status(publisher: ZonePublisher) -> PublishStatus:
    found = PartStates(publisher.states()).find(PublishStatus)
    assert found is not None
    return found


def test_what_zones_leave_out_is_in_the_status_until_they_are_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = snapshot_of(CONFIG + PUBLISH)
    saved = save(tmp_path, snapshot)
    config = ServedConfig(tmp_path / "config.toml", tmp_path, snapshot.compiled, saved, 1.0)
    results = iter(
        [WriteResult(left_out=[GAP]), WriteResult(problem="no space"), WriteResult(serials={})]
    )

    async def written(*_: object) -> WriteResult:
        return next(results)

    monkeypatch.setattr(ZonePublisher, "_written_by_child", written)
    publisher = ZonePublisher(config)
    publication = snapshot.compiled.settings.publish
    assert publication is not None
    seen = []
    for _ in range(3):
        asyncio.run(publisher._write(publication))
        seen.append(_status(publisher).left_out)
    assert seen == [(GAP,), (GAP,), ()]
    assert GAP in caplog.text


def test_hours_that_begin_are_published_without_a_reload_and_a_failure_is_in_the_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = snapshot_of(HOURLY + PUBLISH)
    saved = save(tmp_path, snapshot)
    config = ServedConfig(tmp_path / "config.toml", tmp_path, snapshot.compiled, saved, 1.0)
    results = iter([WriteResult(serials={}), WriteResult(problem="no space")])
    asked = asyncio.Semaphore(0)

    async def written(*_: object) -> WriteResult:
        return next(results)

    async def ask(*_: object) -> bool:
        asked.release()
        return True

    monkeypatch.setattr(ZonePublisher, "_written_by_child", written)
    monkeypatch.setattr(ZonePublisher, "_ask", ask)
    publisher = ZonePublisher(config)
    problems = []

    async def over_the_beginning() -> None:
        monkeypatch.setattr("time.time", lambda: BEGINS - 1)
        running = asyncio.create_task(publisher.run())
        for wall in (BEGINS - 1, BEGINS):
            monkeypatch.setattr("time.time", lambda wall=wall: wall)
            publisher.after_reload()
            await asyncio.wait_for(asked.acquire(), 10)
            problems.append(_status(publisher).problem)
        running.cancel()

    asyncio.run(over_the_beginning())
    assert problems == ["", "no space"]


def test_zones_whose_writer_does_not_end_are_a_failure_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = snapshot_of(CONFIG + PUBLISH)
    saved = save(tmp_path, snapshot)
    config = ServedConfig(tmp_path / "config.toml", tmp_path, snapshot.compiled, saved, 1.0)
    ends = asyncio.Event()

    async def written(*_: object) -> WriteResult:
        await ends.wait()
        return WriteResult(serials={})

    monkeypatch.setattr(ZonePublisher, "_written_by_child", written)
    monkeypatch.setattr(zone_publisher, "_LATE", 0.0)
    publisher = ZonePublisher(config)
    publication = snapshot.compiled.settings.publish
    assert publication is not None

    async def over_the_end() -> None:
        writing = asyncio.create_task(publisher._write(publication))
        async with asyncio.timeout(10):
            while not [*publisher.states()]:
                await asyncio.sleep(0)
        assert "has not ended" in _status(publisher).problem
        ends.set()
        assert await writing
        assert _status(publisher).problem == ""

    asyncio.run(over_the_end())


def test_a_look_during_a_write_is_followed_by_another_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = snapshot_of(CONFIG + PUBLISH)
    config = ServedConfig(tmp_path / "config.toml", tmp_path, snapshot.compiled, tmp_path, 1.0)
    publisher = ZonePublisher(config)
    writes = asyncio.Semaphore(0)

    async def written(*_: object) -> WriteResult:
        writes.release()
        if not [*publisher.states()]:  # the first one
            publisher.after_reload()
        return WriteResult(serials={})

    async def ask(*_: object) -> bool:
        return True

    monkeypatch.setattr(ZonePublisher, "_written_by_child", written)
    monkeypatch.setattr(ZonePublisher, "_ask", ask)

    async def twice() -> None:
        running = asyncio.create_task(publisher.run())
        async with asyncio.timeout(10):
            await writes.acquire()
            await writes.acquire()
        running.cancel()

    asyncio.run(twice())
