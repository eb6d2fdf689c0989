"""What would open a blocked name to a client: services to exempt, or an entry of ``allow``.

The judge that answers queries decides, so that what is printed opens the name. Pure.
"""

from dataclasses import dataclass
from ipaddress import ip_address

from resolver.analysis.explanation import Explainer, Explanation
from resolver.config.values import parse_address
from resolver.dns import codes, names
from resolver.exchange.entry import CacheEntry
from resolver.exchange.failure import Failure
from resolver.exchange.question import UpstreamQuestion
from resolver.lists.guard import registrable_domain
from resolver.lists.rules import Rule, read_rule
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.verdict import Outcome
from resolver.policy.view import View

_NOT_ASKED = Failure(codes.EDE_OTHER, "not asked")
_REVERSE = (names.parse("in-addr.arpa"), names.parse("ip6.arpa"))
"""The zones of reverse names: the addresses of other networks have no owner in common."""


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
        return self._by_allow(view, now, after, name)

    def _by_allow(self, view: View, now: Explanation, blocked: Explanation, name: bytes) -> Opening:
        """The entry of ``allow`` for a name that no exemption opens."""
        section = f"policies.{now.policy}"
        if blocked.decided_by.kind == "deny_of_vlan":
            section = f"vlans.{now.vlan}"
        if blocked.decided_by.kind == "default":
            entry = self._domain_entry(view, name)
        elif blocked.rule.strip("|^") == now.name:
            return Opening(now.outcome, now.decided_by, section=section, denied=now.name)
        else:
            entry = Rule(name, False, False, 1).text
        return Opening(now.outcome, now.decided_by, section=section, allow=entry)

    def _domain_entry(self, view: View, name: bytes) -> str:
        """The entry for a name that only the default blocks; empty if none can be.

        No entry opens a name of a service: where the lists have such names below the domain, the
        entry is for this name alone.
        """
        domain = _domain(name)
        if domain is None or self._has_closed_names(view, domain):
            entry = Rule(name, False, False, 1).text
        else:
            entry = names.text(domain)
        return "" if name == names.ROOT or isinstance(read_rule(entry, 1), str) else entry

    def _has_closed_names(self, view: View, domain: bytes) -> bool:
        """Whether an entry for a domain would open names of services."""
        sources, closed = self.explainer.compiled.sources, view.effect.restricted
        return any(
            closed >> sources[rule.source].service & 1
            for rule in self._index.rules_within(domain)
            if not rule.exception
        )

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


def _domain(name: bytes) -> bytes | None:
    """The zone of reverse names, or the domain of one owner, that a name is in; None if neither."""
    for zone in _REVERSE:
        if names.is_within(name, zone):
            return zone
    writable = next(parent for parent in names.zones(name) if "\\" not in names.text(parent))
    return registrable_domain(writable)
