"""Render the reply to a blocked query; ``policy.answers`` decides the rcode and the address.

An Extended DNS Error gives the reason and the contact. AD is never set; DO and CD change nothing.

What must stay true:
- TTL and SOA MINIMUM are 60 s, so an exemption takes effect within a minute.
"""

from collections.abc import Sequence
from typing import Final

from resolver.dns import codes, render
from resolver.dns.query import Query
from resolver.dns.render import NegativeSoa, QueryProfile, ReplyTemplate
from resolver.engine.labels import LabelledCounter
from resolver.policy.compiled import Service
from resolver.policy.effect import Effect
from resolver.policy.verdict import NO_SERVICE, REBINDING, Verdict

TTL: Final = 60
"""In seconds."""
_SOA: Final = NegativeSoa(TTL)
_WITHHELD: Final = (
    "a private address for a public name, or one of the national filter (DNS rebinding)"
)


class BlockedTemplate(ReplyTemplate):
    """A template of blocked replies: for one query profile and one answer."""

    __slots__ = ("_address", "_is_negative", "counter")

    counter: LabelledCounter

    def __init__(self, profile: QueryProfile, rcode: int, address: bytes, error: bytes) -> None:
        """``address`` is that of a sinkhole, or empty; ``error`` is an Extended DNS Error.

        A negative answer has an SOA (RFC 2308); another rcode, such as REFUSED, has none.
        """
        self._is_negative = not address and rcode in (codes.NOERROR, codes.NXDOMAIN)
        self._address = b""
        """The rendered answer section."""
        if address:
            self._address = render.record(render.QNAME_POINTER, profile.qtype, TTL, address)
        counts = (1 if address else 0, 1 if self._is_negative else 0, 0)
        super().__init__(profile, profile.reply_flags | rcode, counts, (error,))

    def reply(self, query: Query, verdict: Verdict) -> bytes:
        """Render the whole reply.

        The owner of the SOA of a negative answer is the name of the rule. If the answer decided,
        it is the name of the question, which need not lie below the rule; so it is if no rule
        decided, but the default.
        """
        records = self._address
        if self._is_negative:
            by_name = verdict.key and not verdict.of_answer
            zone = len(verdict.key) + 1 if by_name else len(query.name)
            records = _SOA.record(query.name, zone)
        return self.render(query.ident, query.question, records)


def blocked_error(effect: Effect, verdict: Verdict, services: Sequence[Service]) -> bytes:
    """16 Censored if a directive imposes the block, 15 Blocked if the agency does."""
    ground = effect.ground(verdict.service)
    code = codes.EDE_CENSORED if ground.directive else codes.EDE_BLOCKED
    text = ground.text
    if verdict.outcome is REBINDING:
        code, text = codes.EDE_BLOCKED, _WITHHELD
    elif verdict.service != NO_SERVICE:
        text = f"{services[verdict.service].name}: {text}"
    if effect.policy.contact:
        text += f"; contact {effect.policy.contact}"
    return render.extended_error(code, text)
