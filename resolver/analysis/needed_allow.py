"""The ``allow`` that recorded names need in a policy with ``default = "block"``.

The judge that answers queries decides which names need an entry: it judges each name by the policy
as it would be with this default, with its present ``allow`` and the services of updates open.

What must stay true:
- No entry opens a name of another service. Where the lists have such names below a domain, each
  recorded name of the domain gets an entry of its own.
- A service that is not for updates is named, and never opened: a person decides.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from resolver.analysis.explanation import Explainer
from resolver.analysis.queries.query import Question
from resolver.analysis.service_references import service_references
from resolver.dns import codes, names
from resolver.lists.guard import registrable_domain
from resolver.lists.rules import Rule, read_rule
from resolver.policy.clauses import Action, DefaultRule, PolicyRules, Services
from resolver.policy.index import Index
from resolver.policy.services import services_in, union
from resolver.policy.verdict import PASSED, Verdict
from resolver.policy.view import View

UPDATES = "updates"
"""The category whose services are opened where names of theirs are recorded."""
_REVERSE = (names.parse("in-addr.arpa"), names.parse("ip6.arpa"))
"""The zones of reverse names: the addresses of other networks have no owner in common."""

Recorded = dict[str, Counter[str]]
"""By entry of ``allow``, the names that it opens, with their queries."""


@dataclass(frozen=True, slots=True)
class NeededAllow:
    """What the ``allow`` of a VLAN's policy needs, and what of the recording needs no entry."""

    vlan: str
    policy: str
    present: tuple[str, ...]
    """The entries that the policy has."""
    services: Recorded = field(default_factory=lambda: defaultdict(Counter))
    """Services of updates."""
    domains: Recorded = field(default_factory=lambda: defaultdict(Counter))
    """Registrable domains, and names alone as ``|name^``."""
    closed: Recorded = field(default_factory=lambda: defaultdict(Counter))
    """Other services, which only a person opens."""
    denied: Counter[str] = field(default_factory=Counter)
    """Names that the ``deny`` of the policy blocks."""
    unopened: Counter[str] = field(default_factory=Counter)
    """Names that no entry can open, such as the root."""
    open: Counter[str] = field(default_factory=Counter)
    """Names that pass without another entry."""

    @property
    def queries(self) -> int:
        """The recorded queries of the VLAN."""
        entries = (self.services, self.domains, self.closed)
        counts = [counter for of_kind in entries for counter in of_kind.values()]
        return sum(counter.total() for counter in [*counts, self.denied, self.unopened, self.open])


def needed_allow(
    explainer: Explainer, index: Index, counts: Mapping[Question, int]
) -> list[NeededAllow]:
    """What each VLAN of a recording needs, by VLAN."""
    by_vlan: dict[str, Counter[bytes]] = defaultdict(Counter)
    for (who, name, _), times in counts.items():
        by_vlan[who.vlan][name] += times
    views = [(vlan, explainer.vlan(vlan)) for vlan in sorted(by_vlan)]
    return [
        _VlanNeeds(explainer, index, view).of(vlan, by_vlan[vlan])
        for vlan, view in views
        if view is not None
    ]


class _VlanNeeds:
    """Finds the entry that each name needs in the policy of one VLAN."""

    def __init__(self, explainer: Explainer, index: Index, view: View) -> None:
        services = explainer.compiled.services
        updates = union(
            1 << at for at, service in enumerate(services) if service.category == UPDATES
        )
        self._explainer = explainer
        self._index = index
        self._effect = view.effect.with_default_block(updates, len(services))
        self._view = View(view.vlan, self._effect)
        rules = self._effect.own_rules.rules
        allowed = services_in(view.effect.services.doing[Action.PASS], services)
        self._present = (
            *service_references(allowed, services),
            *(_entry(rule.text, rule.name) for rule in rules if rule.does is Action.PASS),
        )
        self._present_services = view.effect.services.doing[Action.PASS]

    def of(self, vlan: str, queries: Counter[bytes]) -> NeededAllow:
        """What the recorded names of the VLAN need; the most frequent are first."""
        needed = NeededAllow(vlan, self._effect.policy.name, self._present)
        for name, times in sorted(queries.items(), key=lambda item: (-item[1], item[0])):
            self._counter(needed, name)[names.text(name)] += times
        return needed

    def _counter(self, needed: NeededAllow, name: bytes) -> Counter[str]:
        """Where a name is counted."""
        verdict, _ = self._explainer.verdict(self._view, name, codes.A)
        match verdict.clause:
            case None:
                return needed.open
            case PolicyRules():
                return needed.open if verdict.by_allow else needed.denied
            case DefaultRule():
                entry = self._domain_entry(name)
                return needed.domains[entry] if entry else needed.unopened
            case Services():
                return self._of_service(needed, verdict)
            case _:
                assert_never(verdict.clause)

    def _of_service(self, needed: NeededAllow, verdict: Verdict) -> Counter[str]:
        service = self._explainer.compiled.sources[verdict.source].service
        if verdict.outcome is not PASSED:
            return needed.closed[self._explainer.compiled.services[service].name]
        if self._present_services >> service & 1:
            return needed.open
        return needed.services[self._explainer.compiled.services[service].name]

    def _domain_entry(self, name: bytes) -> str:
        """The entry that opens a name which nothing covers; empty if none can."""
        domain = _domain(name)
        if domain is None or self._has_closed_names(domain):
            entry = Rule(name, False, False, 1).text
        else:
            entry = names.text(domain)
        return "" if name == names.ROOT or isinstance(read_rule(entry, 1), str) else entry

    def _has_closed_names(self, domain: bytes) -> bool:
        """Whether an entry for a domain would open names of other services."""
        sources, closed = self._explainer.compiled.sources, self._effect.restricted
        return any(
            closed >> sources[rule.source].service & 1
            for rule in self._index.rules_within(domain)
            if not rule.exception
        )


def _entry(text: str, name: bytes) -> str:
    """An entry of ``allow``, which without a dot would mean a service under this default."""
    return text if "." in text or "|" in text else Rule(name, True, False, 1).text


def _domain(name: bytes) -> bytes | None:
    """The zone of reverse names, or the domain of one owner, that a name is in; None if neither."""
    for zone in _REVERSE:
        if names.is_within(name, zone):
            return zone
    writable = next(parent for parent in names.zones(name) if "\\" not in names.text(parent))
    return registrable_domain(writable)
