"""The network operators' dashboard: what the policy does, where, and what is due."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.dashboards.board import INSTANCE, SERVICE, VLAN, board, row
from deploy.dashboards.panels import (
    AGO,
    BAD,
    COUNT,
    GOOD,
    LONG,
    PER_MINUTE,
    SHARE,
    WARN,
    About,
    bars,
    lines,
    listing,
    number,
    stacked,
)

_DAY = 86400.0
_ALL = "darban_queries_total"
_BLOCKED = f'{_ALL}{{{SERVICE},outcome="blocked"}}'
_AUDITED = f'{_ALL}{{{SERVICE},outcome="would_block"}}'
_EXEMPTED = f'{_ALL}{{{SERVICE},outcome="exempted"}}'
_UNKNOWN = f'{_ALL}{{{INSTANCE},vlan="unknown",outcome="refused"}}'
_ANY = f'{_ALL}{{{VLAN},vlan!="unknown"}}'
_BYPASS = f"darban_bypass_attempts_total{{{VLAN}}}"


def policy() -> Dashboard:
    """The dashboard."""
    made = board(
        "Darban: policy",
        "darban-policy",
        "What is blocked on which VLAN, who tries to get around it, and what is due.",
        "now-24h",
        ["instance", "vlan", "service"],
    )
    _now(made)
    _blocks(made)
    _around(made)
    _in_force(made)
    return made


def _total(series: str) -> str:
    return f"sum(increase({series}[$__range]))"


def _by(labels: str, series: str) -> str:
    """A minute's worth, by some labels."""
    return f"sum by ({labels}) (rate({series}[$__rate_interval])) * 60"


def _some(labels: str, series: str) -> str:
    """The same where there is any: of many services a legend names those that are asked for."""
    return f"{_by(labels, series)} > 0"


def _now(made: Dashboard) -> None:
    def size(title: str, text: str, unit: str = COUNT, decimals: int = 0) -> About:
        return About(title, text, 4, 4, unit, decimals)

    row(
        made,
        "In the time chosen",
        number(size("Blocked", "Queries that the policy blocked."), _total(_BLOCKED)),
        number(
            size(
                "Share blocked",
                "Of the queries of the chosen VLANs, the share that was blocked.",
                SHARE,
                1,
            ),
            f"{_total(_BLOCKED)} / {_total(_ANY)}",
        ),
        number(
            size(
                "Would be blocked",
                "What policies in audit mode would have blocked: look at it before enforcing.",
            ),
            _total(_AUDITED),
        ),
        number(
            size("Exempted", "What would have been blocked but for an exemption."),
            _total(_EXEMPTED),
        ),
        number(
            size(
                "Bypass attempts",
                "Blocked look-ups of encrypted DNS providers and canaries: ways around Darban.",
            ),
            _total(_BYPASS),
        ),
        number(
            size(
                "Unknown clients refused",
                "Queries of clients that are on no VLAN of the config: perhaps a forgotten prefix.",
            ),
            _total(_UNKNOWN),
        ),
    )


def _blocks(made: Dashboard) -> None:
    row(
        made,
        "Blocks",
        stacked(
            About("Blocked, by VLAN", "Blocked queries a minute.", 12, 8, PER_MINUTE),
            [(_by("vlan", _BLOCKED), "{{vlan}}")],
        ),
        stacked(
            About(
                "Blocked, by service",
                "Blocked queries a minute, of the ten services that are blocked most. "
                "Without a name: rules that a policy has of its own.",
                12,
                8,
                PER_MINUTE,
            ),
            [(f"topk(10, {_some('service', _BLOCKED)})", "{{service}}")],
        ),
        bars(
            About("Top services", "Most blocked in the time chosen.", 6, 9, COUNT, 0),
            f"topk(10, sum by (service) (increase({_BLOCKED}[$__range])) > 0)",
            "{{service}}",
        ),
        listing(
            About("By VLAN and service", "Blocked queries in the time chosen.", 9, 9, COUNT, 0),
            f"sort_desc(sum by (vlan, service) (increase({_BLOCKED}[$__range])) > 0)",
            {"vlan": "VLAN", "service": "Service", "Value": "Blocked"},
        ),
        lines(
            About(
                "Share blocked, by VLAN",
                "Of a VLAN's queries, the share that was blocked. A sudden fall to nothing "
                "means that its clients ask somebody else, or that the policy has changed.",
                9,
                9,
                SHARE,
            ),
            [
                (
                    f"sum by (vlan) (rate({_BLOCKED}[$__rate_interval])) "
                    f"/ sum by (vlan) (rate({_ANY}[$__rate_interval]))",
                    "{{vlan}}",
                )
            ],
            most=1,
        ),
    )


