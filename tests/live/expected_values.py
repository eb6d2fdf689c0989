"""What each panel, rule and alert must show for a server that was asked known questions."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from resolver import __version__
from tests.live.prometheus import Labels, Prometheus, Vector
from tests.live.server import Server
from tests.live.watched_load import Asked, Question
from tests.watching.expressions import Expression

WINDOW = 300.0
"""Seconds; longer than the test, and as the alerts have it."""


@dataclass(frozen=True)
class Watched:
    """A server that was asked, the Prometheus that watches it, and the client's account."""

    server: Server
    prometheus: Prometheus
    asked: Asked
    at: float
    """The moment of a scrape that has all that was asked."""
    ends: Mapping[str, float]
    """When the exemptions end."""
    site: str
    instance: str
    upstream: str
    dead: str

    def evaluate(self, expression: str) -> Vector:
        """An expression's values, with a dashboard's variables as they are at first.

        Recorded series are asked for now: they are there only after what they add up.
        """
        text = expression
        for name, value in (
            ("$__rate_interval", f"{WINDOW:.0f}s"),
            ("$__range", f"{WINDOW:.0f}s"),
            ("$instance", ".*"),
            ("$vlan", ".*"),
            ("$service", ".*"),
        ):
            text = text.replace(name, value)
        assert "$" not in text
        recorded = re.search(r"\b\w+:darban_", text)
        return self.prometheus.vector(text, None if recorded else self.at)


def _is(*outcomes: str) -> Callable[[Question], bool]:
    return lambda question: question.outcome in outcomes


def _key(**labels: str) -> Labels:
    return tuple(sorted(labels.items()))


def _of(vector: Mapping[Labels, float], times: float) -> Vector:
    return {labels: value * times for labels, value in vector.items()}


def _ratio(over: Mapping[Labels, float], under: Mapping[Labels, float]) -> Vector:
    return {labels: over.get(labels, 0) / value for labels, value in under.items() if value}


Expected = Vector | Callable[[Vector], bool]
"""The values that are not 0, or what must hold of all."""

PER_MINUTE, PER_SECOND = 60 / WINDOW, 1 / WINDOW


def _policy(w: Watched) -> dict[str, Expected]:
    asked, blocked = w.asked, _is("blocked")
    known = asked.total(lambda question: question.vlan != "unknown")
    by_vlan = asked.by("vlan", which=lambda question: question.vlan != "unknown")
    unknown = {_key(instance=w.instance): asked.total(_is("refused"))}
    return {
        "Blocked A": {(): asked.total(blocked)},
        "Share blocked A": {(): asked.total(blocked) / known},
        "Would be blocked A": {(): asked.total(_is("would_block"))},
        "Exempted A": {(): asked.total(_is("exempted"))},
        "Bypass attempts A": {(): asked.total(lambda question: bool(question.kind))},
        "Unknown clients refused A": {(): asked.total(_is("refused"))},
        "Blocked, by VLAN A": _of(asked.by("vlan", which=blocked), PER_MINUTE),
        "Blocked, by service A": _of(asked.by("service", which=blocked), PER_MINUTE),
        "Top services A": asked.by("service", which=blocked),
        "By VLAN and service A": asked.by("vlan", "service", which=blocked),
        "Share blocked, by VLAN A": {
            labels: value
            for labels, value in _ratio(asked.by("vlan", which=blocked), by_vlan).items()
            if value
        },
        "Would be blocked, only counted A": _of(
            asked.by("vlan", "service", which=_is("would_block")), PER_MINUTE
        ),
        "Exempted, over time A": _of(
            asked.by("vlan", "service", which=_is("exempted")), PER_MINUTE
        ),
        "Around DNS, by VLAN and way A": _of(
            asked.by("vlan", "kind", which=lambda question: bool(question.kind)), PER_MINUTE
        ),
        "Answered by the national filter, by VLAN A": {},
        "Unknown clients refused, by instance A": _of(unknown, PER_MINUTE),
        "Config A": {(): 1},
        "In force since A": lambda got: 0 < w.at - got[()] / 1000 < WINDOW,
        "Lists reviewed A": lambda got: 0 < got[()] / 1000 < w.at,
        "Policies A": lambda got: list(got.values()) == [1],
        "Snapshots A": lambda got: (
            [dict(key)["hash"] for key in got]
            == [path.name for path in (w.server.state / "snapshots").iterdir()]
        ),
        "Histories A": lambda got: list(got.values()) == [1],
        "Reloads A": lambda got: not any(got.values()),
        "VLANs A": {
            _key(vlan=vlan, id=number, policy=policy, mode=mode): 1
            for vlan, number, policy, mode in (
                ("administration", "10", "administrative", "enforce"),
                ("audited", "30", "auditing", "audit"),
                ("publicity", "20", "publicity", "enforce"),
            )
        },
        "Exemptions, by their end A": {
            _key(exemption=name): end - w.at for name, end in w.ends.items()
        },
        "Lists, by their age A": lambda got: all(age > 0 for age in got.values()),
        "Entries of the lists A": lambda got: len(got) == 15 and min(got.values()) > 0,
    }


