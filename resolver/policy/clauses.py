"""The clauses of a policy: each says which names it is for, and what the policy does to them.

A policy is its clauses. Code that compares, hashes, exports or describes a policy goes through
them, and names each kind of clause and each ``Action``: so the type checker reports the code that
lacks a new one (``typing.assert_never``). ``ORDER`` says which action counts first;
``policy.effect`` has the tiers.

To add to what a policy does: a key of the config (``config.model`` says how), then begin here.
- What it does to names: a value of ``Action`` and its ``strictness``. By hand, since no type says
  it: what is blocked and answered otherwise, in ``answers``; the texts of web/messages.
- A subject: a class below ``Variant`` in ``Clause``. By hand: what the judge needs of it in
  ``effect`` (``Effect.has_rules``) and ``view``, the verdict in ``judge``. What depends on more
  than the name comes from ``Engine.check_question``, and no view keeps it by name. ``darban diff``
  says of all questions for a name what is true of some, unless ``NameChange`` says of which:
  nothing notices.
- An outcome: a value of ``Outcome`` (``verdict``), by hand in ``server.observers``,
  ``metrics.status_reader``, ``metrics.initial_series``, ``cli.status_view``, ``web.figure_plots``,
  ``audit.period_values`` and ``outcomes`` of web/messages.
- A tier: its place in ``effect``. Hours: ``moment`` and ``effect``. An answer mode, or a part of a
  blocked answer: ``answers``, where a TTL takes the place of a constant that goes.
- How a name that passes is answered, and a switch on that: a property of ``effect``, which
  ``engine.replies`` reads. By hand: ``description``, for people.
- Each of them: a scenario; the facets of its fields (``facets``); its ``Feature`` (``features``)
  and what each enforcer makes of it (``publish.enforcers``). Where equal policies get another hash,
  ``VERSION`` in ``policy_hash`` rises. Where the release before would misread a snapshot, by a new
  value or kind of clause, ``FORM`` in ``compiled`` does, with tests/snapshot/stored_form.json; a
  new field with a default is no such case.
- A verdict depends on name, VLAN, address and time, never on other queries: a view keeps it. What
  counts queries is decided before it (``engine.limits``).
Fails until done: the type checker (readers of ``Clause``, ``Action`` and ``description.Entry``),
and tests/laws/test_policy_fields.py, test_facets.py, tests/policy, tests/publish/test_enforcers.py,
test_exact_fits.py, tests/snapshot/test_last_good.py, tests/web.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from resolver.policy.codec import Variant


class Action(StrEnum):
    """What a policy does to the names of a clause; the values are stored in snapshots."""

    PASS = "pass"
    BLOCK = "block"
    COUNT = "count"
    """They pass, and are counted as names that would be blocked."""

    @property
    def strictness(self) -> int:
        """0 where names pass, 1 where they pass and are counted, 2 where a reply is blocked."""
        match self:
            case Action.PASS:
                return 0
            case Action.COUNT:
                return 1
            case Action.BLOCK:
                return 2
            case _:
                assert_never(self)


class Mode(StrEnum):
    """The mode of a policy, as the config has it."""

    ENFORCE = "enforce"
    AUDIT = "audit"
    """What would be blocked passes, and is counted."""

    @property
    def blocks(self) -> Action:
        """What the policy does to the names that it is to block."""
        match self:
            case Mode.ENFORCE:
                return Action.BLOCK
            case Mode.AUDIT:
                return Action.COUNT
            case _:
                assert_never(self)


ORDER: Final = tuple(
    sorted(Action, key=lambda action: (action is not Action.PASS, -action.strictness))
)
"""Of what clauses do to a service, the first counts."""
RESTRICTING: Final = tuple([action for action in ORDER if action.strictness > 0])
"""What has a count: their names are blocked or counted."""
BLOCKING: Final = tuple([action for action in ORDER if action.strictness > 1])
"""What gets a blocked reply."""


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A rule in the ``allow`` or ``deny`` of a policy."""

    name: bytes
    subtree: bool
    does: Action
    text: str
    """The rule as the config writes it."""


@dataclass(frozen=True, slots=True)
class HoursCondition:
    """The hours within which, or outside of which, a clause holds."""

    hours: int
    """The index of the hours."""
    outside: bool

    def holds(self, hours: frozenset[int]) -> bool:
        """Whether the clause holds while these hours do."""
        return (self.hours in hours) is not self.outside


@dataclass(frozen=True, slots=True)
class PolicyRules(Variant):
    """The rules in the ``allow`` and ``deny`` of the policy, or of a VLAN, before all lists."""

    STORED_AS = "OwnRules"
    rules: tuple[OwnRule, ...]
    vlan: str = ""
    """The VLAN whose rules they are; empty where they are those of the policy."""


@dataclass(frozen=True, slots=True)
class Services(Variant):
    """The names in the lists of services."""

    services: int
    """One bit each."""
    does: Action
    within: HoursCondition | None = None
    """When the clause holds; None for always."""

    def holds(self, hours: frozenset[int]) -> bool:
        """Whether the clause holds while these hours do."""
        return self.within is None or self.within.holds(hours)


@dataclass(frozen=True, slots=True)
class DefaultRule(Variant):
    """All names that no other clause is for: the ``default`` of a policy that is not to pass."""

    STORED_AS = "Unlisted"
    does: Action


Clause = PolicyRules | Services | DefaultRule
