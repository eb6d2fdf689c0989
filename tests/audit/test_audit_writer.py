"""What the server says of its audit log: the newest changes of the config, also after a restart."""

import asyncio
import math
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resolver.audit.audit_writer import AuditWriter
from resolver.audit.journal import HEAD, JOURNAL
from resolver.audit.reading import Reading
from resolver.cli.history_verify import verified
from resolver.metrics.part_states import AuditState, PartStates
from resolver.snapshot.config_files import SourceTexts
from tests.policy.networks import snapshot_of


def changes(writer: AuditWriter) -> list[tuple[str, str, int, int]]:
    found = PartStates(writer.states()).of(AuditState).changes
    return [(change.event, change.who, change.added, change.removed) for change in found]


def test_the_newest_changes_are_known_after_each_activation(tmp_path: Path) -> None:
    compiled = snapshot_of().compiled

    def activate(writer: AuditWriter, event: str, who: str, text: str) -> None:
        sources = SourceTexts({"config.toml": text})
        asyncio.run(writer.activated(event, who, "aa", compiled, sources, None))

    writer = AuditWriter(tmp_path, lambda: math.inf)
    activate(writer, "start", "uid 0 (root)", "a\n")
    assert changes(writer) == []
    activate(writer, "reload", "uid 7 (ali)", "a\nb\nc\n")
    activate(writer, "exempt --end", "uid 8 (sara)", "a\n")
    known = [("exempt --end", "uid 8 (sara)", 0, 2), ("reload", "uid 7 (ali)", 2, 0)]
    assert changes(writer) == known
    again = AuditWriter(tmp_path, lambda: math.inf)
    activate(again, "start", "uid 0 (root)", "a\n")
    assert changes(again) == known


def test_a_look_finds_where_the_log_is_broken(tmp_path: Path) -> None:
    compiled, sources = snapshot_of().compiled, SourceTexts({"config.toml": "a\n"})
    writer = AuditWriter(tmp_path, lambda: math.inf)

    async def broken_at() -> int:
        for event in ("start", "reload", "flush"):
            await writer.activated(event, "uid 0 (root)", event, compiled, sources, None)
        await writer.look()
        return PartStates(writer.states()).of(AuditState).broken_at

    assert asyncio.run(broken_at()) == 0
    log = tmp_path / JOURNAL
    log.write_bytes(log.read_bytes().replace(b'"uid 0 (root)"', b'"uid 7 (ali)"', 1))
    assert asyncio.run(broken_at()) == 2


def test_a_seal_that_waits_for_an_activation_is_no_older_than_that(tmp_path: Path) -> None:
    compiled, sources = snapshot_of().compiled, SourceTexts({"config.toml": "a\n"})

    async def begin() -> None:
        writer = AuditWriter(tmp_path, lambda: math.inf)
        start = writer.activated("start", "uid 0 (root)", "aa", compiled, sources, None)
        await asyncio.gather(writer.look(), start)

    asyncio.run(begin())
    assert events(tmp_path) == ["start", "sealed"]
    reading = Reading(tmp_path)
    first, second = reading.records()
    assert first.up <= second.up
    assert not reading.breaks


@contextmanager
def full_disk() -> Iterator[None]:
    """No file gets an octet."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, unlimited[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


def events(state: Path) -> list[str]:
    return [record.event for record in Reading(state).records()]


def test_what_finds_no_room_is_written_once_there_is_room(tmp_path: Path) -> None:
    compiled, sources = snapshot_of().compiled, SourceTexts({"config.toml": "a\n"})
    writer = AuditWriter(tmp_path, lambda: math.inf)

    async def serve() -> None:
        with full_disk():
            for event in ("start", "reload"):
                await writer.activated(event, "uid 0 (root)", event, compiled, sources, None)
            await writer.look()
        assert events(tmp_path) == []
        await writer.look()
        assert events(tmp_path)[:2] == ["start", "reload"]
        await writer.stopped("signal")

    asyncio.run(serve())
    assert [text for text in events(tmp_path) if text != "sealed"] == ["start", "reload", "stop"]
    assert [finding.what for finding in verified(tmp_path).findings] == []


def test_a_record_whose_head_finds_no_room_is_written_once(tmp_path: Path) -> None:
    compiled, sources = snapshot_of().compiled, SourceTexts({"config.toml": "a\n"})
    writer = AuditWriter(tmp_path, lambda: math.inf)

    async def serve() -> None:
        (tmp_path / HEAD).mkdir()
        await writer.activated("start", "uid 0 (root)", "aa", compiled, sources, None)
        (tmp_path / HEAD).rmdir()
        await writer.stopped("signal")

    asyncio.run(serve())
    assert events(tmp_path) == ["start", "stop"]