def _quick(got: Vector) -> bool:
    """Whether all latencies are a few seconds at most."""
    return all(0 < value < 5 for value in got.values())


def _health(w: Watched) -> dict[str, Expected]:
    asked = w.asked
    answered = asked.total()
    failed = asked.by("vlan", which=_is("failed"))
    here = {_key(instance=w.instance): 1.0}
    looked_up = _is("passed", "exempted", "would_block", "failed")
    # Looked for: once in vain, and then found.
    looks = {question: count for question, count in asked.counts.items() if looked_up(question)}
    hits = sum(count - 1 for count in looks.values())
    answers = sum(question.outcome != "failed" for question in looks)
    sent = {
        _key(upstream=w.upstream, result="answered"): answers,
    }
    return {
        "Not reached A": {},
        "Workers missing A": {},
        "Queries a second A": {(): answered * PER_SECOND},
        "SERVFAIL A": {(): sum(failed.values()) / answered},
        "99 of 100 within A": _quick,
        "Upstreams down A": {(): 1},
        "Dropped A": {},
        "Version A": {_key(instance=w.instance, version=__version__): 1},
        "Queries, by outcome A": _of(asked.by("outcome"), PER_SECOND),
        "Responses, by rcode A": _of(asked.by("rcode"), PER_SECOND),
        "Queries, by type and by transport A": _of(asked.by("type"), PER_SECOND),
        "Queries, by type and by transport B": {_key(transport="udp"): asked.total() * PER_SECOND},
        "Queries, by VLAN A": _of(asked.by("vlan"), PER_SECOND),
        "SERVFAIL, by VLAN A": _ratio(
            failed, asked.by("vlan", which=lambda q: q.vlan == "publicity")
        ),
        **{f"Latency, of all answers {letter}": _quick for letter in "ABC"},
        "Answers, by latency A": lambda got: got[_key(le="+Inf")] == answered,
        "99 of 100 answers within, by path A": lambda got: len(got) == 2 and _quick(got),
        "Answers, by path A": lambda got: math.isclose(sum(got.values()), answered * PER_SECOND),
        "Cache hit rate A": {_key(instance=w.instance): hits / (hits + len(looks))},
        "Answers in the cache A": {_key(instance=w.instance): answers},
        "Size of the cache A": lambda got: 50 * answers < got[_key(instance=w.instance)] < 1e6,
        "Queries to upstreams, by result A": lambda got: (
            _of(sent, PER_SECOND).items() <= got.items()
        ),
        "Latency of upstreams A": lambda got: _quick(
            {k: v for k, v in got.items() if dict(k)["upstream"] == w.upstream}
        ),
        "Latency of upstreams B": lambda got: _quick(
            {k: v for k, v in got.items() if dict(k)["upstream"] == w.upstream}
        ),
        "Queries to upstreams, by result B": {},
        "Queries to upstreams, by result C": {},
        "Upstreams up, and the link abroad A": {_key(upstream=w.upstream): 1},
        "Upstreams up, and the link abroad B": _of(here, 1),
        "Workers A": _of(here, 2),
        "Workers B": _of(here, 2),
        "Workers replaced A": {},
        "Memory A": lambda got: len(got) == 2 and min(got.values()) > 1e7,
        "Dropped by the kernel A": {},
        "Faults, by kind A": lambda got: got[_key(kind="upstream_down")] == 1,
        "Block log records lost A": {},
        "Below .local and .internal, without [[forward]] A": {},
    }


