"""What the server says of its audit log: the newest changes of the config, also after a restart."""

import asyncio
import math
from pathlib import Path

from resolver.audit.audit_writer import AuditWriter
from resolver.audit.journal import JOURNAL
from resolver.metrics.part_states import AuditState, PartStates
from resolver.snapshot.config_files import SourceTexts
from tests.policy.networks import snapshot_of


def changes(writer: AuditWriter) -> list[tuple[str, str, int, int]]:
    found = PartStates(writer.states()).of(AuditState).changes
    return [(each.event, each.who, each.added, each.removed) for each in found]


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
