"""The commands in the runbook are those of the program."""

import re
from typing import cast

import pytest
import typer

from resolver.cli.app import app
from resolver.metrics.faults import STALE
from resolver.metrics.status import SOON
from tests.watching.expressions import RUNBOOK, alerts, boards, panels, series

DOCUMENTED = {
    *("run", "check", "explain", "diff", "reload", "status", "exempt", "lists", "flush", "drain"),
    *("record", "history", "report", "export", "pull"),
}
"""As the design has them; some may come later than the runbook."""

_LINE = re.compile(r"^darban ([^#\n]+)|`darban ([^`]+)`", re.MULTILINE)
_TEXT = RUNBOOK.read_text(encoding="utf-8")
COMMANDS = sorted({(block or inline).strip() for block, inline in _LINE.findall(_TEXT)})


def test_the_runbook_has_commands() -> None:
    assert {line.split()[0] for line in COMMANDS} >= {"check", "status", "explain", "reload"}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_exists_with_its_options(line: str) -> None:
    name, *words = line.split()
    assert name in DOCUMENTED
    group = cast("typer.core.TyperGroup", typer.main.get_command(app))
    command = group.commands.get(name)
    if isinstance(command, typer.core.TyperGroup) and words and words[0] in command.commands:
        command = command.commands[words[0]]
    if command is not None:
        known = {option for param in command.params for option in param.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_dig_asks_where_a_server_listens() -> None:
    asked = set(re.findall(r"\bdig .*?@(\S+)", _TEXT))
    assert asked == {"SERVER", "ADDRESS", "UPSTREAM"}, "in production it is not 127.0.0.1"


def test_an_exemption_ends_soon_at_one_time_for_status_alert_and_runbook() -> None:
    days = int(SOON // 86400)
    [alert] = [table["expr"] for table in alerts() if table["alert"] == "DarbanExemptionEnding"]
    assert f"- time() < {days} * 86400" in alert
    assert f"offset {days}d" in alert
    word = {3: "three"}[days]
    assert f"for {word} days or longer ends within {word} days." in _TEXT


def test_a_fetched_list_is_stale_after_the_same_time_for_status_and_alert() -> None:
    [alert] = [table["expr"] for table in alerts() if table["alert"] == "DarbanListFault"]
    assert f"> {int(STALE // 86400)} * 86400" in alert
    assert "darban_list_failures_total > 0" in alert


def test_the_metrics_that_it_names_exist() -> None:
    named = set(re.findall(r"\b(?:\w+:)?darban_\w+(?::\w+)?", _TEXT))
    assert len(named) > 5
    assert named <= set(series())


def test_the_panels_that_it_names_exist() -> None:
    titles = {panel["title"] for board in boards() for panel in panels(board)}
    prose = re.sub(r"```.*?```|`[^`]*`", "", _TEXT, flags=re.DOTALL)
    named = set(re.findall(r'"([^"\n]+)"', prose))
    assert len(named) > 5
    assert named <= titles
