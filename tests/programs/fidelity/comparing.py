"""Two replies to one question: what differs, and whether a reason is known for it."""

from collections import Counter
from typing import NamedTuple

from tests.programs.attacks import wire
from tests.programs.fidelity.asked_questions import Question

_FLAGS = {"AA": 0x0400, "TC": 0x0200, "RD": 0x0100, "RA": 0x0080, "AD": 0x0020, "CD": 0x0010}
_NAMES_IN = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 15: (2, 1), 17: (0, 2), 39: (0, 1)}
"""By type: octets before the names in the RDATA, and how many names there are."""

Record = tuple[str, int, bytes]


class Reply(NamedTuple):
    """A reply in a form that can be compared."""

    rcode: int
    flags: frozenset[str]
    question: bytes
    sections: tuple[Counter[Record], Counter[Record], Counter[Record]]
    """Without the OPT, TTLs apart."""
    ttls: dict[Record, int]
    opt: tuple[bool, bool]
    """Whether it has an OPT, and its DO."""
    errors: tuple[int, ...]


def read(packet: bytes) -> Reply:
    """Take a reply apart, with names in RDATA written out."""
    end = wire.question_end(packet)
    at = end
    sections: list[Counter[Record]] = []
    ttls: dict[Record, int] = {}
    opt = (False, False)
    for count in wire.counts_of(packet)[1:]:
        section: Counter[Record] = Counter()
        for _ in range(count):
            owner, at = wire.name_at(packet, at)
            rtype = int.from_bytes(packet[at : at + 2], "big")
            ttl = int.from_bytes(packet[at + 4 : at + 8], "big")
            start = at + 10
            at = start + int.from_bytes(packet[at + 8 : start], "big")
            if rtype == wire.OPT:
                opt = (True, bool(ttl & 0x8000))
                continue
            record = (owner, rtype, _written_out(packet, rtype, start, at))
            section[record] += 1
            ttls[record] = ttl
        sections.append(section)
    told = wire.read(packet)
    flags = frozenset(name for name, bit in _FLAGS.items() if told.flags & bit)
    first, second, third = sections
    return Reply(
        told.rcode,
        flags,
        packet[12:end],
        (first, second, third),
        ttls,
        opt,
        tuple(sorted(told.errors)),
    )


def _written_out(packet: bytes, rtype: int, start: int, end: int) -> bytes:
    before, count = _NAMES_IN.get(rtype, (0, 0))
    data, at = packet[start : start + before], start + before
    for _ in range(count):
        name, at = wire.name_at(packet, at)
        data += name.encode("latin-1") + b"\x00"
    return data + packet[at:end]


def without_unjudged(reply: Reply) -> Reply:
    """The reply as policy has to have it: no address but those that answer the question.

    Of the authority section remain the SOA of a negative answer, and proofs.
    """
    qtype = int.from_bytes(reply.question[-4:-2], "big")
    positive = reply.rcode == 0 and any(rtype == qtype for _, rtype, _ in reply.sections[0])
    kept = _PROOFS if positive else _PROOFS | {wire.SOA}
    authority = Counter(
        {row: count for row, count in reply.sections[1].items() if _rrset(row) in kept}
    )
    return reply._replace(sections=(reply.sections[0], authority, Counter()))


_PROOFS = frozenset({47, 50})  # NSEC, NSEC3


def _rrset(record: Record) -> int:
    """The type of a record's RRset: for an RRSIG, the type that it covers."""
    _, rtype, data = record
    return int.from_bytes(data[:2], "big") if rtype == _SHOWN["RRSIG"] else rtype


def kinds(reply: Reply) -> list[str]:
    """What there is to a reply, to see that all of it was tried."""
    names = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN"}
    found = [names.get(reply.rcode, f"rcode {reply.rcode}")]
    found += [flag for flag in ("AA", "TC", "AD") if flag in reply.flags]
    found += [f"EDE {code}" for code in reply.errors]
    types = {rtype for section in reply.sections for _, rtype, _ in section}
    found += [name for name, rtype in _SHOWN.items() if rtype in types]
    return found if reply.sections[0] or reply.rcode else [*found, "no data"]


_SHOWN = {"RRSIG": 46, "NSEC": 47, "NSEC3": 50, "DNAME": 39, "TYPE65280": 65280}


def differences(ours: Reply, theirs: Reply) -> set[str]:
    """The parts that differ; TTLs only where the records are the same."""
    parts = {
        "rcode": ours.rcode != theirs.rcode,
        "question": ours.question != theirs.question,
        "OPT": ours.opt != theirs.opt,
        "EDE": ours.errors != theirs.errors,
        "answer": ours.sections[0] != theirs.sections[0],
        "authority": ours.sections[1] != theirs.sections[1],
        "additional": ours.sections[2] != theirs.sections[2],
        "TTL": any(theirs.ttls.get(key, ttl) != ttl for key, ttl in ours.ttls.items()),
    }
    found = {part for part, differs in parts.items() if differs}
    return found | {f"flag {flag}" for flag in ours.flags ^ theirs.flags}


def shown(ours: Reply, theirs: Reply) -> str:
    """What differs, for people."""
    pairs = zip(ours._fields, ours, theirs, strict=True)
    return "; ".join(f"{part}: ours {a}, theirs {b}" for part, a, b in pairs if a != b)


def reason(
    question: Question,
    ours: Reply,
    theirs: Reply,
    found: set[str],
    elapsed: float,
    blocking: bool,
) -> str | None:
    """Why two replies differ so, as far as that is known and meant."""
    if question.type == "ANY" and _is_minimal(ours):
        return "minimal ANY (RFC 8482)"
    if blocking and ({15, 16} & set(ours.errors) or _is_sinkholed(ours)):
        return "blocked"
    if "TC" in ours.flags and found <= _UNLIKE_IF_TRUNCATED:
        return "TC: nothing of what does not fit whole"
    if found == {"flag AA"} and "AA" not in ours.flags:
        return "AA"
    if found == {"TTL"} and _aged(ours, theirs, elapsed):
        return "TTL age"
    return None


def lacks_only_cached_error(ours: Reply, theirs: Reply, elapsed: float) -> bool:
    """Whether only an EDE 5 is lacking to a query with CD.

    Unbound 1.26.2 answers such a query for an unsigned name without EDE the first time, and from
    its cache with EDE 5 (DNSSEC Indeterminate).
    """
    return (
        "CD" in theirs.flags
        and (ours.errors, theirs.errors) == ((), (5,))
        and differences(ours, theirs) <= {"EDE", "TTL"}
        and _aged(ours, theirs, elapsed)
    )


_UNLIKE_IF_TRUNCATED = {"answer", "authority", "additional", "flag TC", "flag AD", "EDE"}
"""AD too: a reply without records has nothing that is authentic."""


def _is_minimal(reply: Reply) -> bool:
    return [rtype for _, rtype, _ in reply.sections[0]] in ([wire.HINFO], [wire.CNAME])


def _is_sinkholed(reply: Reply) -> bool:
    return any(
        (rtype == wire.SOA and b"nobody.invalid" in data) or (rtype == wire.A and data == bytes(4))
        for section in reply.sections[:2]
        for _, rtype, data in section
    )


def _aged(ours: Reply, theirs: Reply, elapsed: float) -> bool:
    """Whether each TTL is lower by no more than the time that has gone by.

    It may be one more: both count whole seconds, from moments of their own.
    """
    return all(
        -1 <= theirs.ttls.get(key, ttl) - ttl <= elapsed + 2 for key, ttl in ours.ttls.items()
    )
