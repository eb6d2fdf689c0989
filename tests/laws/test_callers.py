"""What may be said and called only in the places that are written down here."""

import ast
from collections import defaultdict
from typing import cast

import pytest
import typer

from resolver.cli.app import app
from resolver.metrics import definitions
from tests.laws.source_tree import PACKAGE, calls, modules

CALLERS = {
    # The data path asks about the question before the cache, and about targets after it;
    # ``explain``, ``check`` and ``diff`` ask through the explanation.
    "check_query": {
        *("engine.engine.Resolver._admit", "analysis.explanation.Explainer.verdict"),
        "policy.judge.Judge.check_answer",
    },
    # The same verdict, shared by names that rules of one kind cover.
    "glance": {"policy.judge.Judge.check_query", "engine.short_way.ShortWay.answer"},
    "check_answer": {
        "engine.engine.Resolver._carry",
        *("engine.short_way.ShortWay._head", "analysis.explanation.Explainer._led"),
    },
}


@pytest.mark.parametrize("judging", CALLERS)
def test_only_these_ask_for_a_verdict(judging: str) -> None:
    found = {
        within for module in modules().values() for within, name in calls(module) if name == judging
    }
    assert found == CALLERS[judging]


def test_metrics_are_named_in_one_place() -> None:
    naming = defaultdict(list)
    for module in modules().values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and str(node.value).startswith("darban_"):
                naming[module.name].append(node.value)
    assert set(naming) == {"metrics.definitions"}
    names = naming["metrics.definitions"]
    assert len(names) == len(set(names))
    declared = [each for each in vars(definitions).values() if isinstance(each, definitions.Metric)]
    assert sorted(names) == sorted(each.name for each in declared)


def test_no_metric_has_a_label_that_grows_with_the_traffic() -> None:
    declared = [each for each in vars(definitions).values() if isinstance(each, definitions.Metric)]
    labels = {label for each in declared for label in each.labels}
    bounded = {
        *("vlan", "outcome", "service", "rcode", "type", "path", "kind", "upstream", "result"),
        *("hash", "id", "policy", "mode", "exemption", "list", "version", "compiled", "process"),
    }
    assert labels <= bounded


NO_COMMANDS = {
    "__init__": "the beginning of the command line",
    "app": "all commands",
    "command": "options, JSON output, errors and exit codes of all commands",
    "default_config": "the config where the command line names none",
    "completion": "shell completion of arguments",
    "moments": "moments and durations as people write them",
    "policies": "the policy of a config, for commands that compare or explain it",
    "server": "questions to the running server",
    "report_text": "the report as plain text",
    "status_rates": "counts per second, for the status",
    "status_view": "how the status is drawn",
    "run": "starts the server without Typer; run_help declares the command",
}
OTHER_FILE = {"run": "run_help"}


def test_the_command_line_is_a_file_a_command() -> None:
    files = {path.stem for path in (PACKAGE / "cli").glob("*.py")}
    group = cast("typer.core.TyperGroup", typer.main.get_command(app))
    commands = {OTHER_FILE.get(name, name) for name in group.commands}
    assert files - NO_COMMANDS.keys() == commands
