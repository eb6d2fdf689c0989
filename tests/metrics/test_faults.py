"""Which faults a status has, and that ``darban status`` and the status page show each of them."""

import re
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import Any, get_args

import pytest

from resolver.metrics.fault_texts import ELSE, fault_texts
from resolver.metrics.faults import EDITED, EXPIRES_SOON, STALE, Fault, Kind, faults
from resolver.metrics.status import (
    SOON,
    BlockLogStatus,
    CertificateStatus,
    ExemptionStatus,
    FetchedStatus,
    LastReload,
    PolicySourceStatus,
    PublishStatus,
    Status,
    UpstreamStatus,
    WrongAnswer,
    ZoneStatus,
)
from resolver.policy.compiled import CompiledConfig
from resolver.web.rendering import LANGUAGES
from resolver.web.status_page import page
from tests.cli.drawn_status import drawn
from tests.metrics.statuses import idle
from tests.watching.expressions import alerts
from tests.web.judged import NOW, engine
from tests.web.page_text import Parsed

RUNBOOK = Path(__file__).parents[2] / "docs" / "how-to" / "runbook.md"
UPSTREAM = UpstreamStatus("192.0.2.53:53", True, 40, 2, {}, 38, 0.076, 0.002)
CERTIFICATE = CertificateStatus("/dns.pem", NOW + EXPIRES_SOON + 1)
LOG = BlockLogStatus("/blocks.jsonl", "vlan", 17, 0, "")
ZONE = ZoneStatus("a.rpz", 8, 8)
PUBLISH = PublishStatus("/zones", "127.0.0.1:8053", (ZONE, ZONE), (), "")
SOURCE = PolicySourceStatus(
    *("https://git.example/p", "stable", "1", "noc", 1.0, 2.0, 3.0, "applied", ""),
    expiry=NOW + 1,
)
FETCHED = FetchedStatus("ads", NOW - STALE + 1, 3)
EXEMPTION = ExemptionStatus(
    *("pr-1", None, (), ("one",), NOW + 2 * SOON, "Head", "PR-1", ""),
    state="in force",
)
RELOAD = LastReload(NOW - 60, "applied", "uid 0", ("a warning",))
GOOD = replace(
    idle(NOW),
    last_reload=RELOAD,
    upstreams=(UPSTREAM,),
    fetched=(FETCHED,),
    exemptions=(EXEMPTION,),
    block_log=LOG,
    certificate=CERTIFICATE,
    publish=PUBLISH,
    policy_source=SOURCE,
    clock_synchronised=True,
)
EDIT: dict[str, Any] = {
    "edited_files": ("config.toml", "lists/a.txt"),
    "edited_since": NOW - EDITED,
}
UNSERVED = (replace(ZONE, served=7), replace(ZONE, served=None), ZONE)
CHANGES: tuple[tuple[Kind, dict[str, Any], tuple[str, ...]], ...] = (
    ("config_not_ok", {"config_ok": False}, ("darban check",)),
    ("config_failed", {"config_ok": False, "config_failure": "no space"}, ("no space",)),
    ("config_edited", EDIT, ("config.toml, lists/a.txt", "next start", "darban diff")),
    (
        "config_edit_refused",
        {**EDIT, "edit_refused": ("config.toml:1: wrong",)},
        ("config.toml, lists/a.txt", "refuse", "darban check"),
    ),
    (
        "wrong_decisions",
        {"wrong_decisions": ("wa.me A from 10.1.0.1: expected blocked, got passed",)},
        ("wa.me A from 10.1.0.1", "got passed"),
    ),
    ("workers_missing", {"workers": 1}, ("1", "2", "workers")),
    (
        "address_missing",
        {"missing_addresses": ("192.0.2.9:53",)},
        ("192.0.2.9:53", "clients get no answers there"),
    ),
    ("tcp_not_accepted", {"not_accepting": 2}, ("TCP connections are not accepted",)),
    ("no_control_socket", {"has_control_socket": False}, ("ommands do not reach",)),
    ("draining", {"not_ready": "draining"}, ("draining", "health checks fail")),
    ("not_ready", {"not_ready": "no worker serves"}, ("not ready", "health checks fail")),
    ("link_cut", {"link_cut": 1.0, "fallback_answers": 12}, ("12",)),
    ("upstream_down", {"upstreams": (replace(UPSTREAM, up=False),)}, ("192.0.2.53:53",)),
    (
        "upstream_unverified",
        {"upstreams": (replace(UPSTREAM, up=False, unverified="certificate has expired"),)},
        ("192.0.2.53:53", "certificate has expired"),
    ),
    (
        "upstream_wrong",
        {"upstreams": (replace(UPSTREAM, wrong=WrongAnswer("iana.org", "REFUSED")),)},
        ("192.0.2.53:53", "iana.org", "REFUSED"),
    ),
    (
        "upstream_rewrites",
        {"upstreams": (replace(UPSTREAM, wrong=WrongAnswer("com")),)},
        ("192.0.2.53:53", "made-up names below com"),
    ),
    (
        "upstream_fails",
        {"upstreams": (replace(UPSTREAM, failing=True),)},
        ("192.0.2.53:53", "a quarter"),
    ),
    ("clock_wrong", {"clock_synchronised": False}, ("clock",)),
    (
        "certificate_unusable",
        {"certificate": replace(CERTIFICATE, problem="no key")},
        ("DNS over TLS",),
    ),
    (
        "certificate_expired",
        {"certificate": replace(CERTIFICATE, expires=NOW)},
        ("DNS over TLS", "has expired on", "clients that verify it get no DNS"),
    ),
    (
        "certificate_ends",
        {"certificate": replace(CERTIFICATE, expires=NOW + EXPIRES_SOON - 1)},
        ("DNS over TLS", "ends on"),
    ),
    ("block_log_fails", {"block_log": replace(LOG, problem="no space")}, ("no space",)),
    ("figures_not_written", {"figures_problem": "no space"}, ("no space",)),
    ("audit_log_broken", {"audit_log_broken_at": 17}, ("17", "darban history --verify")),
    ("zones_not_written", {"publish": replace(PUBLISH, problem="no space")}, ("no space",)),
    ("zones_not_served", {"publish": replace(PUBLISH, zones=UNSERVED)}, ("127.0.0.1:8053", "2")),
    ("policy_not_pulled", {"policy_source": replace(SOURCE, problem="no git")}, ("not pulled",)),
    (
        "policy_expired",
        {"policy_source": replace(SOURCE, expiry=NOW)},
        ("policy expired on", "no newer signed commit"),
    ),
    (
        "copy_not_accepted",
        {"fetched": (replace(FETCHED, copy_fault="the copy in use came signed by noc"),)},
        ("ads", "would not be accepted now", "signed by noc"),
    ),
    (
        "medium_not_accepted",
        {"medium_refusal": "manifest.json has expired"},
        ("from a medium", "would not be accepted now", "manifest.json has expired"),
    ),
    ("zones_leave_out", {"publish": replace(PUBLISH, left_out=("exemption x",))}, ("zones",)),
    ("list_stale", {"fetched": (replace(FETCHED, updated=NOW - STALE - 1),)}, ("ads",)),
    ("list_never_fetched", {"fetched": (replace(FETCHED, updated=None),)}, ("ads", "no copy")),
    ("list_held", {"fetched": (replace(FETCHED, held=True),)}, ("ads", "held")),
    ("exemption_ends", {"exemptions": (replace(EXEMPTION, state="ends soon"),)}, ("ends on",)),
    ("exemption_ended", {"exemptions": (replace(EXEMPTION, state="ended"),)}, ("ended on",)),
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledConfig:
    return engine(tmp_path_factory.mktemp("config")).compiled


def _printed(status: Status) -> list[str]:
    """The lines that ``darban status`` has more than for a server without faults."""
    texts = (drawn(item, 120).partition("\nby VLAN")[0] for item in (status, GOOD))
    lines, usual = (text.splitlines()[2:] for text in texts)  # the second counts the workers
    return [line for line in lines if line not in usual]


def _on_page(status: Status, compiled: CompiledConfig, language: str = "en") -> list[str]:
    """The faults that the status page shows."""
    html = page(status, compiled, language)
    health = html.partition('id="live-health"')[2].partition('id="live-figures"')[0]
    parts = re.split(r"^<li>", health, flags=re.MULTILINE)[1:]
    return [Parsed(part).text for part in parts]


def test_a_server_may_have_no_faults(compiled: CompiledConfig) -> None:
    assert list(faults(GOOD)) == []
    assert _printed(GOOD) == _on_page(GOOD, compiled) == []
    nothing = replace(GOOD, block_log=None, publish=None, policy_source=None, fetched=())
    unknown = replace(nothing, clock_synchronised=None, last_reload=None)
    assert list(faults(unknown)) == []


@pytest.mark.parametrize(("kind", "change", "said"), CHANGES)
def test_both_show_each_fault(
    compiled: CompiledConfig, kind: Kind, change: dict[str, Any], said: tuple[str, ...]
) -> None:
    status = replace(GOOD, **change)
    [fault] = faults(status)
    assert fault.kind == kind
    text = fault_texts()[kind]
    texts = "".join((text.short, *text.sentences.values()))
    assert fault.values.keys() <= {value for _, value, _, _ in Formatter().parse(texts)}
    [printed], [on_page] = _printed(status), _on_page(status, compiled)
    hidden = [str(fault.values[key]) for key in fault.values.keys() - fault.public_values.keys()]
    hidden += fault.report
    for part in said:
        assert part in printed
        assert part in on_page or any(part in text for text in hidden)
    assert [text for text in hidden if text in on_page] == []


def test_both_show_all_faults_in_one_order_and_reminders_last(compiled: CompiledConfig) -> None:
    kinds = [kind for kind, _, _ in CHANGES]
    assert kinds == list(get_args(Kind)), "each has a change here"
    assert fault_texts().keys() == set(kinds)
    for text in fault_texts().values():
        assert text.sentences.keys() == set(LANGUAGES)
    changes: dict[str, Any] = {}
    for _, change, _ in CHANGES:
        changes |= change
    changes["certificate"] = CertificateStatus("/dns.pem", NOW + 1, "no key")
    changes["publish"] = PublishStatus("/zones", "server", UNSERVED, ("exemption x",), "no space")
    changes["policy_source"] = replace(SOURCE, problem="no git", expiry=NOW)
    changes["upstreams"] = (
        *(replace(UPSTREAM, up=False), replace(UPSTREAM, up=False, unverified="expired")),
        replace(UPSTREAM, wrong=WrongAnswer("iana.org", "REFUSED")),
        replace(UPSTREAM, wrong=WrongAnswer("com")),
        replace(UPSTREAM, failing=True),
    )
    changes["fetched"] = (
        *(replace(FETCHED, updated=NOW - 2 * STALE), replace(FETCHED, updated=None)),
        replace(FETCHED, held=True),
        replace(FETCHED, copy_fault="the copy in use came signed by noc"),
    )
    changes["exemptions"] = tuple(replace(EXEMPTION, state=s) for s in ("ends soon", "ended"))
    status = replace(GOOD, **changes)
    found = list(faults(status))
    other = ["config_not_ok", "config_edited", "config_edit_refused", "draining"]
    other += ["certificate_expired"]
    left = [kind for kind in kinds if kind not in other]
    assert [fault.kind for fault in found] == left
    reminders = [fault.is_reminder for fault in found]
    assert reminders == sorted(reminders)
    assert len(_printed(status)) == len(_on_page(status, compiled)) == len(found)
    assert len(_on_page(status, compiled, "fa")) == len(found)


def test_an_edit_is_no_fault_before_a_quarter_of_an_hour_nor_beside_a_config_that_is_refused() -> (
    None
):
    young = replace(GOOD, edited_files=("config.toml",), edited_since=NOW - EDITED + 1)
    assert list(faults(young)) == []
    [printed] = _printed(young)
    assert printed.startswith("edit      config.toml: not in force since 20")
    refused = replace(GOOD, **EDIT, config_ok=False)
    assert [fault.kind for fault in faults(refused)] == ["config_not_ok"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_edit_is_on_the_page_as_soon_as_it_is_seen(
    compiled: CompiledConfig, language: str
) -> None:
    files = tuple(f"lists/{number}.txt" for number in range(7))
    young = replace(GOOD, edited_files=files, edited_since=NOW)
    assert "lists/0.txt" in page(young, compiled, language)
    assert "lists/6.txt" not in page(young, compiled, language)
    printed = " ".join(line.strip() for line in _printed(young))
    assert "lists/4.txt, 2 more: not in force since " in printed


def test_files_that_were_not_compared_are_said(compiled: CompiledConfig) -> None:
    unknown = replace(GOOD, edits_not_compared=True)
    [printed] = _printed(unknown)
    assert "the files on disk were not compared with what is in force" in printed
    assert "were not compared" in page(unknown, compiled, "en")


@pytest.mark.parametrize(
    ("result", "report"),
    [("invalid", ("a warning",)), ("refused", ("a warning",)), ("applied", ())],
)
def test_only_a_reload_that_was_not_applied_says_what_is_wrong(
    result: str, report: tuple[str, ...]
) -> None:
    status = replace(GOOD, config_ok=False, last_reload=replace(RELOAD, result=result))
    assert list(faults(status)) == [Fault("config_not_ok", report=report)]


# ---- the table of the runbook ----

_ROW = re.compile(r"^\| (`\w+`(?:, `\w+`)*|all others) \| (.*) \|$", re.MULTILINE)


def test_the_runbook_names_the_alerts_of_each_kind() -> None:
    told: dict[str, tuple[str, ...]] = {}
    for kinds, sections in _ROW.findall(RUNBOOK.read_text(encoding="utf-8")):
        for kind in re.findall(r"\w+", kinds) if kinds != "all others" else [""]:
            told[kind] = tuple(re.findall(r"\[(\w+)\]", sections))
    assert told.pop("") == ELSE
    own = {kind: text.alerts for kind, text in fault_texts().items() if text.alerts != ELSE}
    assert told == own


def test_the_alerts_of_each_kind_exist() -> None:
    named = {alert for text in fault_texts().values() for alert in text.alerts}
    assert named <= {alert["alert"] for alert in alerts()}
