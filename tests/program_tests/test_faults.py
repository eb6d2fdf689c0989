"""What ``python -m tests.programs.faults`` tries, and two of its rows."""

from typing import get_args

import pytest

from resolver.metrics.faults import Kind
from tests.programs.faults import row as rows
from tests.programs.faults.breakdown import Breakdown
from tests.programs.faults.catalog import BREAKDOWNS, UNTRIED
from tests.programs.faults.row import row, tried
from tests.programs.faults.runbook import section, see
from tests.watching.expressions import alerts


def test_every_kind_of_fault_is_tried_or_said_not_to_be() -> None:
    known = {kind for breakdown in BREAKDOWNS for kind in breakdown.kinds}
    assert known | set(UNTRIED) == set(get_args(Kind))
    assert not known & set(UNTRIED)
    assert len({breakdown.name for breakdown in BREAKDOWNS}) == len(BREAKDOWNS)


@pytest.mark.parametrize("breakdown", BREAKDOWNS, ids=[breakdown.name for breakdown in BREAKDOWNS])
def test_the_runbook_says_what_mends_it(breakdown: Breakdown) -> None:
    text = section(breakdown.alert)
    assert breakdown.alert in [alert["alert"] for alert in alerts()]
    assert breakdown.told in text
    assert [command for command in breakdown.commands if command not in text] == []


def test_the_commands_of_a_section_are_found() -> None:
    assert [*see("DarbanConfigNotInForce")] == [
        *("darban check", "darban status", "darban lists", "darban diff", "darban history"),
    ]
    assert section("DarbanNothing") == ""


@pytest.mark.end_to_end
def test_a_fault_is_told_and_mended_by_the_runbook() -> None:
    seen = row("drained")
    assert not seen.broken
    assert (seen.alert, seen.mend) == ("DarbanFault, after 15m", "`darban drain --end`")


@pytest.mark.end_to_end
def test_a_fault_that_nobody_is_told_of_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_TOLD", 1.0)
    lost = BREAKDOWNS[0]._replace(begins=lambda _: None)
    assert tried(lost).broken == [f"AssertionError: the status does not say {lost.says!r}"]
