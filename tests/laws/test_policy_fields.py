"""The fields of a compiled policy that decide are read in ``policy/`` only (``policy_fields``)."""

import ast
import dataclasses
import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes
from mypy import api

from resolver.analysis.step import STEPS
from resolver.audit.effective_policy import EffectivePolicy
from resolver.audit.policy_report import VlanReport
from resolver.config.policy_model import PolicyConfig
from resolver.policy.compiled import Exemption, Policy
from resolver.policy.description import PolicyDescription
from resolver.policy.facets import FIELDS as ROWS
from resolver.policy.facets import Facet
from tests.laws.policy_fields import FOR_PEOPLE
from tests.laws.source_tree import PACKAGE, ROOT, modules

KINDS = (Policy, Exemption)
FIELDS = {kind.__name__: {field.name for field in dataclasses.fields(kind)} for kind in KINDS}
DECIDING = {name for kind, fields in FIELDS.items() for name in fields - FOR_PEOPLE[kind]}


def test_what_anyone_may_read_are_fields() -> None:
    assert {kind: names - FIELDS[kind] for kind, names in FOR_PEOPLE.items()} == {
        kind: set() for kind in FIELDS
    }


def test_the_type_checker_refuses_to_read_each_field_that_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The type checker has the same plugin for the whole program."""
    reads = [f"of_{kind}.{name}" for kind in FIELDS for name in sorted(FIELDS[kind])]
    outside = tmp_path / "outside.py"
    outside.write_text(
        "from resolver.policy.compiled import Exemption, Policy\n\n\n"
        "def read(of_Policy: Policy, of_Exemption: Exemption) -> object:\n"
        f"    return of_Policy.mode, of_Policy.own_rules, {', '.join(reads)}\n"
    )
    monkeypatch.chdir(ROOT)
    said, wrong, _ = api.run([f"--cache-dir={tmp_path / 'cache'}", str(outside)])
    refused = re.findall(r'only policy/ reads "(\w+)"', said)
    assert sorted(refused) == sorted(
        name for kind in FIELDS for name in FIELDS[kind] - FOR_PEOPLE[kind]
    ), said + wrong


def test_the_policy_package_reads_all_of_them() -> None:
    reading = {
        node.attr
        for module in modules().values()
        if module.name.startswith("policy.")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
    }
    assert DECIDING - reading == set()


# ---- what the config says of a policy ----

DECIDES_NO_NAME = {
    name for name in FIELDS["Policy"] if not ROWS[f"Policy.{name}"].facets & Facet.NAMES
}
RESTRICTS_NOTHING = DECIDES_NO_NAME & PolicyConfig.model_fields.keys() | {
    *("count", "allow", "sinkhole", "mode", "extends", "except_")
}
"""Keys of a policy by which it blocks nothing, and in audit mode would not."""


def test_each_key_by_which_a_policy_blocks_is_among_those_that_restrict() -> None:
    functions = ast.walk(modules()["config.policy_model"].tree)
    (restricts,) = [
        function
        for function in functions
        if isinstance(function, ast.FunctionDef) and function.name == "restricts"
    ]
    read = {node.attr for node in ast.walk(restricts) if isinstance(node, ast.Attribute)}
    assert PolicyConfig.model_fields.keys() - read == RESTRICTS_NOTHING


# ---- what a report says of a policy ----

NOT_DESCRIBED = {
    name for name in FIELDS["Policy"] if not ROWS[f"Policy.{name}"].facets & ~Facet.UPSTREAM
}
"""What only pages show, whom a policy asks, and what it withholds of their answers."""
NOT_IN_A_REPORT = {"sinkhole", "exemptible"}
"""What a description says, and a report does not: it has the answer mode, and all exemptions."""
NOT_AT_A_MOMENT = {"id", "prefixes", "answer", "contact", "directives", "expectations", "counts"}
"""What a report says of a VLAN, and ``darban history --at`` does not."""
OTHER_NAME = {"name": "vlan", "services": "blocked"}


def fields_of(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def read_by(module: str) -> set[str]:
    return {
        node.attr for node in ast.walk(modules()[module].tree) if isinstance(node, ast.Attribute)
    }


def test_a_description_has_each_field_of_a_policy() -> None:
    assert fields_of(Policy) - read_by("policy.description") == NOT_DESCRIBED


def test_a_report_says_each_fact_of_a_description() -> None:
    assert fields_of(PolicyDescription) - read_by("audit.policy_report") == NOT_IN_A_REPORT


def test_the_page_shows_each_fact_of_a_report() -> None:
    text = (PACKAGE / "web" / "templates" / "policy_report.html").read_text(encoding="utf-8")
    tree = Environment(autoescape=True).parse(text)
    assert fields_of(VlanReport) - {node.attr for node in tree.find_all(nodes.Getattr)} == set()


def test_the_text_of_a_moment_says_each_fact() -> None:
    assert fields_of(EffectivePolicy) - read_by("cli.effective_policy_text") == set()


def test_a_moment_has_what_a_report_says_of_a_policy() -> None:
    said = {OTHER_NAME.get(text, text) for text in fields_of(VlanReport) - NOT_AT_A_MOMENT}
    assert said - fields_of(EffectivePolicy) == set()


def test_each_step_of_an_explanation_has_a_text() -> None:
    kinds = {
        node.args[0].value
        for name in ("analysis.explanation", "analysis.deciding_step")
        for node in ast.walk(modules()[name].tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "step"
        and isinstance(node.args[0], ast.Constant)
    }
    assert kinds >= {"default", "rebinding"}
    assert kinds - STEPS.keys() == set()
