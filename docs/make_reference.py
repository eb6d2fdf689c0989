"""Writes what is made from the program: `make reference`.

The pages in docs/reference are not committed: `make docs` and the Debian package make them. The
JSON Schema of config.toml is committed; a test holds that it is what this program writes. Another
compares deploy/reference.toml with the config model. `deploy/manual.py` makes the page of the
commands.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from docs.config_schema import config_schema
from resolver.metrics import definitions
from resolver.metrics.definitions import Metric
from resolver.policy.features import Feature
from resolver.publish.enforcers import SUPPORTS, Enforcer, Support

ROOT = Path(__file__).parents[1]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def metrics() -> str:
    """The page of all metrics."""
    lines = [
        "# Metrics",
        "",
        "At `/metrics` of `[metrics] listen`, http://127.0.0.1:9153/metrics by default. No label"
        " names a client or a domain. Names in `_total` are counters, in `_duration_seconds`"
        " histograms; all others are gauges.",
        "",
        "| metric and labels | |",
        "|---|---|",
    ]
    for metric in vars(definitions).values():
        if isinstance(metric, Metric):
            name = f"{metric.name}_total" if metric.kind == "counter" else metric.name
            assert (metric.kind == "histogram") == name.endswith("_duration_seconds")
            labels = f"{{{','.join(metric.labels)}}}" if metric.labels else ""
            lines.append(f"| `{name}{labels}` | {_cell(metric.text)} |")
    return "\n".join(lines) + "\n"


def alerts() -> str:
    """The page of all alerts, with their sections of the runbook."""
    path = ROOT / "deploy" / "prometheus" / "alerts.yml"
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    lines = [
        "# Alerts",
        "",
        "Of [alerts.yml](../../deploy/prometheus/alerts.yml). `page` is for the night, `ticket` for"
        " the next working day. The runbook says what to do about each.",
        "",
        "| alert | severity | after | what it costs |",
        "|---|---|---|---|",
        *(_alert(rule) for group in groups for rule in group["rules"] if "alert" in rule),
    ]
    return "\n".join(lines) + "\n"


def _alert(rule: dict[str, Any]) -> str:
    name, texts = rule["alert"], rule["annotations"]
    link = f"[{name}](../how-to/runbook.md#{name.lower()})"
    cells = (link, rule["labels"]["severity"], rule.get("for", "0m"))
    impact = re.sub(r"\{\{.*?\}\}", "...", texts["impact"])
    return f"| {' | '.join((*cells, impact))} |"


ECS = {
    "block-log": {
        "time": "@timestamp",
        "vlan": "network.vlan.name",
        "client": "client.ip, where [block_log] client is address; else labels.client",
        "name": "dns.question.name",
        "type": "dns.question.type",
        "transport": "network.transport (tls: tcp)",
        "service": "rule.category",
        "rule": "rule.name",
        "list": "rule.ruleset",
        "outcome": "event.action; event.outcome: success",
        "target": "dns.answers.data",
    },
    "audit-log": {
        "time": "@timestamp",
        "event": "event.action",
        "who": "user.name",
        "number": "event.sequence",
        "release": "agent.version",
        "snapshot": "labels.snapshot",
        "config": "file.hash.sha256",
        "diff": "message",
        "exemptions": "darban.exemptions",
        "lists": "labels.lists",
        "summary": "darban.summary",
        "waited_since": "darban.waited_since",
        "belongs_to": "file.owner",
        "before": "darban.before",
    },
}
"""The field of the Elastic Common Schema, 8.17, for each field of a line."""


def logs() -> str:
    """The page of the block log and the audit log: their fields, from the JSON Schemas."""
    lines = ["# Logs", "", "[siem.md](../how-to/siem.md) sends both to a SIEM."]
    for name, ecs in ECS.items():
        path = ROOT / "deploy" / "schemas" / f"{name}.json"
        schema = json.loads(path.read_text(encoding="utf-8"))
        lines += ["", f"## {name.replace('-', ' ').capitalize()}", "", schema["description"], ""]
        lines += [f"JSON Schema: [{path.name}](../../deploy/schemas/{path.name}).", ""]
        lines += ["| field | | in ECS |", "|---|---|---|"]
        for field, of in schema["properties"].items():
            if field not in ecs and field not in schema["required"]:
                continue
            values = ", ".join(f"`{value}`" for value in of.get("enum", ()))
            text = f"{of['description']}{f' One of {values}.' if values else ''}"
            lines.append(f"| `{field}` | {_cell(text)} | {_cell(ecs.get(field, ''))} |")
    lines += [
        "",
        "The JSON Schema also has the fields of `exemptions` and of `summary`, and those of events"
        " of the log itself.",
    ]
    return "\n".join(lines) + "\n"


def deviations() -> str:
    """The page of what other enforcers enforce otherwise than this server."""
    lines = [
        "# What other enforcers do otherwise",
        "",
        "[Why](../explanation/other-resolvers.md). `bind`, `unbound` and `powerdns` read the zones:"
        " their rows come on top of those of `zones`.",
        "",
        "| target | features | how | what it does |",
        "|---|---|---|---|",
        *_deviations(),
    ]
    return "\n".join(lines) + "\n"


def _deviations() -> Iterator[str]:
    """A row for each thing that targets do otherwise; for readers of zones, than zones do."""
    targets: dict[tuple[Support, tuple[Feature, ...]], list[Enforcer]] = {}
    for target, supports in SUPPORTS.items():
        of_zones = target in (Enforcer.BIND, Enforcer.UNBOUND, Enforcer.RECURSOR)
        by_support: dict[Support, list[Feature]] = {}
        for feature, support in supports.items():
            if support.why and not (of_zones and support == SUPPORTS[Enforcer.ZONES][feature]):
                by_support.setdefault(support, []).append(feature)
        for support, features in by_support.items():
            targets.setdefault((support, tuple(features)), []).append(target)
    for ((fit, why), features), enforcers in targets.items():
        yield f"| {', '.join(enforcers)} | {', '.join(features)} | {fit.value} | {why} |"


SCHEMA = ROOT / "deploy" / "schemas" / "config.json"


def schema() -> str:
    """The JSON Schema of config.toml."""
    return json.dumps(config_schema(), ensure_ascii=False, indent=2) + "\n"


REFERENCE = ROOT / "docs" / "reference"
MADE = {
    REFERENCE / "metrics.md": metrics,
    REFERENCE / "alerts.md": alerts,
    REFERENCE / "logs.md": logs,
    REFERENCE / "deviations.md": deviations,
}

if __name__ == "__main__":
    for path, text in {SCHEMA: schema, **MADE}.items():
        path.write_text(text(), encoding="utf-8")
