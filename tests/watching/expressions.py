"""All PromQL expressions: of panels, variables, recording rules and alerts."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from resolver.metrics import definitions
from resolver.metrics.definitions import Metric

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RUNBOOK = ROOT / "docs" / "how-to" / "runbook.md"
PERSIAN_RUNBOOK = ROOT / "docs" / "fa" / "runbook.md"
"""Its first page: what one sees."""
BOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RULES = [DEPLOY / "prometheus" / name for name in ("recording.yml", "alerts.yml")]


@dataclass(frozen=True)
class Expression:
    """One expression, and where it is."""

    where: str
    text: str

    def __str__(self) -> str:
        return self.where


@cache
def rules() -> list[dict[str, Any]]:
    """Every rule, recording ones first."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def of_rules() -> Iterator[Expression]:
    for rule in rules():
        yield Expression(rule.get("alert") or rule["record"], rule["expr"])


@cache
def boards() -> dict[str, dict[str, Any]]:
    """The dashboards by their file's name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in BOARDS}


def panels(board: str) -> list[dict[str, Any]]:
    """A dashboard's panels but for rows."""
    return [panel for panel in boards()[board]["panels"] if panel["type"] != "row"]


def of_panels() -> Iterator[Expression]:
    for board in boards():
        for panel in panels(board):
            for target in panel["targets"]:
                yield Expression(f"{board}: {panel['title']} {target['refId']}", target["expr"])


def of_variables() -> Iterator[Expression]:
    """What ``label_values`` asks for: series, and the label of them that is listed."""
    for board, made in boards().items():
        for variable in made["templating"]["list"]:
            if variable["type"] == "query":
                asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"])
                assert asked, variable["query"]
                yield Expression(f"{board}: ${variable['name']}", f"{asked[1]} by ({asked[2]})")


def declared() -> list[Metric]:
    return [metric for metric in vars(definitions).values() if isinstance(metric, Metric)]


@cache
def series() -> dict[str, frozenset[str]]:
    """Every name that an expression may use, with the labels that its series have."""
    of_target = {"site", "instance", "job"}
    known = {"up": of_target}
    for metric in declared():
        labels = {*of_target, *metric.labels}
        match metric.kind:
            case "counter":
                known[f"{metric.name}_total"] = labels
            case "gauge":
                known[metric.name] = labels
            case _:
                known[f"{metric.name}_bucket"] = {*labels, "le"}
                known |= {f"{metric.name}_{part}": labels for part in ("sum", "count")}
    recorded = [rule["record"] for rule in rules() if "record" in rule]
    known |= {name: set(name.partition(":")[0].split("_")) for name in recorded}
    return {name: frozenset(labels) for name, labels in known.items()}


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_WINDOW = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?(\s*\()?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_WORDS = {"and", "or", "unless", "bool"}


def used(expression: str) -> tuple[dict[str, set[str]], set[str]]:
    """The names that an expression uses with the labels it selects by, and those it groups by."""
    text = _WINDOW.sub(" ", _STRING.sub('""', expression))
    grouping = {label.strip() for labels in _GROUPING.findall(text) for label in labels.split(",")}
    names: dict[str, set[str]] = {}
    for name, selected, call in _SELECTOR.findall(_GROUPING.sub(" ", text)):
        if not call and name not in _WORDS:
            names.setdefault(name, set()).update(_MATCHER.findall(selected))
    return names, grouping - {""}
