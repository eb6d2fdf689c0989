"""What ``/status.json`` has: what somebody has decided to show, and nothing for operators alone."""

import dataclasses
import json
from pathlib import Path
from typing import get_type_hints

from resolver.metrics.status import (
    BlockLogStatus,
    ExemptionStatus,
    FetchedStatus,
    HoursStatus,
    LastReload,
    ListStatus,
    PolicySourceStatus,
    PublishStatus,
    Status,
    UpstreamStatus,
)
from resolver.policy.facets import classes_in
from resolver.web.status_json import SHOWN, status_json
from tests.web.judged import NOW
from tests.web.shown_status import STATUS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "status-json.md"
LEFT_OUT: dict[type, set[str]] = {
    Status: {
        *("pid", "config", "snapshot", "edited_files"),  # of this host, and paths
        *("config_failure", "edit_refused", "figures_problem", "wrong_decisions"),  # texts
        "medium_refusal",  # a text; ``faults`` has the kind
        *("fallback_answers", "node", "changes", "audit_log_broken_at", "certificate"),
    },
    LastReload: {"by", "report"},
    UpstreamStatus: {"wrong", "unverified"},  # texts; ``faults`` has the kind
    FetchedStatus: {"copy_fault"},
    ListStatus: {"files"},
    ExemptionStatus: {"id", "prefixes", "approver", "ticket", "reason"},
    BlockLogStatus: {"file", "problem"},
    PublishStatus: {"directory", "server", "left_out", "problem"},
    PolicySourceStatus: {"repository", "branch", "signer", "problem"},
    HoursStatus: {"text"},
}
"""What is not shown, by decision; a new field belongs here or in ``SHOWN`` and in the page."""


def test_each_field_of_a_status_is_shown_or_left_out() -> None:
    left: list[type] = [Status]
    seen = set[type]()
    while left:
        kind = left.pop()
        seen.add(kind)
        hints = get_type_hints(kind)
        assert sorted([*SHOWN[kind], *LEFT_OUT.get(kind, ())]) == sorted(hints), kind.__name__
        for name in SHOWN[kind]:
            left += [part for part in classes_in(hints[name]) if part not in seen]
    assert seen == SHOWN.keys()


def test_the_page_explains_each_field() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    explained = {name.strip(" `") for row in rows for name in row.split(",")}
    assert explained == {"faults", *(name for fields in SHOWN.values() for name in fields)}


def test_it_has_the_counts_and_nothing_for_operators_alone() -> None:
    failed = dataclasses.replace(
        STATUS,
        config_ok=False,
        config_failure="secret",
        last_reload=LastReload(NOW, "rejected", "uid 0 (secret)", ("/etc/secret.toml: line 3",)),
    )
    text = json.dumps(status_json(failed))
    shown = json.loads(text)
    [administration, *_] = shown["vlans"]
    assert (administration["name"], administration["queries"]) == ("administration", 4000)
    assert administration["services"] == [{"service": "one", "outcome": "blocked", "queries": 1234}]
    assert shown["last_reload"] == {"at": NOW, "result": "rejected"}
    assert "config_failed" in shown["faults"]
    [exemption] = shown["exemptions"]
    assert (exemption["vlan"], exemption["services"]) == (None, ["one"])
    for secret in ("secret", "10.10.3.7", "PR-1", "pr-1", "Head", "/zones", "/var", "one.txt"):
        assert secret not in text
