"""``explain``: what answers here, and how the answer of an upstream is judged."""

import datetime as dt

from resolver.analysis.explanation import Explainer, Explanation
from resolver.dns import codes, names, render
from resolver.dns.assembly import assembled
from resolver.exchange.entry import CacheEntry, make_entry
from resolver.exchange.question import UpstreamQuestion
from resolver.policy.index import Index
from tests.compiler.texts import compile_texts
from tests.policy.networks import ALLOWING, HOURLY, snapshot_of
from tests.policy.networks import CONFIG as CONFIG_WITHOUT_HOURS

TEHRAN = dt.timezone(dt.timedelta(hours=3.5))

CONFIG = """
[upstream]
servers = ["192.0.2.1"]
[policies.own]
deny = ["chat.new.example"]
[vlans.office]
prefixes = ["10.0.0.0/8"]
policy = "own"
[[forward]]
zones = ["agency.internal"]
servers = ["192.0.2.2"]
[[local]]
name = "talk.agency.example"
records = ["CNAME chat.new.example"]
[[local]]
name = "*.apps.agency.example"
records = ["A 10.0.0.40"]
"""


def dname(question: UpstreamQuestion) -> CacheEntry:
    """The answer of an upstream that sends a DNAME alone."""
    asked = question.name + question.qtype.to_bytes(2, "big") + b"\x00\x01"
    new, old = names.parse("new.example"), names.parse("old.example")
    record = render.record(old, codes.DNAME, 300, new)
    counts = (1, 0, 0) if names.is_within(question.name, old) else (0, 0, 0)
    return make_entry(assembled(0, asked, counts, record * counts[0]), 0.0, dnssec_ok=False)


def explained(name: str, qtype: int = codes.A) -> Explanation:
    snapshot = compile_texts(CONFIG)
    explainer = Explainer(snapshot.compiled, Index(snapshot.trie, snapshot.rules), 1.8e9, dname)
    return explainer.for_client("10.0.0.5", names.parse(name), qtype)


def test_the_name_that_a_dname_makes_is_judged() -> None:
    blocked = explained("chat.old.example")
    assert (blocked.outcome, blocked.matched) == ("blocked", "chat.new.example")
    assert blocked.answer == "NOERROR, by way of new.example, chat.new.example"
    assert blocked.facts()["asked now"].startswith("NOERROR, A 0.0.0.0, TTL 60")
    assert blocked.facts()["receives"] == "what is cached, else as asked now"
    assert explained("www.old.example").outcome == "passed"


def test_a_missing_forward_zone_is_named() -> None:
    for name, zone in (("local", "local"), ("dc.ad.agency.local", "agency.local")):
        step = explained(name).decided_by
        assert f'[[forward]] zones = ["{zone}"] is missing' in step


def test_the_target_of_a_local_alias_is_judged() -> None:
    blocked = explained("talk.agency.example")
    assert (blocked.outcome, blocked.matched) == ("blocked", "chat.new.example")
    assert str(blocked.decided_by) == "deny of policy own"


def test_a_wildcard_is_named() -> None:
    found = explained("one.apps.agency.example")
    assert found.outcome == "passed"
    assert found.decided_by.startswith("a local record, *.apps.agency.example: answered here")


def test_the_ds_of_a_private_forward_zone() -> None:
    found = explained("agency.internal", codes.DS)
    assert found.decided_by.startswith("the DS of a forward zone")
    assert found.receives is not None
    assert (found.receives.rcode, found.upstream) == ("NOERROR", "")


def _tehran(hour: int, minute: int = 0) -> float:
    """A moment of Tuesday, 24 November 2026."""
    return dt.datetime(2026, 11, 24, hour, minute, tzinfo=TEHRAN).timestamp()


def at(moment: float, client: str, config: str = HOURLY) -> Explanation:
    snapshot = snapshot_of(config)
    explainer = Explainer(snapshot.compiled, Index(snapshot.trie, snapshot.rules), moment)
    return explainer.for_client(client, names.parse("www.a.example"), codes.A)


def _moment(explanation: Explanation) -> float:
    return dt.datetime.fromisoformat(explanation.until).timestamp()


def test_the_hours_of_a_block_are_named_with_their_end() -> None:
    found = at(_tehran(8), "10.10.0.5")
    assert (found.outcome, found.hours, _moment(found)) == (
        "blocked",
        "within office",
        _tehran(14, 30),
    )
    assert found.decided_by == f"list one.txt, line 3; within office until {found.until}"
    assert found.facts()["hours"] == "within office"


