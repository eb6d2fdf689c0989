"""Render the reply to a blocked query as its policy says.

All types of a blocked name are blocked. A sinkhole answers A and AAAA with the addresses of the
policy, and other types with NODATA. A canary domain always gets NXDOMAIN, since clients take an
address for permission. An answer that is withheld for a private address (``policy.rebinding``) is
NODATA under every policy. An Extended DNS Error gives the reason and the contact. AD is never set;
DO and CD change nothing.

What must stay true:
- TTL and SOA MINIMUM are 60 s, so an exemption takes effect within a minute.
- NXDOMAIN only if all names below the name are blocked too (RFC 8020).
"""

from typing import Final

from resolver.dns import codes, render
from resolver.dns.query import Query
from resolver.dns.render import NegativeSoa, QueryShape, ReplyTemplate
from resolver.engine.labels import LabelledCounter
from resolver.policy.compiled import CompiledConfig, Policy, Service
from resolver.policy.verdict import NO_SERVICE, REBINDING, Verdict

TTL: Final = 60
"""In seconds."""
_SOA: Final = NegativeSoa(TTL)


class BlockedTemplate(ReplyTemplate):
    """A template of blocked replies: for one view, one query shape and one service."""

    __slots__ = ("_address", "_is_negative", "counter")

    counter: LabelledCounter

    def __init__(
        self, shape: QueryShape, policy: Policy, verdict: Verdict, terms: CompiledConfig
    ) -> None:
        service = None if verdict.service == NO_SERVICE else terms.services[verdict.service]
        rcode, address = blocked_answer(shape.qtype, policy, verdict, service)
        self._is_negative = not address and rcode != codes.REFUSED
        self._address = b""
        """The rendered answer section."""
        if address:
            self._address = render.record(render.QNAME_POINTER, shape.qtype, TTL, address)
        super().__init__(
            shape,
            shape.reply_flags | rcode,
            (1 if address else 0, 1 if self._is_negative else 0, 0),
            (_extended_error(policy, verdict, service),),
        )

    def reply(self, query: Query, verdict: Verdict) -> bytes:
        """Render the whole reply.

        The owner of the SOA of a negative answer is the name of the rule. If the answer decided,
        it is the name of the question, which need not lie below the rule.
        """
        records = self._address
        if self._is_negative:
            zone = len(query.name) if verdict.of_answer else len(verdict.key) + 1
            records = _SOA.record(query.name, zone)
        return self.render(query.ident, query.question, records)


def blocked_answer(
    qtype: int, policy: Policy, verdict: Verdict, service: Service | None
) -> tuple[int, bytes]:
    """The rcode of a blocked reply, and the address of a sinkhole; empty if there is none."""
    if verdict.outcome is REBINDING:
        return codes.NOERROR, b""
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
    """16 Censored if a directive imposes the block, 15 Blocked if the agency does."""
    ground = policy.grounds[0 if service is None else policy.ground_of[verdict.service]]
    code = codes.EDE_CENSORED if ground.directive else codes.EDE_BLOCKED
    text = ground.text if service is None else f"{service.name}: {ground.text}"
    if verdict.outcome is REBINDING:
        code, text = codes.EDE_BLOCKED, "a private address for a public name (DNS rebinding)"
    if policy.contact:
        text += f"; contact {policy.contact}"
    return render.extended_error(code, text)
