"""The short way agrees with the careful one to the octet, or stands back."""

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from resolver.engine.quick import quick_entry

from resolver.dns import codes
from resolver.dns.response import scan
from resolver.engine.entry import Entry, entry
from tests.engine.usual_responses import usual_responses

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = 5000.0


def both(packet: bytes, question: int) -> tuple[Entry | None, Entry | None]:
    qtype = int.from_bytes(packet[12 + question - 4 :][:2], "big")
    quick = quick_entry(packet, question, qtype, NOW)
    response = scan(packet)
    return quick, None if response is None else entry(response, NOW)


def has_fault(packet: bytes) -> bool:
    """Whether a packet is one that the tests at the end say the two disagree on."""
    response = scan(packet)
    return (
        response is not None
        and response.counts[0] > 0
        and any(each.rtype == codes.SOA for each in response.records)
    )


@given(usual_responses())
@settings(unhurried, max_examples=500)
def test_the_short_way_agrees_with_the_careful_one(made: tuple[bytes, int]) -> None:
    assume(not has_fault(made[0]))
    quick, careful = both(*made)
    assert quick is None or quick == careful


@given(usual_responses(), st.data())
@settings(unhurried, max_examples=300)
def test_it_agrees_on_mutated_responses(made: tuple[bytes, int], data: st.DataObject) -> None:
    packet, question = bytearray(made[0]), made[1]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(12 + question, len(packet)))
        cut = data.draw(st.integers(0, 2))
        packet[at : at + cut] = data.draw(st.binary(max_size=2) | st.just(b"\xc0\x0c"))
    assume(not has_fault(bytes(packet)))
    quick, careful = both(bytes(packet), question)
    assert quick is None or quick == careful


@given(usual_responses())
@unhurried
def test_what_is_cut_short_takes_the_careful_way(made: tuple[bytes, int]) -> None:
    packet, question = made
    assert [
        end for end in range(12 + question, len(packet)) if both(packet[:end], question)[0]
    ] == []


def response(counts: bytes, *records: bytes) -> tuple[bytes, int]:
    question = b"\x01a\x00\x00\x01\x00\x01"
    return b"\x00\x01\x81\x80\x00\x01" + counts + question + b"".join(records), len(question)


def wire(owner: bytes, rtype: int, ttl: int, data: bytes) -> bytes:
    fixed = rtype.to_bytes(2, "big") + b"\x00\x01" + ttl.to_bytes(4, "big")
    return owner + fixed + len(data).to_bytes(2, "big") + data


AT_QUESTION = b"\xc0\x0c"
ADDRESS = bytes((192, 0, 2, 80))


def test_they_agree_on_an_soa_beside_an_answer() -> None:
    soa = bytes(2) + bytes(16) + (30).to_bytes(4, "big")  # MINIMUM 30 under a TTL of 300
    records = (wire(AT_QUESTION, 1, 600, ADDRESS), wire(AT_QUESTION, 6, 300, soa))
    quick, careful = both(*response(b"\x00\x01\x00\x01\x00\x00", *records))
    assert careful is not None
    assert quick in (None, careful)


def test_they_agree_on_an_alias_of_the_root() -> None:
    alias = wire(AT_QUESTION, 5, 600, b"\x00")
    root = (0xC000 | 12 + 7 + len(alias) - 1).to_bytes(2, "big")
    quick, careful = both(*response(b"\x00\x02" + bytes(4), alias, wire(root, 1, 600, ADDRESS)))
    assert careful is not None
    assert quick in (None, careful)


def test_they_agree_on_an_alias_of_itself() -> None:
    alias = wire(AT_QUESTION, 5, 600, AT_QUESTION)
    pointer = (0xC000 | 12 + 7 + len(alias) - 2).to_bytes(2, "big")
    quick, careful = both(*response(b"\x00\x02" + bytes(4), alias, wire(pointer, 1, 600, ADDRESS)))
    assert careful is not None
    assert quick in (None, careful)


def test_more_records_than_the_careful_way_reads_are_not_taken() -> None:
    record = wire(AT_QUESTION, 1, 600, ADDRESS)
    for many in (639, 641, 1000):
        quick, careful = both(*response(many.to_bytes(2, "big") + bytes(4), *[record] * many))
        assert quick == careful
