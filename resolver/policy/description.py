"""What a policy does and why, as values for people: for reports, pages, logs and metrics.

None of it depends on the time: ``policy.effect`` has what is in force now. What a clause does at
some hours alone is named with them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from resolver.policy.clauses import RESTRICTING, Action, DefaultRule, Mode, PolicyRules, Services
from resolver.policy.compiled import CompiledConfig, Directive, Ground, Policy, Service
from resolver.policy.prefixes import address_text
from resolver.policy.service_hours import BlockingHours, clause_hours
from resolver.policy.services import services_in, union


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """What a policy does to the names in the lists of a service."""

    does: Action
    service: Service
    ground: Ground
    """What a block of it rests on."""
    hours: tuple[BlockingHours, ...] = ()
    """The hours within which or outside of which alone the policy does it; may be empty."""


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """What a policy does to the name of a rule in its ``allow`` or ``deny``."""

    does: Action
    text: str
    """The rule as the config writes it."""
    ground: Ground


@dataclass(frozen=True, slots=True)
class DefaultEntry:
    """What a policy does to the names that no other clause is for."""

    does: Action
    ground: Ground


Entry = ServiceEntry | RuleEntry | DefaultEntry
"""A class for each kind of clause: who says something of a policy names all of them
(``typing.assert_never``), so that the type checker reports who lacks a new one."""


@dataclass(frozen=True, slots=True)
class PolicyDescription:
    """A policy, for people."""

    name: str
    vlan: str
    """The VLAN for whose own rules it is; empty for a policy of the config."""
    mode: Mode
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
        return tuple(entry for entry in self.entries if entry.does in RESTRICTING)

    @property
    def unlisted(self) -> Action:
        """What it does to a name that no other clause is for."""
        actions = (entry.does for entry in self.entries if isinstance(entry, DefaultEntry))
        return next(actions, Action.PASS)


def describe(compiled: CompiledConfig) -> list[PolicyDescription]:
    """The policies of a snapshot, in its order."""
    exempted = union(exemption.services for exemption in compiled.exemptions)
    return [_described(policy, compiled, exempted) for policy in compiled.policies]


def _described(policy: Policy, compiled: CompiledConfig, exempted: int) -> PolicyDescription:
    restricted = policy.services(*RESTRICTING)
    return PolicyDescription(
        policy.name,
        policy.vlan,
        policy.mode,
        policy.answer,
        tuple(
            address_text(address) for address in (policy.sinkhole_v4, policy.sinkhole_v6) if address
        ),
        policy.contact,
        policy.directives,
        tuple(_entries(policy, compiled)),
        _grounds(policy),
        tuple(services_in(restricted & exempted, compiled.services)),
    )


def _grounds(policy: Policy) -> tuple[Ground, ...]:
    return tuple(policy.cited_grounds[index] for index in policy.grounds_by_service)


def _entries(policy: Policy, compiled: CompiledConfig) -> list[Entry]:
    ground, grounds = policy.cited_grounds[0], _grounds(policy)
    on_services: dict[tuple[int, Action], ServiceEntry] = {}
    others: list[Entry] = []
    for clause in policy.clauses:
        match clause:
            case PolicyRules(rules=rules):
                others += [RuleEntry(rule.does, rule.text, ground) for rule in rules]
            case Services(services=services, does=does):
                for place, service in services_in(services, enumerate(compiled.services)):
                    hours = clause_hours(compiled, policy, place, does)
                    entry = ServiceEntry(does, service, grounds[place], hours)
                    on_services[place, does] = entry
            case DefaultRule(does=does):
                others.append(DefaultEntry(does, ground))
            case _:
                assert_never(clause)
    return [*(on_services[key] for key in sorted(on_services)), *others]


def service_references(
    services: Iterable[Service], all_services: Iterable[Service]
) -> tuple[str, ...]:
    """Services by their names, and a whole category as ``@category``."""
    sizes = Counter(service.category for service in all_services)
    by_category: dict[str, list[str]] = defaultdict(list)
    for service in services:
        by_category[service.category].append(service.name)
    references: list[str] = []
    for category, names in by_category.items():
        references += [f"@{category}"] if len(names) == sizes[category] else names
    return tuple(references)


def allowed_references(
    policy: PolicyDescription, all_services: Iterable[Service]
) -> tuple[str, ...]:
    """The rules, the services and the categories in the ``allow`` of a policy."""
    rules: list[str] = []
    services: list[Service] = []
    for entry in policy.entries:
        match entry:
            case RuleEntry(does=Action.PASS, text=text):
                rules.append(text)
            case ServiceEntry(does=Action.PASS, service=service):
                services.append(service)
            case RuleEntry() | ServiceEntry() | DefaultEntry():
                pass
            case _:
                assert_never(entry)
    return *rules, *service_references(services, all_services)
