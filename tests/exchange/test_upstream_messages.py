"""What is sent to upstreams, and which packets are taken for its answer."""

import pytest
from dnslib import DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import names
from resolver.dns.render import QueryProfile
from resolver.dns.response_match import answers
from resolver.exchange.edns import padded, without_edns
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.upstream_query import QUESTION_AT, render_query

NAME = names.parse("www.example.org")
IDENT = 0x1234
QUESTION = NAME + b"\x00\x41\x00\x01"
HEADER = b"\x12\x34\x81\x80\x00\x01" + bytes(6)


def asked(do: bool = False, cd: bool = False) -> UpstreamQuestion:
    profile = QueryProfile(0x0110 if cd else 0x0100, qtype=65, has_opt=do, dnssec_ok=do)
    return UpstreamQuestion(NAME, profile, b"any group")


def test_a_query_carries_nothing_of_the_client_s() -> None:
    sent = DNSRecord.parse(b"\x12\x34" + render_query(asked()))
    assert (sent.header.qr, sent.header.opcode, sent.header.rd, sent.header.ad) == (0, 0, 1, 1)
    assert (sent.header.cd, sent.header.aa, sent.header.tc) == (0, 0, 0)
    assert str(sent.q.qname) == "www.example.org."
    assert (sent.q.qtype, sent.q.qclass) == (65, 1)
    (opt,) = sent.ar
    assert (opt.edns_len, opt.edns_ver, opt.edns_do, opt.rdata) == (1232, 0, 0, [])


@given(st.booleans(), st.booleans())
def test_do_and_cd_are_as_the_client_had_them(do: bool, cd: bool) -> None:
    sent = DNSRecord.parse(b"\x12\x34" + render_query(asked(do, cd)))
    assert (bool(sent.ar[0].edns_do), bool(sent.header.cd)) == (do, cd)


def test_without_edns_only_the_opt_is_gone() -> None:
    sent = DNSRecord.parse(b"\x12\x34" + without_edns(render_query(asked())))
    assert (sent.ar, str(sent.q.qname), sent.q.qtype) == ([], "www.example.org.", 65)


@given(st.integers(1, 63), st.booleans())
def test_over_tls_a_query_with_edns_has_a_multiple_of_128_octets(length: int, do: bool) -> None:
    profile = QueryProfile(0x0100, qtype=65, has_opt=do, dnssec_ok=do)
    name = bytes((length,)) + b"a" * length + NAME
    query = render_query(UpstreamQuestion(name, profile, b""))
    sent = b"\x12\x34" + padded(query)
    assert len(sent) % 128 == 0
    [opt] = DNSRecord.parse(sent).ar
    [padding] = opt.rdata
    assert (padding.code, set(padding.data)) in ((12, {0}), (12, set()))
    assert bool(opt.edns_do) == do
    assert padded(without_edns(query)) == without_edns(query)


def test_the_question_stands_where_it_is_said_to() -> None:
    assert render_query(asked())[QUESTION_AT:].startswith(QUESTION)


def test_the_answer_is_taken_whatever_its_letters_case() -> None:
    assert answers(HEADER + QUESTION, IDENT, QUESTION)
    assert answers(HEADER + QUESTION[:-4].upper() + QUESTION[-4:], IDENT, QUESTION)


MISMATCHES = {
    "another ID": b"\x12\x35" + HEADER[2:] + QUESTION,
    "a query": HEADER[:2] + b"\x01\x00" + HEADER[4:] + QUESTION,
    "another opcode": HEADER[:2] + b"\xa9\x80" + HEADER[4:] + QUESTION,
    "no question": HEADER[:4] + bytes(8),
    "two questions": HEADER[:4] + b"\x00\x02" + HEADER[6:] + QUESTION * 2,
    "another name": HEADER + QUESTION.replace(b"www", b"wwx"),
    "a longer name": HEADER + b"\x01a" + QUESTION,
    "another type": HEADER + QUESTION[:-4] + b"\x00\x01\x00\x01",
    "another class": HEADER + QUESTION[:-2] + b"\x00\x03",
    "a type that is a letter's other case": HEADER + QUESTION[:-4] + b"\x00\x61\x00\x01",
    "a name that is a pointer": HEADER + b"\xc0\x0c" + QUESTION[-4:],
    "a question cut short": (HEADER + QUESTION)[:-1],
    "nothing": b"",
}


@pytest.mark.parametrize("packet", MISMATCHES.values(), ids=list(MISMATCHES))
def test_what_answers_another_query_is_not_taken(packet: bytes) -> None:
    assert not answers(packet, IDENT, QUESTION)