def _around(made: Dashboard) -> None:
    row(
        made,
        "Audit, exemptions, ways around",
        stacked(
            About(
                "Would be blocked, in audit mode",
                "By VLAN and service, a minute. Enforcing the policy will block these.",
                12,
                8,
                PER_MINUTE,
            ),
            [(_some("vlan, service", _AUDITED), "{{vlan}} {{service}}")],
        ),
        stacked(
            About("Exempted, over time", "By VLAN and service, a minute.", 12, 8, PER_MINUTE),
            [(_some("vlan, service", _EXEMPTED), "{{vlan}} {{service}}")],
        ),
        stacked(
            About(
                "Bypass attempts, by kind",
                "By VLAN and kind, a minute. A canary is a browser that asks whether it may use "
                "DNS over HTTPS: it may not. A provider is a client that looks one up.",
                12,
                8,
                PER_MINUTE,
            ),
            [(_some("vlan, kind", _BYPASS), "{{vlan}} {{kind}}")],
        ),
        lines(
            About(
                "Unknown clients refused, by instance",
                "A minute, by instance. Who they are: darban status --unknown.",
                12,
                8,
                PER_MINUTE,
            ),
            [(_by("instance", _UNKNOWN), "{{instance}}")],
        ),
    )


def _in_force(made: Dashboard) -> None:
    row(
        made,
        "The policy in force",
        number(
            About(
                "Config",
                "Whether the config in the file is in force. Not so: darban check says why.",
                4,
                4,
                COUNT,
            ),
            f"min(darban_config_ok{{{INSTANCE}}})",
            names={"1": ("in force", GOOD), "0": ("not in force", BAD)},
        ),
        number(
            About("In force since", "When the snapshot was put in force.", 4, 4, AGO),
            f"max(darban_snapshot_loaded_timestamp_seconds{{{INSTANCE}}}) * 1000",
        ),
        listing(
            About(
                "Snapshots",
                "The content of the policy, as a hash: two boxes of a pair show the same.",
                8,
                4,
                COUNT,
            ),
            f"count by (hash) (darban_snapshot_info{{{INSTANCE}}})",
            {"hash": "Snapshot", "Value": "Instances"},
        ),
        lines(
            About(
                "Reloads",
                "By result. One that was refused left the policy that was in force.",
                8,
                4,
                COUNT,
                0,
            ),
            [
                (
                    "sum by (result) "
                    f"(increase(darban_reloads_total{{{INSTANCE}}}[$__rate_interval]))",
                    "{{result}}",
                )
            ],
        ),
        listing(
            About("VLANs", "Each VLAN's policy, and whether it is enforced.", 8, 9, COUNT),
            f"group by (vlan, id, policy, mode) (darban_vlan_info{{{VLAN}}})",
            {"vlan": "VLAN", "id": "ID", "policy": "Policy", "mode": "Mode"},
        ),
        listing(
            About(
                "Exemptions, by their end",
                "How long they last still; below zero they have ended and can be removed.",
                8,
                9,
                LONG,
            ),
            "sort(min by (exemption) "
            f"(darban_exemption_end_timestamp_seconds{{{INSTANCE}}}) - time())",
            {"exemption": "Exemption", "Value": "Ends in"},
            [(0, WARN), (3 * _DAY, GOOD)],
            base=BAD,
        ),
        listing(
            About(
                "Lists, by their age",
                "Since each list was last brought up to date. More: darban lists.",
                8,
                9,
                LONG,
            ),
            "sort_desc(time() - min by (list) "
            f"(darban_list_updated_timestamp_seconds{{{INSTANCE}}}))",
            {"list": "List", "Value": "Age"},
            [(7 * _DAY, WARN), (30 * _DAY, BAD)],
            base=GOOD,
        ),
        bars(
            About("Entries of the lists", "Blocking rules.", 12, 8, COUNT, 0),
            f"topk(15, max by (list) (darban_list_entries{{{INSTANCE}}}))",
            "{{list}}",
        ),
        lines(
            About(
                "Lists that could not be brought up to date",
                "Failures; the last good content stays in use. Why: darban lists.",
                12,
                8,
                COUNT,
                0,
            ),
            [
                (
                    "sum by (list) "
                    f"(increase(darban_list_failures_total{{{INSTANCE}}}[$__rate_interval])) > 0",
                    "{{list}}",
                )
            ],
        ),
    )
