"""Replies that need no entry, rendered and tallied: refusals, faults, failures, blocks.

What is said in each case is decided by ``query``; here it is put into octets.
"""

from resolver.dns import codes, render
from resolver.dns.query import Edns, Fault, Query
from resolver.engine.blocked import render_blocked
from resolver.engine.exchange import Failure
from resolver.engine.labels import Path, Tally
from resolver.engine.transaction import UNKNOWN_VLAN, Asked, Drop, Reply, Source
from resolver.policy.compiled import Terms
from resolver.policy.verdict import BLOCKED, NO_SERVICE, Outcome, Verdict
from resolver.policy.view import View

MINIMAL_ANY = render.Sections(
    render.record(render.QNAME_POINTER, codes.HINFO, 3600, b"\x07RFC8482\x00"), 1
)
"""To ask for everything is answered with next to nothing (RFC 8482 section 4.2)."""


def size_limit(edns: Edns | None, source: Source) -> int:
    """How many octets a reply may have."""
    return render.TCP_SIZE if source.stream else render.udp_limit(edns)


def _tally(view: View | None, outcome: Outcome, rcode: int, qtype: int) -> Tally:
    vlan = UNKNOWN_VLAN if view is None else view.vlan
    return Tally(vlan, outcome, NO_SERVICE, rcode, qtype, Path.CACHE)


def say(
    query: Query,
    source: Source,
    view: View,
    verdict: Verdict,
    rcode: int,
    sections: render.Sections,
) -> Reply:
    """A reply that this server makes by itself."""
    packet = render.reply(query, rcode, sections, size_limit(query.edns, source))
    tally = Tally(view.vlan, verdict.outcome, verdict.service, rcode, query.qtype, Path.CACHE)
    return Reply(packet, tally)


def failed(asked: Asked, failure: Failure) -> Reply:
    """SERVFAIL, with the Extended DNS Error that says why."""
    query, source, view = asked.query, asked.source, asked.view
    errors = (render.extended_error(failure.code, failure.text),)
    limit = size_limit(query.edns, source)
    packet = render.reply(query, codes.SERVFAIL, render.EMPTY, limit, errors)
    tally = Tally(view.vlan, Outcome.FAILED, NO_SERVICE, codes.SERVFAIL, query.qtype, Path.UPSTREAM)
    return Reply(packet, tally)


def refuse(query: Query | Fault) -> Reply:
    """REFUSED, never larger than the query: it may be a forged one."""
    refused = Fault(query.id, query.flags, codes.REFUSED, query.question, query.edns)
    packet = render.fault(refused, render.UDP_SIZE)
    qtype = query.qtype if isinstance(query, Query) else 0
    return Reply(packet, _tally(None, Outcome.REFUSED, codes.REFUSED, qtype))


def faulty(fault: Fault, source: Source, view: View) -> Reply:
    """The rcode that a malformed or unaskable query deserves."""
    packet = render.fault(fault, size_limit(fault.edns, source))
    return Reply(packet, _tally(view, Outcome.FAILED, fault.rcode, 0))


def unheard(view: View | None) -> Drop:
    """Silence: to what is no query, and to who asks beyond all measure."""
    return Drop(_tally(view, Outcome.DROPPED, 0, 0))


def norecursion(asked: Asked) -> Reply:
    """REFUSED: nobody may be asked for a query without RD."""
    query, source, view = asked.query, asked.source, asked.view
    limit = size_limit(query.edns, source)
    packet = render.reply(query, codes.REFUSED, render.EMPTY, limit)
    return Reply(packet, _tally(view, Outcome.FAILED, codes.REFUSED, query.qtype))


def block(
    query: Query, source: Source, view: View, verdict: Verdict, terms: Terms, path: Path
) -> Reply:
    """The blocked answer, as the view's policy has it."""
    packet = render_blocked(query, view, verdict, terms, size_limit(query.edns, source))
    rcode = packet[3] & codes.RCODE
    tally = Tally(view.vlan, BLOCKED, verdict.service, rcode, query.qtype, path)
    return Reply(packet, tally)
