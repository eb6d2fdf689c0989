"""Answers in a capture: their targets are judged, and a blocked reply is no answer."""

import pytest
from dnslib import EDNS0, QTYPE, RR, DNSRecord, EDNSOption

from resolver.analysis.explanation import Explainer
from resolver.analysis.queries import detect
from resolver.analysis.queries.query import QueryCounts
from resolver.analysis.replay import Replay
from resolver.dns import names
from resolver.policy.index import Index
from tests.analysis.made_captures import ETHERNET, V4, ip, on_link, pcap, question, tcp, udp
from tests.policy.networks import CONFIG, compiled

PORTS = frozenset({53})
SINKHOLE = bytes([10, 9, 9, 9])
WALL = 1.8e9
OLD = CONFIG.replace('block = ["@messenger"]', "block = []")
assert OLD != CONFIG


def answer(name: str, rtype: str, *records: str, rcode: int = 0, ede: int | None = None) -> bytes:
    """A response with these records, each a line of a zone."""
    reply = DNSRecord.question(name, rtype).reply()
    reply.header.rcode = rcode
    for record in records:
        section = reply.add_auth if " SOA " in record else reply.add_answer
        section(*RR.fromZone(record))
    if ede is not None:
        reply.add_ar(EDNS0(opts=[EDNSOption(15, ede.to_bytes(2, "big") + b"why")]))
    packed: bytes = reply.pack()
    return packed


def exchanged(*answers: bytes) -> bytes:
    """A capture of queries for web.example and of what a server sends."""
    frames = [on_link(ETHERNET, ip(V4, udp(question("web.example", "A"))))]
    frames += [on_link(ETHERNET, ip("10.0.0.1", udp(each, from_port=53))) for each in answers]
    return pcap(ETHERNET, frames)


def replayed(capture: bytes) -> Replay:
    """The capture, tried on a policy that blocks nothing and on one that blocks @messenger."""
    counts = QueryCounts(frozenset({SINKHOLE}))
    list(detect.read(capture, counts, PORTS))
    assert not counts.skipped
    old, new = (
        Explainer(each.terms, Index(each.trie, each.rules), WALL, counts.answers.ask)
        for each in (compiled(OLD), compiled(CONFIG))
    )
    replay = Replay(old, new, "administration")
    list(replay.run(counts.counts))
    return replay


ALIAS = "web.example. 60 CNAME www.a.example."
TO_X, X_TO_A = "web.example. 60 CNAME x.example.", "x.example. 60 CNAME a.example."
SUNK = "web.example. 60 A 10.9.9.9"


@pytest.mark.parametrize(
    "answers",
    [
        [answer("web.example", "A", ALIAS, "www.a.example. 60 A 192.0.2.1")],
        [answer("web.example", "A", TO_X, X_TO_A)],
        [answer("web.example", "A", TO_X), answer("x.example", "A", X_TO_A)],
        [answer("web.example", "AAAA", ALIAS)],
        [answer("web.example", "A", ALIAS, rcode=3)],
        [answer("web.example", "ANY", ALIAS)],
        [answer("web.example", "A", SUNK), answer("web.example", "A", ALIAS)],
    ],
    ids=["alias", "chain", "chain in two", "another type", "to no name", "ANY", "after a block"],
)
def test_a_target_that_the_new_policy_blocks(answers: list[bytes]) -> None:
    replay = replayed(exchanged(*answers))
    [(change, queries)] = replay.changes.items()
    assert (change.old, change.new, change.service) == ("passed", "blocked", "one")
    assert queries == {(names.parse("web.example"), QTYPE.A): 1}
    assert replay.targets_unknown == 0


NEGATIVE = "example. 60 SOA ns.example. hostmaster.example. 1 3600 600 86400 60"


@pytest.mark.parametrize(
    "answers",
    [
        [answer("web.example", "A", "web.example. 60 A 192.0.2.1")],
        [answer("web.example", "A", NEGATIVE)],
        [answer("web.example", "A", NEGATIVE, rcode=3)],
        [answer("web.example", "TXT", "web.example. 60 TXT x")],
        [answer("web.example", "A", TO_X, "x.example. 60 A 10.9.9.9")],
    ],
    ids=["address", "no data", "no name", "another type", "an alias to a sinkhole"],
)
def test_an_answer_whose_targets_pass(answers: list[bytes]) -> None:
    replay = replayed(exchanged(*answers))
    assert not replay.changes
    assert replay.targets_unknown == 0


OWN = "web.example. 60 SOA web.example. nobody.invalid. 1 3600 1200 604800 60"


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [answer("other.example", "A", ALIAS)],
        [answer("web.example", "HTTPS", "web.example. 60 HTTPS 1 . alpn=h2")],
        [answer("web.example", "ANY", 'web.example. 60 HINFO "RFC8482" ""')],
        [answer("web.example", "A", "web.example. 60 A 0.0.0.0")],
        [answer("web.example", "A", SUNK)],
        [answer("web.example", "AAAA", "web.example. 60 AAAA ::")],
        [answer("web.example", "A", "web.example. 60 A 198.51.100.1", ede=16)],
        [answer("web.example", "A", OWN)],
        [answer("web.example", "A", OWN, rcode=3)],
        [answer("web.example", "A", rcode=5)],
        [answer("web.example", "A", TO_X)],
        [b"\x00\x00\x80\x00rubbish"],
    ],
)
def test_what_is_no_answer_leaves_the_targets_unknown(answers: list[bytes]) -> None:
    replay = replayed(exchanged(*answers))
    assert not replay.changes
    assert replay.targets_unknown == 1


def test_answers_over_tcp_count_and_those_that_are_cut_are_no_fault() -> None:
    whole = answer("web.example", "A", ALIAS)
    cut = on_link(ETHERNET, ip("10.0.0.1", udp(whole, from_port=53)))[:60]
    parts = on_link(ETHERNET, ip("10.0.0.1", (6, tcp([whole], from_port=53)[1][:40])))
    over_tcp = on_link(ETHERNET, ip(V4, tcp([whole], from_port=53)))
    asked = on_link(ETHERNET, ip(V4, udp(question("web.example"))))
    assert replayed(pcap(ETHERNET, [asked, cut, parts])).targets_unknown == 1
    assert replayed(pcap(ETHERNET, [asked, over_tcp])).changes
