"""What may be said and called only in the places that are written down here."""

import ast
from collections import defaultdict

import pytest

from resolver.cli.app import COMMANDS, module_name
from resolver.metrics import definitions
from tests.laws.source_tree import PACKAGE, calls, imported, modules

CALLERS = {
    # Every transport hands its packets to the handler, and the handler to the engine.
    "answer": {"server.handler.QueryHandler.handle"},
    "respond": {
        *("engine.engine.Engine.answer", "engine.engine.Engine._respond_anew"),
        "analysis.explanation.Explainer._reply",
    },
    "conclude": {
        *("upstream.forwarder.Forwarder._conclude", "analysis.explanation.Explainer._reply"),
    },
    # The question is judged before the cache, and targets after it; ``explain``, ``check`` and
    # ``diff`` ask the engine.
    "check_question": {
        *("engine.engine.Engine.respond", "analysis.explanation.Explainer.verdict"),
        *("analysis.explanation.Explainer._explain", "engine.decisions.decisions"),
        "analysis.explanation.Explainer.is_special_use",
    },
    "check_query": {
        "engine.engine.Engine.check_question",
        "publish.policy_zones.ZoneRules.action",  # for other resolvers: policy, no local data
    },
    # No default of a policy judges a target.
    "_by_rules": {"policy.judge.Judge.check_query", "policy.judge.Judge._by_target"},
    "check_answer": {"engine.engine.Engine._judge_answer"},
    # Local data answers a question, or the end of a chain of aliases.
    "local_answer": {
        *("engine.engine.Engine.respond", "engine.chain.local_entry"),
    },
    "_follow_alias": {"engine.engine.Engine._follow"},
    # All parts of the server read what is in force, and one changes it.
    "put_in_force": {"supervisor.reload.Reloader._put_in_force"},
}


COMPARING_ENDS = {
    "policy.moment": "the end of an exemption, with a clock",
    **dict.fromkeys(
        ("cli.exemption_edits", "supervisor.reverted_changes"),
        "a later end of an exemption, with its earlier one",
    ),
    **dict.fromkeys(
        ("exchange.exchange", "engine.failure_cache", "server.worker"),
        "the end of a wait of this process, by its monotonic clock",
    ),
}


def test_the_end_of_an_exemption_is_compared_with_a_clock_in_one_place() -> None:
    comparing = {
        module.name
        for module in modules().values()
        for compared in ast.walk(module.tree)
        if isinstance(compared, ast.Compare)
        for part in ast.walk(compared)
        if isinstance(part, ast.Attribute) and part.attr == "until"
    }
    assert comparing == set(COMPARING_ENDS)


@pytest.mark.parametrize("deciding", CALLERS)
def test_a_decision_has_these_callers_and_no_others(deciding: str) -> None:
    found = {
        within
        for module in modules().values()
        for within, name in calls(module)
        if name == deciding
    }
    assert found == CALLERS[deciding]


def test_metrics_are_named_in_one_place() -> None:
    naming = defaultdict(list)
    for module in modules().values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and str(node.value).startswith("darban_"):
                naming[module.name].append(str(node.value))
    assert set(naming) == {"metrics.definitions"}
    names = naming["metrics.definitions"]
    assert len(names) == len(set(names))
    declared = [
        metric for metric in vars(definitions).values() if isinstance(metric, definitions.Metric)
    ]
    assert sorted(names) == sorted(metric.name for metric in declared)


def test_the_last_query_of_an_address_is_said_by_explain_alone() -> None:
    naming = {
        module.name
        for module in modules().values()
        for node in ast.walk(module.tree)
        if getattr(node, "value", None) in ("last-query", "last_query")
        or getattr(node, "attr", None) in ("last_queries", "last_query")
    }
    assert naming == {
        *("engine.client", "engine.engine"),  # remember it
        *("server.worker", "supervisor.worker_commands"),  # send it to the control socket
        "cli.last_query",
    }
    importing = {
        module.name
        for module in modules().values()
        if any(name.startswith("resolver.cli.last_query") for name in imported(module))
    }
    assert importing == {"cli.explain"}


def test_no_metric_has_a_label_that_grows_with_the_traffic() -> None:
    declared = [
        metric for metric in vars(definitions).values() if isinstance(metric, definitions.Metric)
    ]
    labels = {label for metric in declared for label in metric.labels}
    bounded = {
        *("vlan", "outcome", "service", "rcode", "type", "path", "kind", "upstream", "result"),
        *(
            "zone",
            "hash",
            "number",
            "id",
            "policy",
            "mode",
            "exemption",
            "list",
            "version",
            "compiled",
            "transport",
            "process",
        ),
    }
    assert labels == bounded


WRITING = {
    "cli": "a text of the system's",
    "cli.history_verify": "escaped there, where an auditor has no typer",
    "cli.report": "a page of HTML",
    "fetch.validation": "a line of JSON for the supervisor, in ASCII",
}


def test_what_is_printed_is_escaped() -> None:
    """Texts of lists, of their servers and of a forged server must not reach a terminal raw."""
    printing, writing = set(), set()
    for module in modules().values():
        for node in ast.walk(module.tree):
            match node:
                case ast.Attribute(ast.Name("typer"), "echo" | "secho"):
                    printing.add(module.name)
                case ast.Attribute(ast.Attribute(ast.Name("sys"), "stdout" | "stderr"), "write"):
                    writing.add(module.name)
                case ast.Call(ast.Name("print")):
                    printing.add(module.name)
                case _:
                    pass
    assert printing == {"cli.command"}
    assert writing == set(WRITING)


NO_COMMANDS = {
    "__init__": "the beginning of the command line",
    "activation": "puts a config in force, and writes its files",
    "app": "all commands",
    "command": "options, JSON output, errors and exit codes of all commands",
    "default_config": "the config where the command line names none",
    "exemption_edits": "the edits of exempt",
    "export_programs": "what export writes for each program",
    "history_verify": "the check of history --verify; history declares it",
    "in_force_at": "the policy of an earlier moment, for --at",
    "lists_manifest": "the command lists manifest; lists declares it",
    "lists_release": "lists update --from and --shipped; lists declares them",
    "ssh_signing": "the signature of a report",
    "moments": "moments and durations as people write them",
    "importer": "what reads the settings of another resolver, for init",
    "last_query": "when an address asked the server last, for explain",
    "pair": "commands on the other nodes of a pair",
    "pair_status": "what differs between the nodes of a pair, for status",
    "policies": "the policy of a config, for commands that compare or explain it",
    "policy_text": "hours and exemptions, in one line each",
    "printable_report": "the report of a period; the command report declares it",
    "progress": "what a command does, shown on a terminal",
    "query_file": "opens files of queries, for diff",
    "reload_file": "puts a file in the place of the config; the command reload declares it",
    "server": "questions to the running server",
    "effective_policy_text": "what was in force for a client, as text",
    "status_view": "how the status is drawn",
    "terminal_tables": "tables and labelled lines of a status",
    "summary_text": "what an activation has changed for names, as text",
    "report_file": "the files of a report of a period",
    "run": "starts the server without Typer; run_help declares the command",
}


def test_the_command_line_is_a_file_a_command() -> None:
    files = {path.stem for path in (PACKAGE / "cli").glob("*.py")}
    commands = {module_name(name).rpartition(".")[2] for name in COMMANDS}
    assert files == commands | NO_COMMANDS.keys()
