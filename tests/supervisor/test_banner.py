"""What the startup banner says of hours."""

from pathlib import Path

from resolver.compiler.compilation_result import Accepted
from resolver.metrics.served_config import ServedConfig
from resolver.snapshot.snapshot import Snapshot
from resolver.supervisor.banner import startup_banner
from tests.policy.networks import CONFIG, HOURLY, snapshot_of


def _lines(snapshot: Snapshot) -> list[str]:
    config = ServedConfig(Path("config.toml"), Path(), snapshot.compiled, Path("0123"), 1.0)
    return list(startup_banner(config, 1, Accepted("0123")))


def test_hours_and_how_many_services_are_blocked_at_some_hours() -> None:
    lines = _lines(snapshot_of(HOURLY))
    assert "hours      office: sat sun mon tue wed 07:30-14:30 Asia/Tehran" in lines
    (line,) = [text for text in lines if text.startswith("VLAN       administration")]
    assert line.endswith("of 2 services, 1 of them at some hours")


def test_without_hours_it_names_none() -> None:
    assert not [line for line in _lines(snapshot_of(CONFIG)) if "hours" in line]
