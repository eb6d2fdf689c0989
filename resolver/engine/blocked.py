"""The answer to a blocked question, as its policy wants it.

Every type of a blocked name is blocked. A sinkhole answers A and AAAA with the policy's
addresses and all else with NODATA; canary names get NXDOMAIN whatever the policy says,
since a client takes an address for permission. An Extended DNS Error says on what ground
and whom to ask; AD is never set, and DO and CD change nothing.

What must stay true:
- TTL and SOA MINIMUM are 60 s, so that an exemption works within a minute.
- NXDOMAIN only where everything below the name is blocked as well (RFC 8020).
"""

import functools

from resolver.dns import codes, render
from resolver.dns.query import Query
from resolver.dns.render import Sections
from resolver.policy.compiled import Ground, Policy, Service, Terms
from resolver.policy.verdict import NO_SERVICE, Verdict
from resolver.policy.view import View

TTL = 60


def render_blocked(query: Query, view: View, verdict: Verdict, terms: Terms, limit: int) -> bytes:
    """The whole reply, at most ``limit`` octets."""
    service = None if verdict.service == NO_SERVICE else terms.services[verdict.service]
    rcode, sections = _answer(query, view.policy, verdict, service)
    if query.edns is None:
        return render.reply(query, rcode, sections, limit)
    policy = view.policy
    ground = policy.grounds[0 if service is None else policy.ground_of[verdict.service]]
    error = _extended_error(ground, policy.contact, "" if service is None else service.name)
    return render.reply(query, rcode, sections, limit, (error,))


def _answer(
    query: Query, policy: Policy, verdict: Verdict, service: Service | None
) -> tuple[int, Sections]:
    answer = policy.answer
    if service is not None and service.always_nxdomain:
        answer = "nxdomain"
    if answer == "sinkhole":
        address = b""
        if query.qtype == codes.A:
            address = policy.sinkhole_v4
        elif query.qtype == codes.AAAA:
            address = policy.sinkhole_v6
        if address:
            return codes.NOERROR, _address(query.qtype, address)
    elif answer == "refused":
        return codes.REFUSED, render.EMPTY
    missing = answer == "nxdomain" and verdict.all_below
    rcode = codes.NXDOMAIN if missing else codes.NOERROR
    return rcode, Sections(b"", 0, _soa(query, verdict), 1)


@functools.lru_cache(maxsize=1024)
def _address(qtype: int, address: bytes) -> Sections:
    return Sections(render.record(render.QNAME_POINTER, qtype, TTL, address), 1)


def _soa(query: Query, verdict: Verdict) -> bytes:
    """Owned by the rule's name where the question lies under it (it does, but for targets)."""
    zone = query.name if verdict.target else query.name[-len(verdict.key) - 1 :]
    return render.negative_soa(query, zone, TTL)


@functools.lru_cache(maxsize=4096)
def _extended_error(ground: Ground, contact: str, service: str) -> bytes:
    """16 Censored where a directive imposes the block, 15 Blocked where the agency does."""
    code = codes.EDE_CENSORED if ground.directive else codes.EDE_BLOCKED
    text = f"{service}: {ground.text}" if service else ground.text
    if contact:
        text += f"; contact {contact}"
    return render.extended_error(code, text)
