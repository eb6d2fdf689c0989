"""What would open a blocked name to a client: services to exempt, or an entry of ``allow``.

The judge that answers queries decides, so that what is printed opens the name. Pure.
"""

from dataclasses import dataclass
from ipaddress import ip_address

from resolver.analysis.explanation import Explainer, Explanation
from resolver.analysis.needed_allow import needed_allow
from resolver.analysis.queries.query import Question, Requester
from resolver.config.values import parse_address
from resolver.dns import codes, names
from resolver.exchange.entry import CacheEntry
from resolver.exchange.failure import Failure
from resolver.exchange.question import UpstreamQuestion
from resolver.lists.rules import Rule
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.verdict import Outcome
from resolver.policy.view import View

_NOT_ASKED = Failure(codes.EDE_OTHER, "not asked")


@dataclass(frozen=True, slots=True)
class Opening:
    """What the policy does to a name now, and what opens it where it is blocked."""

    outcome: str
    decided_by: str
    exempt: tuple[str, ...] = ()
    """The services to exempt."""
    section: str = ""
    """The section of the config that lacks ``allow``, or has ``denied``."""
    allow: str = ""
    denied: str = ""
    """The entry of ``deny`` to take out, since ``allow`` may not have the same."""


class Openings:
    """Finds what opens names, by a snapshot at a moment."""

    def __init__(self, compiled: CompiledConfig, index: Index, wall: float) -> None:
        self.explainer = Explainer(compiled, index, wall, self._answer)
        self._index = index
        self._target = ""

    def of(self, view: View, name: bytes, target: str) -> Opening:
        """What opens a name to a client; ``target`` is where its answer led, if that decided."""
        self._target = target
        now = self.explainer.for_view(view, name, codes.A)
        if now.outcome != Outcome.BLOCKED.label:
            return Opening(now.outcome, now.decided_by)
        services, after = [], now
        while after.outcome == Outcome.BLOCKED.label and after.service:
            services.append(after.service)
            after = self.explainer.for_view(self._counting(view, services), name, codes.A)
        if after.outcome != Outcome.BLOCKED.label:
            return Opening(now.outcome, now.decided_by, tuple(services))
        return self._by_allow(now, after, name)

    def _by_allow(self, now: Explanation, blocked: Explanation, name: bytes) -> Opening:
        """The entry of ``allow`` for a name that no exemption opens."""
        section = f"policies.{now.policy}"
        if blocked.decided_by.kind == "deny_of_vlan":
            section = f"vlans.{now.vlan}"
        if blocked.decided_by.kind == "default":
            entry = self._needed(now.vlan, name)
        elif blocked.rule.strip("|^") == now.name:
            return Opening(now.outcome, now.decided_by, section=section, denied=now.name)
        else:
            entry = Rule(name, False, False, 1).text
        return Opening(now.outcome, now.decided_by, section=section, allow=entry)

    def _needed(self, vlan: str, name: bytes) -> str:
        """The entry that ``darban lists suggest --allow`` has for a name; empty if none can be."""
        question = Question(Requester(vlan=vlan), name, codes.A)
        [needed] = needed_allow(self.explainer, self._index, {question: 1})
        return next(iter((*needed.services, *needed.domains, *needed.closed)), "")

    def _counting(self, view: View, services: list[str]) -> View:
        """The view of a policy that only counts some services, which comes after what blocks."""
        known = [service.name for service in self.explainer.compiled.services]
        bits = sum(1 << known.index(service) for service in services)
        return View(view.vlan, view.effect.with_counted(bits))

    def _answer(self, _: UpstreamQuestion) -> CacheEntry | Failure:
        """The answer that led to the target."""
        if not self._target:
            return _NOT_ASKED
        if parse_address(self._target) is None:
            targets = (names.parse(self._target),)
            return CacheEntry(False, codes.NOERROR, b"", (0, 0, 0), b"", 60, 0.0, targets, targets)
        address = ip_address(self._target).packed
        rtype = codes.A if len(address) == 4 else codes.AAAA
        fixed = (0xC00C, rtype, 1, 0, 60, len(address))
        record = b"".join(number.to_bytes(2, "big") for number in fixed) + address
        return CacheEntry(False, codes.NOERROR, record, (1, 0, 0), b"\x00\x06", 60, 0.0)
