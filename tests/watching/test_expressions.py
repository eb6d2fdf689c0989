"""Dashboards, rules and alerts use metrics that exist, and labels that these have."""

import re
from pathlib import Path
from typing import get_args

import pytest

from resolver.metrics.faults import Kind
from tests.watching.expressions import (
    PERSIAN_RUNBOOK,
    ROOT,
    RUNBOOK,
    Expression,
    alerts,
    declared,
    of_panels,
    of_rules,
    of_variables,
    series,
    used,
)

EVERY = [*of_rules(), *of_panels(), *of_variables()]


def test_an_expression_is_understood() -> None:
    names, grouping = used(
        'sum by (vlan, le) (rate(a_total{x=~"$y",vlan!="by (z)"}[5m] offset 1w)) > 0 '
        "and on (vlan) b:c:d unless group_left"
    )
    assert names == {"a_total": {"x", "vlan"}, "b:c:d": set(), "group_left": set()}
    assert grouping == {"vlan", "le"}


@pytest.mark.parametrize("expression", EVERY, ids=str)
def test_it_uses_what_is_declared(expression: Expression) -> None:
    names, grouping = used(expression.text)
    assert names
    known = series()
    assert set(names) <= set(known)
    for name, labels in names.items():
        assert labels <= known[name], name
    assert grouping <= set().union(*(known[name] for name in names))


def test_every_metric_is_watched() -> None:
    watched = {name for expression in EVERY for name in used(expression.text)[0]}
    ends = re.compile(r"_(total|bucket|count|sum)$")
    families = {ends.sub("", name) for name in watched}
    missing = {metric.name for metric in declared()} - families
    assert not missing, "use them in deploy/grafana/dashboards/ or deploy/prometheus/"


def _sections() -> dict[str, str]:
    """The runbook's sections by the anchor that a link names; its beginning has none."""
    text = RUNBOOK.read_text(encoding="utf-8")
    heads = ["", *re.split(r"^## (.+)\n", text, flags=re.MULTILINE)]
    pairs = zip(heads[::2], heads[1::2], strict=True)
    return {head.lower().replace(" ", "-"): body for head, body in pairs}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_what_to_do(alert: dict[str, dict[str, str]]) -> None:
    annotations = alert["annotations"]
    assert annotations["summary"]
    for text in (annotations["impact"], annotations["action"]):
        assert text.endswith(".")
    path, _, anchor = annotations["runbook_url"].partition("#")
    assert ROOT / path == RUNBOOK
    section = _sections()[anchor]
    for part in ("**Means:**", "**See:**", "**Do:**", "**Over when**"):
        assert part in section
    assert alert["labels"]["severity"] in ("page", "ticket")


def test_alerts_are_few() -> None:
    assert len(alerts()) <= 20


_EXPORTED = {
    **dict.fromkeys(
        (
            *("upstream_down", "upstream_unverified", "upstream_wrong", "upstream_rewrites"),
            "upstream_fails",
        ),
        "DarbanUpstreamDown",
    ),
    **dict.fromkeys(("list_stale", "list_never_fetched", "list_held"), "DarbanListFault"),
    **dict.fromkeys(("exemption_ends", "exemption_ended"), "DarbanExemptionEnding"),
    **dict.fromkeys(("policy_not_pulled", "policy_expired"), "DarbanPolicyStale"),
    "link_cut": "DarbanLinkCut",
}
"""The alerts that are for a kind of fault by other metrics."""


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_kind_of_fault_has_one_alert_and_its_section_of_the_runbook(kind: str) -> None:
    selecting = {alert["alert"] for alert in alerts() if _selects(alert["expr"], kind)}
    [alert] = selecting or {_EXPORTED[kind]}
    assert (kind in _EXPORTED) == (not selecting)
    sections = _sections()
    table = dict(re.findall(r"^\| (`.*) \| .*\(#(\w+)\) \|$", sections[""], re.MULTILINE))
    [section] = [name for kinds, name in table.items() if f"`{kind}`" in kinds] or ["darbanfault"]
    assert section == alert.lower()
    assert section != "darbanfault" or f"`{kind}`" in sections[section]


def _selects(expression: str, kind: str) -> bool:
    """Whether an expression has a selector of ``darban_faults`` that matches a kind."""
    matchers = re.findall(r'kind(=~|!~)"([^"]*)"', expression)
    return bool(matchers) and all(
        bool(re.fullmatch(pattern, kind)) == (operator == "=~") for operator, pattern in matchers
    )


def test_each_section_of_the_runbook_has_its_alert() -> None:
    assert set(_sections()) - {""} == {alert["alert"].lower() for alert in alerts()}


@pytest.mark.parametrize("page", [RUNBOOK, PERSIAN_RUNBOOK], ids=["English", "Persian"])
def test_each_section_of_the_runbook_is_found_by_what_one_sees(page: Path) -> None:
    rows = re.findall(r"^\| [^`\n].*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    found = {anchor for row in rows for anchor in re.findall(r"#(\w+)\)", row)}
    assert found == set(_sections()) - {""}


def test_links_within_the_runbook_have_a_target() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= set(_sections())
