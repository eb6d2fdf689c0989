"""The answer to a blocked question, as its policy wants it.

Every type of a blocked name is blocked. A sinkhole answers A and AAAA with the policy's
addresses and all else with NODATA; canary names get NXDOMAIN whatever the policy says,
since a client takes an address for permission. An Extended DNS Error says on what ground
and whom to ask; AD is never set, and DO and CD change nothing.

What must stay true:
- TTL and SOA MINIMUM are 60 s, so that an exemption works within a minute.
- NXDOMAIN only where everything below the name is blocked as well (RFC 8020).
"""

from typing import Final

from resolver.dns import codes, render
from resolver.dns.query import Query
from resolver.dns.render import NegativeSoa, QueryShape, ReplyTemplate
from resolver.engine.labels import LabelledCounter
from resolver.policy.compiled import Policy, Service, Terms
from resolver.policy.verdict import NO_SERVICE, Verdict

TTL: Final = 60
_SOA: Final = NegativeSoa(TTL)


class BlockedTemplate(ReplyTemplate):
    """What blocked replies of one view to one shape, by one service, have in common."""

    __slots__ = ("_address", "_is_negative", "counter")

    counter: LabelledCounter

    def __init__(self, shape: QueryShape, policy: Policy, verdict: Verdict, terms: Terms) -> None:
        service = None if verdict.service == NO_SERVICE else terms.services[verdict.service]
        rcode, address = _answer(shape.qtype, policy, verdict, service)
        self._is_negative = not address and rcode != codes.REFUSED
        self._address = b""
        """The answer section."""
        if address:
            self._address = render.record(render.QNAME_POINTER, shape.qtype, TTL, address)
        super().__init__(
            shape,
            shape.reply_flags | rcode,
            (1 if address else 0, 1 if self._is_negative else 0, 0),
            (_extended_error(policy, verdict, service),),
        )

    def reply(self, query: Query, verdict: Verdict) -> bytes:
        """The whole reply.

        A negative answer's SOA is owned by the rule's name where the question lies under it, as
        it does unless the rule covers a target; else by the question's.
        """
        records = self._address
        if self._is_negative:
            zone = len(query.name) if verdict.target else len(verdict.key) + 1
            records = _SOA.record(query.name, zone)
        return self.render(query.ident, query.question, records)


def _answer(
    qtype: int, policy: Policy, verdict: Verdict, service: Service | None
) -> tuple[int, bytes]:
    """The rcode, and the address that a sinkhole answers with."""
    answer = policy.answer
    if service is not None and service.always_nxdomain:
        answer = "nxdomain"
    if answer == "sinkhole":
        if qtype == codes.A:
            return codes.NOERROR, policy.sinkhole_v4
        if qtype == codes.AAAA:
            return codes.NOERROR, policy.sinkhole_v6
    elif answer == "refused":
        return codes.REFUSED, b""
    missing = answer == "nxdomain" and verdict.all_below
    return codes.NXDOMAIN if missing else codes.NOERROR, b""


def _extended_error(policy: Policy, verdict: Verdict, service: Service | None) -> bytes:
    """16 Censored where a directive imposes the block, 15 Blocked where the agency does."""
    ground = policy.grounds[0 if service is None else policy.ground_of[verdict.service]]
    code = codes.EDE_CENSORED if ground.directive else codes.EDE_BLOCKED
    text = ground.text if service is None else f"{service.name}: {ground.text}"
    if policy.contact:
        text += f"; contact {policy.contact}"
    return render.extended_error(code, text)