def test_outside_of_the_hours_the_next_beginning_is_named() -> None:
    found = at(_tehran(7), "10.10.0.5")
    assert (found.outcome, found.hours, _moment(found)) == (
        "passed",
        "within office",
        _tehran(7, 30),
    )
    step = f"policy administrative blocks the service within office, from {found.until}"
    assert found.decided_by == step
    assert found.facts()["blocked"] == "within office"
    assert "hours" not in found.facts(), "it does not pass within these"


def test_the_hours_of_an_exemption_are_named_with_their_end() -> None:
    found = at(_tehran(8), "10.10.3.7")
    assert (found.outcome, found.hours, _moment(found)) == (
        "exempted",
        "within office",
        _tehran(14, 30),
    )
    assert found.decided_by == "exemption pr, within office"


def test_an_exemption_without_hours_has_its_end() -> None:
    found = at(_tehran(8), "10.10.3.7", CONFIG_WITHOUT_HOURS)
    until = dt.datetime(2027, 3, 20, 23, 59, 59, tzinfo=TEHRAN).timestamp()
    assert (found.outcome, found.hours, _moment(found)) == ("exempted", "", until)


def test_what_no_hours_decide_has_none() -> None:
    snapshot = snapshot_of(HOURLY)
    explainer = Explainer(snapshot.compiled, Index(snapshot.trie, snapshot.rules), _tehran(8))
    for name in ("b.example", "www.example", "status.a.example"):
        found = explainer.for_client("10.10.0.5", names.parse(name), codes.A)
        assert (found.hours, found.until) == ("", "")


# ---- a policy whose default is to block ----


def closed(name: str) -> Explanation:
    snapshot = snapshot_of(ALLOWING)
    explainer = Explainer(snapshot.compiled, Index(snapshot.trie, snapshot.rules), 1.8e9)
    return explainer.for_client("10.10.0.5", names.parse(name), codes.A)


def test_the_default_of_a_policy_is_named() -> None:
    found = closed("www.other.example")
    assert (found.outcome, found.service, found.rule) == ("blocked", "", "default")
    assert found.decided_by == "default of policy administrative"
    assert (found.matched, found.list, found.line) == ("www.other.example", "", None)


def test_what_opens_a_name_is_named() -> None:
    listed = closed("www.both.example")
    assert (listed.outcome, listed.service) == ("passed", "")
    assert listed.decided_by == "allow of policy administrative: list one.txt, line 4"
    assert closed("status.a.example").decided_by == "allow of policy administrative"
    forwarded = closed("www.agency.example").decided_by
    assert forwarded == (
        "a name of this network, which the default of policy administrative is not for"
    )


# ---- the answers of the national filter ----

FILTERED = compile_texts(
    CONFIG
    + """
[policies.counting]
count = ["telegram"]
[vlans.counting]
prefixes = ["10.9.0.0/16"]
policy = "counting"
""",
    {
        "national.filter": "10.10.34.34/31 # a page of the filter\n",
        "telegram": "! Title: Telegram\n! Category: messenger\n||telegram.org^\n",
    },
)


def forged(question: UpstreamQuestion) -> CacheEntry:
    """What an exchange gives for the answer of the filter."""
    asked = question.name + question.qtype.to_bytes(2, "big") + b"\x00\x01"
    record = render.record(question.name, codes.A, 86400, bytes([10, 10, 34, 35]))
    entry = make_entry(assembled(0, asked, (1, 0, 0), record), 0.0, dnssec_ok=False)
    entry.mark_filter(bytes([10, 10, 34, 35]))
    return entry


def of_filter(client: str, name: str) -> Explanation:
    explainer = Explainer(FILTERED.compiled, Index(FILTERED.trie, FILTERED.rules), 1.8e9, forged)
    return explainer.for_client(client, names.parse(name), codes.A)


def test_the_answer_of_the_national_filter_is_named_with_its_address() -> None:
    found = of_filter("10.0.0.5", "www.example.org")
    assert (found.outcome, found.matched) == ("national_filter", "10.10.34.35")
    assert found.decided_by == (
        "policy own lets the name pass; 10.10.34.35 in the answer is an address of the national "
        "filter: national.filter, line 1 (a page of the filter)"
    )
    assert found.answer == "NOERROR, by the national filter"
    assert (found.directive, found.contact, found.rule) == ("", "", "")
    assert str(found.asked_now) == (
        "NOERROR, A 10.10.34.35, TTL 60, "
        "EDE 4 answer of the national filter; not this network's policy"
    )


def test_what_a_policy_counts_stays_so_and_the_answer_says_whose_it_is() -> None:
    found = of_filter("10.9.0.5", "web.telegram.org")
    assert (found.outcome, found.service) == ("would_block", "telegram")
    assert found.answer == "NOERROR, by the national filter"
    assert found.asked_now is not None
    assert [text[:2] for text in found.asked_now.ede] == ["4 "]
