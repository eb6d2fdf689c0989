"""``explain``: what answers here, and how the answer of an upstream is judged."""

from resolver.analysis.explanation import Explainer, Explanation
from resolver.dns import codes, names, render
from resolver.dns.assembly import assembled
from resolver.engine.entry import CacheEntry, make_entry
from resolver.engine.question import UpstreamQuestion
from resolver.policy.index import Index
from tests.snapshot.texts import compile_texts

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
    explainer = Explainer(snapshot.terms, Index(snapshot.trie, snapshot.rules), 1.8e9, dname)
    return explainer.for_client("10.0.0.5", names.parse(name), qtype)


def test_the_name_that_a_dname_makes_is_judged() -> None:
    blocked = explained("chat.old.example")
    assert (blocked.outcome, blocked.matched) == ("blocked", "chat.new.example")
    assert blocked.answer == "NOERROR, by way of new.example, chat.new.example"
    assert explained("www.old.example").outcome == "passed"


def test_a_missing_forward_zone_is_named() -> None:
    for name, zone in (("local", "local"), ("dc.ad.agency.local", "agency.local")):
        step = explained(name).decided_by
        assert f'[[forward]] zones = ["{zone}"] is missing' in step


def test_the_ds_of_a_private_forward_zone() -> None:
    found = explained("agency.internal", codes.DS)
    assert found.decided_by.startswith("the DS of a forward zone")
    assert found.receives is not None
    assert (found.receives.rcode, found.upstream) == ("NOERROR", "")
