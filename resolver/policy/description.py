"""What a policy blocks and why, as values for people: for reports, pages, logs and metrics.

None of it depends on the time: ``policy.effect`` has what is in force now. What is blocked at some
hours alone is named with them.
"""

from dataclasses import dataclass
from typing import NamedTuple

from resolver.policy.compiled import CompiledConfig, Directive, Ground, Policy, Service
from resolver.policy.prefixes import address_text
from resolver.policy.service_hours import BlockingHours, blocking_hours
from resolver.policy.services import services_in, union
from resolver.policy.verdict import Outcome


class Block(NamedTuple):
    """A service that the lists of a policy block, a rule of its ``deny``, or its default."""

    text: str
    """The name of the service; the rule as the config writes it; empty for the default."""
    ground: Ground
    names: int
    """How many names it blocks, each perhaps with all below it; 0 for the default."""
    service: Service | None
    """None for a rule of ``deny`` and the default."""
    hours: tuple[BlockingHours, ...]
    """The hours within which or outside of which alone it is blocked; may be empty."""


@dataclass(frozen=True, slots=True)
class PolicyDescription:
    """A policy, for people."""

    name: str
    mode: str
    """``enforce`` or ``audit``."""
    answer: str
    """The answer mode."""
    sinkhole: tuple[str, ...]
    """Its addresses."""
    contact: str
    directives: tuple[Directive, ...]
    blocks: tuple[Block, ...]
    """The services in the order of the config, the rules of ``deny``, and the default."""
    allowed: tuple[str, ...]
    """The rules of ``allow``, as the config writes them."""
    open_services: tuple[Service, ...]
    """The services in ``allow``."""
    default: str
    """For a name that nothing covers: ``pass`` or ``block``."""
    grounds: tuple[Ground, ...]
    """Of each service of the config, also of those that pass."""
    exemptible: tuple[Service, ...]
    """The services that it blocks and some exemption permits, at whatever time."""

    @property
    def services(self) -> list[Service]:
        """The blocked services."""
        return [each.service for each in self.blocks if each.service is not None]

    @property
    def denied(self) -> tuple[str, ...]:
        """The rules of ``deny``, as the config writes them."""
        return tuple(each.text for each in self.blocks if each.service is None and each.text)

    @property
    def block_outcome(self) -> Outcome:
        """The outcome for what it blocks."""
        return Outcome.BLOCKED if self.mode == "enforce" else Outcome.WOULD_BLOCK

    @property
    def imposing_directive(self) -> Ground | None:
        """The first directive, if one is behind all that it blocks but the rules of ``deny``."""
        grounds = [each.ground for each in self.blocks if each.service is not None or not each.text]
        return grounds[0] if grounds and all(each.directive for each in grounds) else None


def describe(compiled: CompiledConfig) -> list[PolicyDescription]:
    """The policies of a snapshot, in its order."""
    exempted = union(each.exempted_services for each in compiled.exemptions)
    return [_described(policy, compiled, exempted) for policy in compiled.policies]


def _described(policy: Policy, compiled: CompiledConfig, exempted: int) -> PolicyDescription:
    grounds = tuple(policy.cited_grounds[index] for index in policy.grounds_by_service)
    hours = [blocking_hours(compiled, policy, index) for index in range(len(compiled.services))]
    return PolicyDescription(
        policy.name,
        "enforce" if policy.is_enforced else "audit",
        policy.answer_mode,
        tuple(address_text(each) for each in (policy.sinkhole_v4, policy.sinkhole_v6) if each),
        policy.contact,
        policy.directives,
        (
            *(
                Block(service.name, ground, service.entries, service, hours)
                for service, ground, hours in services_in(
                    policy.ever_blocked,
                    zip(compiled.services, grounds, hours, strict=True),
                )
            ),
            *(
                Block(rule.text, policy.cited_grounds[0], 1, None, ())
                for rule in policy.allow_and_deny
                if not rule.allow
            ),
            *([Block("", policy.cited_grounds[0], 0, None, ())] * policy.blocks_unlisted),
        ),
        tuple(rule.text for rule in policy.allow_and_deny if rule.allow),
        tuple(services_in(policy.allowed_services, compiled.services)),
        "block" if policy.blocks_unlisted else "pass",
        grounds,
        tuple(services_in(policy.ever_blocked & exempted, compiled.services)),
    )
