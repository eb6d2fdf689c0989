"""What a policy does and why, as values for people: for reports, pages, logs and metrics.

None of it depends on the time: ``policy.effect`` has what is in force now. What a clause does at
some hours alone is named with them.
"""

from dataclasses import dataclass
from typing import NamedTuple, assert_never

from resolver.policy.clauses import BLOCKING, RESTRICTING, Does, OwnRules, Services, Unlisted
from resolver.policy.compiled import CompiledConfig, Directive, Ground, Policy, Service
from resolver.policy.prefixes import address_text
from resolver.policy.service_hours import BlockingHours, clause_hours
from resolver.policy.services import services_in, union


class Entry(NamedTuple):
    """What a policy does to a service, to the name of an own rule, or to what nothing covers."""

    does: Does
    text: str
    """The name of the service; the rule as the config writes it; empty for the default."""
    ground: Ground
    """What a block of it rests on."""
    names: int
    """How many names it covers, each perhaps with all below it; 0 for the default."""
    service: Service | None = None
    """None for a rule and the default."""
    hours: tuple[BlockingHours, ...] = ()
    """The hours within which or outside of which alone the policy does it; may be empty."""

    @property
    def is_default(self) -> bool:
        """Whether it stands for the names that no other clause is for."""
        return not self.text


@dataclass(frozen=True, slots=True)
class PolicyDescription:
    """A policy, for people."""

    name: str
    vlan: str
    """The VLAN for whose own rules it is; empty for a policy of the config."""
    mode: str
    """``enforce`` or ``audit``."""
    answer: str
    """The answer mode."""
    sinkhole: tuple[str, ...]
    """Its addresses."""
    contact: str
    directives: tuple[Directive, ...]
    entries: tuple[Entry, ...]
    """The services in the order of the config, its own rules, and a default that is not to pass."""
    grounds: tuple[Ground, ...]
    """Of each service of the config, also of those that pass."""
    exemptible: tuple[Service, ...]
    """The services that it blocks or counts and some exemption permits, at whatever time."""

    @property
    def restricted(self) -> tuple[Entry, ...]:
        """What does not pass without a count."""
        return tuple(each for each in self.entries if each.does in RESTRICTING)

    @property
    def blocked(self) -> tuple[Entry, ...]:
        """What it blocks."""
        return tuple(each for each in self.entries if each.does in BLOCKING)

    @property
    def on_services(self) -> tuple[tuple[Entry, Service], ...]:
        """The services that it blocks or counts, each with its entry."""
        found = self.restricted
        return tuple((each, each.service) for each in found if each.service is not None)

    @property
    def denied(self) -> tuple[str, ...]:
        """The rules of ``deny``, as the config writes them."""
        found = self.restricted
        return tuple(e.text for e in found if e.service is None and not e.is_default)

    @property
    def allowed(self) -> tuple[str, ...]:
        """The rules of ``allow``, as the config writes them."""
        passes = (each for each in self.entries if each.does is Does.PASS)
        return tuple(each.text for each in passes if each.service is None)

    @property
    def open_services(self) -> tuple[Service, ...]:
        """The services in ``allow``."""
        passes = (each for each in self.entries if each.does is Does.PASS)
        return tuple(each.service for each in passes if each.service is not None)

    @property
    def unlisted(self) -> Does:
        """What it does to a name that no other clause is for."""
        return next((each.does for each in self.entries if each.is_default), Does.PASS)

    @property
    def default(self) -> str:
        """The same as ``default`` in the config; a policy in audit mode counts what that blocks."""
        in_audit = self.mode == "audit" and self.unlisted is Does.COUNT
        return Does.BLOCK if in_audit else self.unlisted

    @property
    def imposing_directive(self) -> Ground | None:
        """The first directive, if one is behind all that it blocks but the rules of ``deny``."""
        blocked = [each for each in self.blocked if each.service is not None or each.is_default]
        grounds = [each.ground for each in blocked]
        return grounds[0] if grounds and all(each.directive for each in grounds) else None


def describe(compiled: CompiledConfig) -> list[PolicyDescription]:
    """The policies of a snapshot, in its order."""
    exempted = union(each.exempted_services for each in compiled.exemptions)
    return [_described(policy, compiled, exempted) for policy in compiled.policies]


def _described(policy: Policy, compiled: CompiledConfig, exempted: int) -> PolicyDescription:
    restricted = policy.services(*RESTRICTING)
    return PolicyDescription(
        policy.name,
        policy.vlan,
        policy.mode,
        policy.answer_mode,
        tuple(address_text(each) for each in (policy.sinkhole_v4, policy.sinkhole_v6) if each),
        policy.contact,
        policy.directives,
        tuple(_entries(policy, compiled)),
        _grounds(policy),
        tuple(services_in(restricted & exempted, compiled.services)),
    )


def _grounds(policy: Policy) -> tuple[Ground, ...]:
    return tuple(policy.cited_grounds[index] for index in policy.grounds_by_service)


def _entries(policy: Policy, compiled: CompiledConfig) -> list[Entry]:
    own, grounds = policy.cited_grounds[0], _grounds(policy)
    on_services: dict[tuple[int, Does], Entry] = {}
    others: list[Entry] = []
    for clause in policy.clauses:
        match clause:
            case OwnRules(rules=rules):
                others += [Entry(each.does, each.text, own, 1) for each in rules]
            case Services(services=services, does=does):
                for place, service in services_in(services, enumerate(compiled.services)):
                    hours = clause_hours(compiled, policy, place, does)
                    on_services[place, does] = Entry(
                        does, service.name, grounds[place], service.entries, service, hours
                    )
            case Unlisted(does=does):
                others.append(Entry(does, "", own, 0))
            case _:
                assert_never(clause)
    return [*(on_services[key] for key in sorted(on_services)), *others]
