"""Exports for firewalls, where the clock is behind a moment that the server has seen."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver import DarbanError
from resolver.cli.export_programs import FEEDS, SEVERAL, nftables_rules
from resolver.metrics import kernel
from resolver.snapshot.clock_note import note_time
from resolver.snapshot.snapshot import Snapshot
from tests.config.tables import FAR, exemption, vlan
from tests.policy.networks import snapshot_of

LISTS = {"one": "! Category: messenger\n||one.example^\n", "one.ip": "91.108.4.0/22\n"}
CONFIG = """
[policies.blocks]
block = ["one"]
""" + vlan("office", "blocks", "10.10.0.0/16")
EXEMPTION = exemption("pr", "one", vlan="office", until=FAR)


@pytest.mark.parametrize("export", [nftables_rules, SEVERAL[FEEDS]])
def test_nothing_that_depends_on_such_a_clock_is_written(
    export: Callable[[Snapshot, Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr(kernel, "clock_synchronised", lambda: False)
    config, state = tmp_path / "config.toml", tmp_path / ".darban"
    state.mkdir()
    exempted = snapshot_of(CONFIG + EXEMPTION, LISTS)
    note_time(state, time.time() - 86400, synchronised=True)
    assert export(exempted, config), "nothing has synchronised the clock for a day"
    note_time(state, time.time() + 86400, synchronised=True)
    assert export(snapshot_of(CONFIG, LISTS), config)
    with pytest.raises(DarbanError, match="behind a moment that the server has seen"):
        export(exempted, config)
