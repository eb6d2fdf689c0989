"""What is fuzzed: each target takes any bytes, and raises where a promise is broken.

It returns what became of the bytes, in a form that tells new outcomes from known ones.
"""

from collections.abc import Callable, Hashable

from resolver.analysis.queries import detect
from resolver.analysis.queries.query import QueryCounts, UnknownFormat
from resolver.dns import codes, query, render, response
from resolver.engine.entry import Entry, entry, joined, render_entry, stale
from resolver.engine.quick import quick_entry
from resolver.engine.upstream_query import answers
from resolver.lists.formats import FORMATS
from resolver.snapshot.policy import compile_snapshot
from tests.config.files_in_memory import load_text

Target = Callable[[bytes], Hashable]

_ALIAS = response.scan(
    bytes.fromhex(
        "000081800001000100000000"
        "05616c696173076578616d706c650000010001"
        "c00c000500010000012c0006037777 77c012".replace(" ", "")
    )
)
_LIMITS = (512, 1232, render.TCP_SIZE)


def take_query(data: bytes) -> Hashable:
    """Any packet from a client: a query, a fault or silence; what is said to it can be read."""
    found = query.scan(data)
    if found is None:
        return None
    if isinstance(found, query.Fault):
        for limit in _LIMITS:
            packet = render.fault(found, limit)
            assert len(packet) <= limit
            assert packet[:2] == data[:2]
            assert packet[2] & 0x80
        return ("fault", found.rcode, found.edns is not None, bool(found.question))
    assert data.startswith(found.question, query.HEADER)
    assert found.name == found.question[:-4].lower()
    assert len(found.name) <= 255
    for limit in _LIMITS:
        packet = render.reply(found, codes.REFUSED, render.EMPTY, limit)
        assert len(packet) <= limit
        assert response.scan(packet) is not None, "what this server says can be read"
    return ("query", found.edns is not None, found.qtype in codes.TYPES, found.name.count(0))


def take_response(data: bytes) -> Hashable:
    """Any packet from an upstream: kept, aged, told and joined, or not taken at all."""
    found = response.scan(data)
    quick = _take_quickly(data)
    if found is None:
        assert quick is None, "what cannot be read was taken"
        return None
    kept = entry(found, 0.0)
    assert quick is None or quick == kept, (quick, kept)
    _tell(found, kept)
    _tell(found, stale(kept, 100.0))
    assert _ALIAS is not None
    _tell(_ALIAS, joined(entry(_ALIAS, 0.0), kept, 0.0))
    return (
        found.rcode,
        found.has_opt,
        bool(kept.unfinished),
        kept.lifetime > 0,
        quick is not None,
        len(kept.targets),
        kept.counts != found.counts,
        frozenset(record.rtype for record in found.records),
    )


def _take_quickly(data: bytes) -> Entry | None:
    """The entry by the short way, as it is gone once the question has been matched."""
    end = query.HEADER
    while end < len(data) and 0 < data[end] < 64:
        end += 1 + data[end]
    question = data[query.HEADER : end + 5].lower()
    if len(question) > 259 or not answers(data, int.from_bytes(data[:2], "big"), question):
        return None
    if question[-2:] != b"\x00\x01" or data[end : end + 1] != b"\x00":
        return None
    qtype = int.from_bytes(question[-4:-2], "big")
    if data[end + 1 : end + 5] != question[-4:] or not qtype:
        return None  # lowering the case has changed the type; nobody can ask for type 0
    return quick_entry(data, len(question), qtype, 0.0)


def _tell(asked: response.Response, kept: Entry) -> None:
    question = asked.body[query.HEADER : query.HEADER + len(asked.name) + 4]
    edns = query.Edns(1232, True)
    asking = query.Query(1, codes.RD, asked.name, asked.qtype, asked.qclass, question, edns)
    for limit in _LIMITS:
        for now in (0.0, 1e6):
            packet = render_entry(asking, kept, now, limit)
            assert len(packet) <= limit, (len(packet), limit)
            assert response.scan(packet) is not None, "what this server says can be read"


def take_config(data: bytes) -> Hashable:
    """Any file as config.toml: understood or complained about; what is understood compiles."""
    loaded = load_text(data)
    texts = [str(problem) for problem in loaded.problems]
    if not any(problem.severity == "error" for problem in loaded.problems):
        _, more = compile_snapshot(loaded.config, loaded.provenance, [])
        texts += [str(problem) for problem in more]
    return len(texts), frozenset(len(text) // 16 for text in texts)


def take_list(data: bytes) -> Hashable:
    """Any file as a block list of every format: each line is a rule, or skipped with the reason."""
    text = data.decode("utf-8", errors="replace")
    reads = [read(text, "service", "list.txt") for read in FORMATS.values()]
    return tuple((len(read.rules), len(read.skipped)) for read in reads)


def take_questions(data: bytes) -> Hashable:
    """Any file of questions: each is counted or skipped with the reason, or none is read."""
    asked = QueryCounts()
    try:
        for place in detect.read(data, asked, frozenset({53})):
            assert place <= len(data)
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
