"""A query that is given up after a reload is answered and counted by the policy of that moment."""

from dnslib import DNSRecord

from resolver.dns.transport import UDP
from resolver.engine.labels import QueryLabels
from resolver.engine.replies import UNKNOWN_VLAN
from resolver.engine.result import PendingReply, Reply
from resolver.exchange.entry import CacheEntry
from resolver.exchange.failure import no_answer
from resolver.policy.prefixes import packed
from resolver.policy.verdict import Outcome
from tests.scenarios.file import Scenario
from tests.scenarios.stage import BOOT, Stage, loaded, snapshot_of

CLIENT = packed("10.20.0.5")
ONE_VLAN = """
[policies.p]
[vlans.only]
prefixes = ["{prefix}"]
policy = "p"
"""


def _given_up_after(prefix: str) -> tuple[QueryLabels, int]:
    """Of the second VLAN; the config then has one alone."""
    engine = Stage(Scenario("given up", [])).engine
    packet = bytes(DNSRecord.question("www.example.org").pack())
    pending = engine.answer(engine.clients.of(CLIENT, UDP), packet, BOOT)
    assert isinstance(pending, PendingReply)
    assert pending.client.view is not None
    assert pending.client.view.vlan == 1
    engine.replace(loaded(snapshot_of(ONE_VLAN.format(prefix=prefix), ()), 0.0))
    reply = engine.give_up(pending, no_answer(0))
    return reply.counter.labels, reply.packet[3] & 15


def test_a_client_of_another_vlan_now() -> None:
    labels, rcode = _given_up_after("10.0.0.0/8")
    assert (labels.vlan, labels.outcome, rcode) == (0, Outcome.FAILED, 2)


def test_a_client_of_no_vlan_now() -> None:
    labels, rcode = _given_up_after("192.0.2.0/24")
    assert (labels.vlan, labels.outcome, rcode) == (UNKNOWN_VLAN, Outcome.REFUSED, 5)


def test_an_answer_that_cannot_be_cached_is_used_after_a_reload() -> None:
    """Its query was asked under the policy before; the upstream is not asked again."""
    stage = Stage(Scenario("answered", []))
    engine = stage.engine
    packet = bytes(DNSRecord.question("www.example.org").pack())
    pending = engine.answer(engine.clients.of(CLIENT, UDP), packet, BOOT)
    assert isinstance(pending, PendingReply)
    engine.replace(loaded(snapshot_of(ONE_VLAN.format(prefix="10.0.0.0/8"), ()), 0.0))
    records = b"\xc0\x0c\x00\x01\x00\x01" + bytes(4) + b"\x00\x04" + bytes((192, 0, 2, 80))
    entry = CacheEntry(False, 0, records, (1, 0, 0), b"\x00\x06", 0, BOOT)
    reply = engine.conclude(pending, entry, BOOT)
    assert isinstance(reply, Reply)
    assert DNSRecord.parse(reply.packet).short() == "192.0.2.80"
    assert reply.counter.labels.vlan == 0
