"""Join the parts of an alias chain that come from several responses or from local data."""

from typing import Final

from resolver.dns import codes
from resolver.dns.records import all_records
from resolver.dns.render import Sections
from resolver.dns.response import ANSWER, MAX_RECORDS, Response
from resolver.dns.uncompressed import assembled, uncompressed
from resolver.engine.entry import CacheEntry, make_entry

_MAX_JOINED: Final = 60_000
"""Octets of joined records at most; a message has at most 65,535."""


def local_entry(name: bytes, qtype: int, rcode: int, sections: Sections, now: float) -> CacheEntry:
    """Make an entry of local data, for a chain that ends there."""
    counts = (sections.answers, sections.authorities, 0)
    records = sections.answer + sections.authority
    return make_entry(
        assembled(rcode, _question(name, qtype), counts, records), now, dnssec_ok=True
    )


def joined(
    name: bytes, qtype: int, first: CacheEntry, second: CacheEntry, now: float
) -> CacheEntry:
    """Join two parts of a chain: ``second`` answers the name at which ``first`` ends."""
    question = _question(name, qtype)
    before = response_of(question, first, now)
    after = response_of(_question(first.unfinished, qtype), second, now)
    aliases = [record for record in all_records(before) if record.section == ANSWER]
    rest = all_records(after)
    records = uncompressed(before, aliases) + uncompressed(after, rest)
    if len(aliases) + len(rest) > MAX_RECORDS or len(records) > _MAX_JOINED:
        return CacheEntry(False, codes.SERVFAIL, b"", (0, 0, 0), b"", 0, now)
    answers, authorities, additionals = after.counts
    counts = (len(aliases) + answers, authorities, additionals)
    both = assembled(after.flags, question, counts, records)
    both.errors = after.errors
    whole = make_entry(both, now, dnssec_ok=True)
    return CacheEntry(
        first.authentic and second.authentic,
        whole.rcode,
        whole.records,
        whole.counts,
        whole.ttl_offsets,
        whole.lifetime,
        min(first.dated, second.dated),
        whole.targets,
        whole.errors,
        second.unfinished,
        max(whole.restarts, first.restarts + 1),
    )


def response_of(question: bytes, entry: CacheEntry, now: float) -> Response:
    """The response of an entry, with the TTLs of now."""
    found = assembled(entry.rcode, question, entry.counts, entry.aged(now))
    found.errors = list(entry.errors)
    return found


def _question(name: bytes, qtype: int) -> bytes:
    return name + qtype.to_bytes(2, "big") + b"\x00\x01"
