"""One row of the table: a breakdown under load, who is told of it, and what mends it."""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import SubprocessError
from tempfile import TemporaryDirectory
from typing import TypeVar

import yaml

from tests.live.programs import needed
from tests.live.prometheus import SHIPPED, Prometheus, prometheus
from tests.live.waiting import wait_for
from tests.programs.chaos.system import CommandFailed, System, system
from tests.programs.chaos.tally import Tally
from tests.programs.faults.breakdown import Breakdown
from tests.programs.faults.catalog import BREAKDOWNS
from tests.programs.faults.runbook import run, section, see

RATE = 100
"""Questions a second."""
_SEED = 1
_WARM = 1.5
_TOLD = 40.0
"""Seconds until alert and status must tell: upstreams are probed every 30 s."""
_MENDED = 40.0
"""Seconds until the status tells no more."""
T = TypeVar("T")


@dataclass
class Row:
    """What came of a breakdown."""

    name: str
    tally: Tally
    alert: str = "**none**"
    status: str = "**nothing**"
    mend: str = "**no**"
    broken: list[str] = field(default_factory=list)
    """What does not hold."""
    ended: float = math.inf
    """The monotonic second when its cause ended, or when it was mended."""

    @property
    def recovery(self) -> float:
        """Seconds until every answer was good again."""
        return max(0.0, self.tally.last_bad - self.ended)


def row(name: str) -> Row:
    """The row of a breakdown by its name."""
    return tried(next(breakdown for breakdown in BREAKDOWNS if breakdown.name == name))


def tried(breakdown: Breakdown) -> Row:
    """Start everything, let it break, see who is told, and mend it by the runbook."""
    with system(_SEED, RATE) as (whole, load), TemporaryDirectory(prefix="darban-faults-") as place:
        seen = Row(breakdown.name, load.start_tally())
        try:
            breakdown.prepares(whole)
            time.sleep(_WARM)
            target = whole.server.metrics_port
            with prometheus(needed("prometheus"), Path(place), target, at_once=True) as served:
                seen.tally = load.start_tally()
                _suffer(whole, served, breakdown, seen)
                wait_for(whole.is_whole, "every worker serves", 30)
                time.sleep(1)
        except (AssertionError, CommandFailed, OSError, SubprocessError) as error:
            seen.broken.append(f"{type(error).__name__}: {error}")
        load.settled(seen.tally)
    if seen.tally.wrong:
        seen.broken.append(f"{len(seen.tally.wrong)} wrong, the first: {seen.tally.wrong[0]}")
    return seen


def _suffer(whole: System, served: Prometheus, breakdown: Breakdown, seen: Row) -> None:
    """Let it break, see who is told, and mend it; AssertionError where one of these fails."""
    alert, says, text = breakdown.alert, breakdown.says, section(breakdown.alert)
    assert text, f"the runbook has no section {alert}"
    told = [text for text in (breakdown.told, *breakdown.commands) if text]
    assert all(item in text for item in told), f"the runbook does not say {told}"
    assert not _fires(served, breakdown), "the alert fires before it breaks"
    if not breakdown.lingers:
        assert not _line(whole, says), "the status tells before it breaks"
    breakdown.begins(whole)
    seen.status = _within(_TOLD, lambda: _line(whole, says)) or ""
    assert seen.status, f"the status does not say {says!r}"
    assert _within(_TOLD, lambda: _fires(served, breakdown)), f"{alert} does not fire"
    waits = _waits(alert)
    seen.alert = f"{alert}, after {waits}" if waits else alert
    for kind in breakdown.kinds:
        of_kind = f'darban_faults{{kind="{kind}"}}'
        assert _within(_TOLD, lambda of_kind=of_kind: served.value(of_kind)), f"{of_kind} is 0"
    for command in see(alert):
        run(whole, command)
    breakdown.ends(whole)
    seen.ended = time.monotonic()
    for command in breakdown.commands:
        good, said = run(whole, command)
        assert good, f"{command}: {said}"
        seen.ended = time.monotonic()
    mend = breakdown.lingers or ", ".join(f"`{text}`" for text in told) or "by itself"
    if not breakdown.lingers:
        assert _within(_MENDED, lambda: not _line(whole, says)), f"{mend} does not mend it"
    seen.mend = mend


def _within(seconds: float, condition: Callable[..., T]) -> T | None:
    """What a condition gives within so many seconds; None where it gives nothing."""
    end = time.monotonic() + seconds
    while not (got := condition()):
        if time.monotonic() > end:
            return None
        time.sleep(0.2)
    return got


def _fires(served: Prometheus, breakdown: Breakdown) -> bool:
    """Whether the alert of a breakdown fires; where it has kinds, for one of the breakdown."""
    alerts = served.get("alerts")["alerts"]
    firing = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
    return any(
        item["alertname"] == breakdown.alert and item.get("kind") in (None, *breakdown.kinds)
        for item in firing
    )


def _line(whole: System, pattern: str) -> str:
    """The first line of ``darban status`` that has a pattern."""
    _, text = run(whole, "darban status")
    return next((line.strip() for line in text.splitlines() if re.search(pattern, line)), "")


def _waits(alert: str) -> str:
    """For how long the shipped alert waits."""
    groups = yaml.safe_load((SHIPPED / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return next(
        (
            str(rule.get("for", ""))
            for group in groups
            for rule in group["rules"]
            if rule["alert"] == alert
        ),
        "",
    )
