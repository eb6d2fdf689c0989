"""Whatever octets an upstream sends, what is said of them to clients can be read by anybody."""

from dnslib import DNSError, DNSRecord
from hypothesis import given, settings

from resolver.dns import codes, render, response
from resolver.dns.transport import TCP, UDP
from resolver.engine.chain import joined
from resolver.exchange.entry import CacheEntry, make_entry, stale
from tests.dns.made_packets import any_bytes, mutated, responses
from tests.exchange.usual_responses import usual_responses

LIMITS = (512, 1232, render.TCP_SIZE)
USUAL = usual_responses().map(lambda made: made[0])


@given(any_bytes(responses) | USUAL | mutated(USUAL))
@settings(max_examples=5 * settings().max_examples)
def test_any_octets_make_replies_that_can_be_read(packet: bytes) -> None:
    found = response.scan(packet)
    if found is None:
        return
    entry = make_entry(found, 0.0, dnssec_ok=True)
    alias = alias_of(found)
    first = make_entry(alias, 0.0, dnssec_ok=True)
    if first.unfinished == found.name:
        check(alias, joined(alias.name, alias.qtype, first, entry, 0.0))
    for kept in (entry, stale(entry, 100.0)):
        check(found, kept)


def alias_of(target: response.Response) -> response.Response:
    """A response that leads to the question of another, and says no more."""
    question = b"\x05alias\x00" + target.qtype.to_bytes(2, "big") + b"\x00\x01"
    alias = render.record(render.QNAME_POINTER, codes.CNAME, 300, target.name)
    found = response.scan(b"\x00\x01\x81\x80\x00\x01\x00\x01" + bytes(4) + question + alias)
    assert found is not None
    return found


def check(asked: response.Response, entry: CacheEntry) -> None:
    """Replies of each size, at once and late."""
    question = asked.packet[codes.HEADER : asked.question_end]
    for limit in LIMITS:
        profile = render.QueryProfile(
            codes.RD,
            qtype=asked.qtype,
            has_question=True,
            has_opt=True,
            udp_size=limit,
            dnssec_ok=True,
            transport=TCP if limit == render.TCP_SIZE else UDP,
        )
        flags = profile.reply_flags | entry.rcode
        template = render.ReplyTemplate(profile, flags, entry.counts, entry.errors)
        for now in (0.0, 1e6):
            packet = template.render(b"\x00\x01", question, entry.aged(now))
            assert len(packet) <= limit
            assert response.scan(packet) is not None
            check_with_dnslib(packet)


def check_with_dnslib(packet: bytes) -> None:
    """Let dnslib read it; it takes no label that is not UTF-8."""
    try:
        DNSRecord.parse(packet)
    except UnicodeDecodeError:
        pass
    except DNSError as error:
        if "Invalid label" not in str(error):
            raise
