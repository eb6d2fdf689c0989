"""What is fuzzed: each target takes any bytes, and raises where a promise is broken.

It returns what became of the bytes, in a form that tells new outcomes from known ones.
"""

from collections.abc import Callable, Hashable

from resolver.analysis.queries import detect
from resolver.analysis.queries.query import UnknownFormat
from resolver.compiler.policy import compile_snapshot
from resolver.dns import codes, query, render, response
from resolver.dns.scanned_record import all_records
from resolver.dns.transport import TCP, UDP
from resolver.engine.chain import joined
from resolver.exchange.entry import CacheEntry, make_entry, stale
from resolver.lists.formats import FORMATS
from tests.config.files_in_memory import load_text

Target = Callable[[bytes], Hashable]

_LIMITS = (512, 1232, render.TCP_SIZE)
_PROFILES: query.Profiles = {}
"""Of the queries that were taken before."""


def take_query(data: bytes) -> Hashable:
    """Any packet from a client: a query or silence; what is replied to it can be read."""
    found = query.scan(data, {})
    again = query.scan(data, _PROFILES)
    if found is None or again is None:
        assert found is again is None, "what was scanned before has changed something"
        return None
    assert _facts(found) == _facts(again), "what was scanned before has changed something"
    profile = found.profile
    assert found.ident == data[:2]
    assert data.startswith(found.question, codes.HEADER)
    for limit in _LIMITS:
        packet = _rendered(profile, limit, codes.REFUSED, found.question, b"", (0, 0, 0))
        assert packet[:2] == b"\x00\x01"
        assert packet[2] & 0x80
        if found.question:
            assert response.scan(packet) is not None, "what this server says can be read"
    if profile.rcode != codes.NOERROR:
        return ("malformed", profile.rcode, profile.has_opt, bool(found.question))
    assert found.name == found.question[:-4].lower()
    assert len(found.name) <= 255
    return ("query", profile.has_opt, profile.qtype in codes.TYPES, found.name.count(0))


def _facts(found: query.Query) -> tuple[object, ...]:
    profile = found.profile
    return (
        *(found.ident, found.name, found.question, profile.flags, profile.rcode, profile.qtype),
        *(profile.has_question, profile.has_opt, profile.dnssec_ok, profile.limit, profile.key),
        *(profile.reply_flags, profile.wants_ad),
    )


def _rendered(
    asked: render.QueryProfile,
    limit: int,
    rcode: int,
    question: bytes,
    records: bytes,
    counts: render.Counts,
    errors: tuple[bytes, ...] = (),
) -> bytes:
    """A reply to a query like this one, of so many octets at the most."""
    profile = render.QueryProfile(
        asked.flags,
        qtype=asked.qtype,
        has_question=bool(question),
        has_opt=asked.has_opt,
        udp_size=limit,
        dnssec_ok=asked.dnssec_ok,
        transport=TCP if limit == render.TCP_SIZE else UDP,
    )
    template = render.ReplyTemplate(profile, profile.reply_flags | rcode, counts, errors)
    packet = template.render(b"\x00\x01", question, records)
    assert len(packet) <= limit, (len(packet), limit)
    return packet


def take_response(data: bytes) -> Hashable:
    """Any packet from an upstream: kept, aged, rendered and joined, or not taken at all."""
    found = response.scan(data)
    if found is None:
        return None
    entry = make_entry(found, 0.0, dnssec_ok=True)
    _render(found, stale(entry, 100.0))
    alias = _alias_of(found)
    first = make_entry(alias, 0.0, dnssec_ok=True)
    if first.unfinished == found.name:
        _render(alias, joined(alias.name, alias.qtype, first, entry, 0.0))
    _render(found, entry)
    return (
        found.rcode,
        found.has_opt,
        bool(entry.unfinished),
        entry.lifetime > 0,
        found.is_indirect,
        len(entry.targets),
        entry.counts != found.counts,
        frozenset(record.rtype for record in all_records(found)),
    )


def _alias_of(target: response.Response) -> response.Response:
    """A response that leads to the question of another, and says no more."""
    question = b"\x05alias\x00" + target.qtype.to_bytes(2, "big") + b"\x00\x01"
    alias = render.record(render.QNAME_POINTER, codes.CNAME, 300, target.name)
    found = response.scan(b"\x00\x01\x81\x80\x00\x01\x00\x01" + bytes(4) + question + alias)
    assert found is not None
    return found


def _render(asked: response.Response, entry: CacheEntry) -> None:
    question = asked.packet[codes.HEADER : asked.question_end]
    profile = render.QueryProfile(codes.RD, qtype=asked.qtype, has_opt=True, dnssec_ok=True)
    for now in (0.0, 1e6):
        records = entry.aged(now)
        for limit in _LIMITS:
            packet = _rendered(
                profile, limit, entry.rcode, question, records, entry.counts, entry.errors
            )
            assert response.scan(packet) is not None, "what this server says can be read"


def take_config(data: bytes) -> Hashable:
    """Any file as config.toml: understood or complained about; what is understood compiles."""
    loaded = load_text(data)
    texts = [str(problem) for problem in loaded.problems]
    if not any(problem.severity == "error" for problem in loaded.problems):
        _, more = compile_snapshot(loaded, [])
        texts += [str(problem) for problem in more]
    return len(texts), frozenset(len(text) // 16 for text in texts)


def take_list(data: bytes) -> Hashable:
    """Any file as a block list of every format: each line is a rule, or skipped with the reason."""
    text = data.decode("utf-8", errors="replace")
    reads = [read(text, "service", "list.txt") for read in FORMATS.values()]
    return tuple((len(read.rules), len(read.skipped)) for read in reads)


def take_questions(data: bytes) -> Hashable:
    """Any file of questions: each is counted or skipped with the reason, or none is read."""
    try:
        asked = detect.read(data)
    except UnknownFormat:
        return None
    return len(asked.counts), frozenset(asked.skipped)


TARGETS: dict[str, Target] = {
    "query": take_query,
    "response": take_response,
    "config": take_config,
    "list": take_list,
    "questions": take_questions,
}
