"""Two answers to one query: which differ, and which are an answer of the national filter."""

import pytest
from dnslib import RCODE, RR, DNSRecord

from resolver.exchange.second_answer import NATIONAL_FILTER, OTHER, SAME, difference
from tests.exchange.filtered import FILTER, FILTERED


def query(name: str) -> DNSRecord:
    asked = DNSRecord.question(name)
    asked.header.id = 1
    return asked


QUERY, ELSEWHERE = query("www.example.com"), query("other.example")


def answer(*data: str, rcode: int = 0, truncated: bool = False, of: DNSRecord = QUERY) -> bytes:
    message = of.reply()
    message.header.rcode, message.header.tc = rcode, int(truncated)
    message.add_answer(*(rr for text in data for rr in RR.fromZone(f"{of.q.qname} {text}")))
    return bytes(message.pack())


ONE, TWO, FORGED = answer("60 A 192.0.2.1"), answer("60 A 192.0.2.2"), answer(f"60 A {FILTERED}")


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (FORGED, ONE, NATIONAL_FILTER),
        (ONE, FORGED, NATIONAL_FILTER),
        (FORGED, answer(rcode=RCODE.NXDOMAIN), NATIONAL_FILTER),
        (ONE, TWO, OTHER),
        (ONE, answer("60 A 192.0.2.1", "60 A 192.0.2.2"), OTHER),
        (ONE, answer(rcode=RCODE.SERVFAIL), OTHER),
        (ONE, answer("59 A 192.0.2.1"), SAME),
        (
            answer("60 A 192.0.2.1", "60 A 192.0.2.2"),
            answer("60 A 192.0.2.2", "60 A 192.0.2.1"),
            SAME,
        ),
        (FORGED, answer(f"5 A {FILTERED}"), SAME),
        (ONE, answer(truncated=True), SAME),
        (answer(truncated=True), ONE, SAME),
        (ONE, answer("60 A 192.0.2.2", of=ELSEWHERE), SAME),
        (ONE, TWO[:-1], SAME),
        (ONE, b"", SAME),
        (TWO[:-1], ONE, SAME),
        (ONE, bytes(QUERY.pack()), SAME),
    ],
)
def test_two_answers_differ_by_rcode_or_addresses(first: bytes, second: bytes, kind: str) -> None:
    assert difference(first, second, FILTER) == kind


def test_where_no_filter_can_be_two_answers_only_differ() -> None:
    assert difference(FORGED, ONE, None) == OTHER
