"""Join the parts of an alias chain that come from several responses or from local data."""

from resolver.dns import codes, render
from resolver.dns.assembly import Assembly, assembled, content
from resolver.dns.response import ANSWER, MAX_RECORDS, Response
from resolver.dns.scanned_record import all_records, answer_records
from resolver.engine.routing import Zone, local_answer
from resolver.exchange.entry import MAX_RESTARTS, CacheEntry, make_entry


def local_entry(zone: Zone, name: bytes, qtype: int, now: float) -> CacheEntry:
    """Make an entry of local data, for a chain that ends there."""
    rcode, sections = local_answer(zone, name, qtype)
    counts = (sections.answers, sections.authorities, 0)
    records = sections.answer + sections.authority
    return make_entry(
        assembled(rcode, render.question(name, qtype), counts, records), now, dnssec_ok=True
    )


def joined(
    name: bytes, qtype: int, first: CacheEntry, second: CacheEntry, now: float
) -> CacheEntry:
    """Join two parts of a chain: ``second`` answers the name at which ``first`` ends.

    A record that both parts have, such as a DNAME, is there once (RFC 2181 section 5). Where
    ``second`` has neither data nor an SOA, the chain is whole, and not cached (RFC 2308 section 5).
    Where it has more than ``MAX_RECORDS``, the chain fails.
    """
    question = render.question(name, qtype)
    before = response_of(question, first, now)
    rest = render.question(first.unfinished, qtype)
    if sum(second.counts) > MAX_RECORDS:  # to write them anew would take too long
        after = assembled(codes.SERVFAIL, rest, (0, 0, 0), b"")
    else:
        after = response_of(rest, second, now)
    aliases = answer_records(before)
    known = {content(record) for record in aliases}
    assembly = Assembly(question)
    for record in aliases:
        assembly.add(record)
    for record in all_records(after):
        if record.section != ANSWER or content(record) not in known:
            assembly.add(record)
    both = assembly.response(after.flags)
    both.errors = after.errors
    whole = make_entry(both, now, dnssec_ok=True)
    is_loop = whole.restarts > MAX_RESTARTS
    lacks_end = whole.unfinished != b"" and not second.unfinished and not is_loop
    both_parts = CacheEntry(
        first.authentic and second.authentic,
        whole.rcode,
        whole.records,
        whole.counts,
        whole.ttl_offsets,
        0 if lacks_end else whole.lifetime,
        min(first.dated, second.dated),
        whole.targets,
        whole.aliases,
        whole.errors,
        b"" if lacks_end else whole.unfinished,
        max(whole.restarts, first.restarts + 1),
    )
    filter_address = first.filter_address or second.filter_address
    if filter_address:
        both_parts.mark_filter(filter_address)
    return both_parts


def response_of(question: bytes, entry: CacheEntry, now: float) -> Response:
    """The response of an entry, with the TTLs of now."""
    response = assembled(entry.rcode, question, entry.counts, entry.aged(now))
    response.errors = list(entry.errors)
    return response