def _rules(w: Watched) -> dict[str, Expected]:
    asked, node = w.asked, {"site": w.site, "instance": w.instance}
    return {
        "site_vlan:darban_blocked_queries:increase1h": {
            _key(**dict(labels), site=w.site): count
            for labels, count in asked.by("vlan", which=_is("blocked")).items()
        },
        "site_instance:darban_unknown_clients:rate5m": {
            _key(**node): asked.total(_is("refused")) * PER_SECOND
        },
        "site_instance:darban_failed_responses:ratio_rate5m": {
            _key(**node): asked.total(_is("failed")) / asked.total()
        },
        "site_instance_vlan:darban_failed_responses:ratio_rate5m": {
            _key(**node, vlan="publicity"): asked.total(_is("failed"))
            / asked.total(lambda question: question.vlan == "publicity")
        },
        "site_instance:darban_link_cut:avg10m": {},
        "DarbanFault": lambda got: all(dict(key)["kind"] == "clock_wrong" for key in got),
        "DarbanUpstreamDown": lambda got: (
            list(got)
            == [_key(__name__="darban_upstream_up", upstream=w.dead, job="darban", **node)]
        ),
    }


EMPTY = {
    "DarbanDown": "it is up",
    "DarbanRestarts": "it has started once, and no worker has ended",
    "DarbanNotAnswering": "both workers are there, and its address is",
    "DarbanConfigNotInForce": "the config is in force, and nobody has reloaded",
    "DarbanServfail": "fewer than one in twenty fail, and fewer than half on each VLAN",
    "DarbanQueriesDropped": "no query was dropped",
    "DarbanWrongDecision": "its workers decide as its config expects",
    "health: Days of the certificate of DNS over TLS A": "it serves no DNS over TLS",
    "health: Queries to upstreams, by result B": "it has no fallback servers",
    "health: Queries to upstreams, by result C": "each query has one answer",
    "policy: Around DNS, by VLAN and way B": "no gateway redirects queries to it",
    "policy: Answered by the national filter, by VLAN A": "no filter is before its upstream",
    "DarbanFault": "it has no such fault, unless the clock of this host is not synchronised",
    "DarbanLinkCut": "the link abroad was not cut",
    "DarbanBlockPageDown": "it has no block page",
    "DarbanPolicyRefused": "the policy does not come from git",
    "DarbanPolicyStale": "the policy does not come from git",
    "DarbanZonesDiffer": "no zones are written",
    "DarbanListFault": "no list is to be fetched",
    "DarbanPolicyDrift": "it is the only server",
    "DarbanExemptionEnding": "no exemption has been in force for three days",
    "DarbanBlocksWhatIsExempt": "nothing was blocked on publicity",
    "DarbanBlocksFellToNothing": "there was no week before",
    "DarbanUnknownClients": "fewer than one query in two seconds is refused",
    "health: Zones not served A": "no zones are written",
    "policy: Lists, by their age A": "no list is fetched",
    "policy: List updates that failed A": "no list failed",
}
"""The expressions that give nothing while all is well, each with the reason."""


def expected_values(w: Watched) -> dict[str, Expected]:
    return {
        **{name: {} for name in EMPTY},
        **{f"policy: {name}": values for name, values in _policy(w).items()},
        **{f"health: {name}": values for name, values in _health(w).items()},
        **_rules(w),
    }


def faults(expression: Expression, got: Vector, expected: Expected) -> Iterator[str]:
    if not got and expression.where not in EMPTY:
        yield "no data"
    elif callable(expected):
        if not expected(got):
            yield f"got {got}"
    else:
        got = {labels: value for labels, value in got.items() if value}
        if got.keys() != expected.keys():
            yield f"got {got}, expected {expected}"
        for labels in got.keys() & expected.keys():
            if not math.isclose(got[labels], expected[labels], rel_tol=1e-6):
                yield f"{dict(labels)}: got {got[labels]}, expected {expected[labels]}"
