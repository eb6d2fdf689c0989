"""A query that is given up after a reload is told and counted by the policy of that moment."""

from dnslib import DNSRecord

from resolver.engine.labels import Tally
from resolver.engine.loaded_snapshot import Regime
from resolver.engine.transaction import UNKNOWN_VLAN, Forward, Source
from resolver.policy.index import Index
from resolver.policy.verdict import Outcome
from tests.scenarios.file import Scenario
from tests.scenarios.stage import BOOT, Stage, compiled

CLIENT = Source("10.20.0.5", False)
ONE_VLAN = """
[policies.p]
[vlans.only]
prefixes = ["{prefix}"]
policy = "p"
"""


def _given_up_after(prefix: str) -> tuple[Tally, int]:
    """Of the second VLAN; the config then has one alone."""
    resolver = Stage(Scenario("given up", [])).resolver
    asked = resolver.answer(bytes(DNSRecord.question("www.example.org").pack()), CLIENT, BOOT)
    assert isinstance(asked, Forward)
    assert asked.asked.view.vlan == 1
    other = compiled(ONE_VLAN.format(prefix=prefix), ())
    resolver.replace(Regime(other.terms, Index(other.trie, other.rules), 0.0))
    reply = resolver.give_up(asked)
    return reply.tally, reply.packet[3] & 15


def test_a_client_of_another_vlan_now() -> None:
    tally, rcode = _given_up_after("10.0.0.0/8")
    assert (tally.vlan, tally.outcome, rcode) == (0, Outcome.FAILED, 2)


def test_a_client_of_no_vlan_now() -> None:
    tally, rcode = _given_up_after("192.0.2.0/24")
    assert (tally.vlan, tally.outcome, rcode) == (UNKNOWN_VLAN, Outcome.REFUSED, 5)
