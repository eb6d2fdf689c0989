"""Zones of private networks are empty here (RFC 6303, 7793, 8375, 9665)."""

import pytest
from dnslib import QTYPE, RCODE, DNSRecord

from resolver.dns.transport import UDP
from resolver.engine.result import Reply
from resolver.policy.prefixes import packed
from tests.scenarios.file import Scenario
from tests.scenarios.stage import BOOT, Stage

_RANGES = "0 10 16.172 31.172 168.192 64.100 127.100 254.169 2.0.192 100.51.198 113.0.203"
ZONES = [
    *(f"{text}.in-addr.arpa" for text in (*_RANGES.split(), "255.255.255.255")),
    *(f"{text}.ip6.arpa" for text in ("d.f", "8.e.f", "9.e.f", "a.e.f", "b.e.f")),
    *("8.b.d.0.1.0.0.2.ip6.arpa", "home.arpa", "service.arpa"),
]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("below", "rcode"), [("", "NOERROR"), ("1.", "NXDOMAIN")])
def test_a_zone_is_empty(zone: str, below: str, rcode: str) -> None:
    engine = Stage(Scenario("empty zones", [])).engine
    packet = bytes(DNSRecord.question(f"{below}{zone}", "PTR").pack())
    result = engine.answer(engine.clients.of(packed("10.10.0.5"), UDP), packet, BOOT)
    assert isinstance(result, Reply)
    reply = DNSRecord.parse(result.packet)
    assert (RCODE[reply.header.rcode], reply.rr) == (rcode, [])
    assert [(str(record.rname), QTYPE[record.rtype]) for record in reply.auth] == [
        (f"{zone}.", "SOA")
    ]
