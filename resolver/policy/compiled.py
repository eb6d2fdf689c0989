"""The compiled config: all data that a worker needs, in plain values that files can hold.

The compiler makes it from a config and its lists. It is stored in a snapshot, with its index
(``snapshot.snapshot``). Workers read the snapshot; they never read the config. Services, lists,
policies and VLANs refer to each other by their index in these tuples. What is not policy is in
``settings``, ``upstream_groups`` and ``dns.local_record``.

No value depends on the clock. An exemption holds the moment at which it ends.
"""

import datetime as dt
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, assert_never

from resolver.dns.local_record import LocalName
from resolver.policy.clauses import (
    BLOCKING,
    Action,
    Clause,
    DefaultRule,
    Mode,
    OwnRule,
    PolicyRules,
    Services,
)
from resolver.policy.codec import stored_as
from resolver.policy.expectation import Expectation
from resolver.policy.prefix import Prefix
from resolver.policy.services import union
from resolver.policy.settings import Settings, Subscription
from resolver.policy.upstream_groups import ConfiguredGroup, ForwardZone
from resolver.system.english import day_text

FORM: Final = 2
"""The form of a stored snapshot: it rises where an earlier release would misread what this one
writes. A new field is no such case: the earlier release finds one that it does not know."""


@dataclass(frozen=True, slots=True)
class Service:
    """A messenger, or a DNS bypass."""

    name: str
    category: str
    title: str
    persian: str
    """The title in Persian; may be empty."""
    always_nxdomain: bool
    """A canary domain: clients understand only NXDOMAIN."""
    entries: int
    """The number of blocking rules in its lists."""
    reviewed: str
    """The day of the last review of its lists, the oldest of several; may be empty."""


@dataclass(frozen=True, slots=True)
class RefusedRule:
    """A rule of a list of others that is not used, since it would block protected names."""

    name: bytes
    subtree: bool
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ListSource:
    """One list of a service."""

    file: str
    """The file, or the URL that the list is fetched from."""
    service: int
    name: str
    """The name in metrics."""
    entries: int
    """The number of its blocking rules."""
    fallback: bool = False
    """Whether it is an older copy, since the newest that was fetched is damaged."""
    longest_match: bool = False
    """Whether an exception cancels only rules that are no more specific, as in RPZ."""
    refused: tuple[RefusedRule, ...] = ()
    """The first rules that are not used, for ``darban explain``."""
    of_others: bool = False
    """Whether others maintain it: it is no file of a directory of lists."""
    rules: str = ""
    """A hash of its rules (``policy_hash.rules_digest``); empty in a snapshot before 1.2.0."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The reason for a block: a directive, or the agency's own policy."""

    directive: str
    """The number of the directive; empty for the agency's own policy."""
    text: str


AGENCY_POLICY: Final = Ground("", "agency network policy")


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive that a policy implements."""

    number: str
    date: str
    """In the form 2015-02-18."""
    narrows: str
    """The number of the directive that this one narrows; may be empty."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of the week."""

    name: str
    days: tuple[str, ...]
    """As the config has them: ``sat``."""
    begin: str
    """As in 07:30."""
    end: str
    time_zone: str
    holidays: tuple[str, ...]
    """As in 2027-03-20."""
    moments: tuple[float, ...]
    """When they begin and end in turn, in Unix time, for a number of years."""

    @property
    def text(self) -> str:
        """In one line: days, time, time zone and holidays."""
        week = f"{' '.join(self.days)} {self.begin}-{self.end} {self.time_zone}"
        days = ", ".join(day_text(dt.date.fromisoformat(day)) for day in self.holidays)
        return f"{week}, but not on {days}" if days else week


@dataclass(frozen=True, slots=True)
class Policy:
    """What is blocked or counted, how a blocked query is answered, and for what reason.

    A VLAN with ``allow`` or ``deny`` of its own has a policy of its own: that which it names, with
    a clause of the VLAN before it.
    """

    name: str
    """As the config names it; that of a VLAN has the name of the policy that the VLAN names."""
    clauses: tuple[Clause, ...]
    answer: str = field(metadata=stored_as("answer_mode"))
    sinkhole_v4: bytes
    sinkhole_v6: bytes
    directives: tuple[Directive, ...]
    cited_grounds: tuple[Ground, ...]
    """The first is the agency's own policy."""
    grounds_by_service: tuple[int, ...]
    """For each service, the index of its ground."""
    contact: str
    upstream: str
    title: str = ""
    """What people call it, in the language of the agency; may be empty."""

    @property
    def vlan(self) -> str:
        """The VLAN for whose own rules it is; empty for a policy of the config."""
        return next((rules.vlan for rules in self.on_own_rules if rules.vlan), "")

    @property
    def on_own_rules(self) -> tuple[PolicyRules, ...]:
        """Its clauses of own rules."""
        return tuple(clause for clause in self.clauses if isinstance(clause, PolicyRules))

    @property
    def own_rules(self) -> tuple[OwnRule, ...]:
        """Its own rules, in the order of the config."""
        return tuple(chain.from_iterable(clause.rules for clause in self.on_own_rules))

    @property
    def on_services(self) -> tuple[Services, ...]:
        """Its clauses on services."""
        return tuple(clause for clause in self.clauses if isinstance(clause, Services))

    @property
    def unlisted(self) -> Action:
        """What it does to the names that no other clause is for."""
        actions = (clause.does for clause in self.clauses if isinstance(clause, DefaultRule))
        return next(actions, Action.PASS)

    def services(self, *does: Action) -> int:
        """The services to which it does one of these at some time, one bit each."""
        return union(clause.services for clause in self.on_services if clause.does in does)

    @property
    def used_services(self) -> int:
        """The services whose lists decide at some time, one bit each."""
        return self.services(*Action)

    def does(self, *what: Action) -> bool:
        """Whether it does one of these to any name at some time."""
        for clause in self.clauses:
            match clause:
                case PolicyRules(rules=rules):
                    is_done = any(rule.does in what for rule in rules)
                case Services(does=does) | DefaultRule(does=does):
                    is_done = does in what
                case _:
                    assert_never(clause)
            if is_done:
                return True
        return False

    @property
    def mode(self) -> Mode:
        """Audit if it counts some names and blocks none."""
        is_audit = self.does(Action.COUNT) and not self.does(*BLOCKING)
        return Mode.AUDIT if is_audit else Mode.ENFORCE


@dataclass(frozen=True, slots=True)
class Vlan:
    """A set of clients with one policy."""

    name: str
    id: int | None
    policy: int
    queries_per_address: int = 1000
    """A second, from each client."""
    interface: str = ""
    """The interface on which its clients with link-local addresses ask; may be empty."""
    title: str = ""
    """What people call it, in the language of the agency; may be empty."""


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Addresses of a service; an answer with one of them is judged as its names are."""

    network: bytes
    """4 or 16 octets."""
    length: int
    source: int
    """The index of its list."""
    line: int


@dataclass(frozen=True, slots=True)
class FilterRange:
    """Addresses that a filter on the path to the upstreams answers with."""

    network: bytes
    """4 or 16 octets."""
    length: int
    meaning: str
    """What they stand for, in the words of the file; may be empty."""
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Exemption:
    """Services that pass for a VLAN, or for the prefixes that this exemption owns."""

    id: str
    vlan: int | None = field(metadata=stored_as("exempted_vlan"))
    services: int = field(metadata=stored_as("exempted_services"))
    """One bit each."""
    until: float = field(metadata=stored_as("ends_at"))
    """Unix time in seconds."""
    approver: str
    ticket: str
    reason: str
    from_: float = field(default=0.0, metadata=stored_as("begins_at"))
    """Unix time in seconds."""
    hours: int | None = field(default=None, metadata=stored_as("exempted_hours"))
    """The hours within which it is in force; None for always."""


@dataclass(frozen=True, slots=True)
class CompiledConfig:
    """A snapshot without its index."""

    services: tuple[Service, ...]
    sources: tuple[ListSource, ...]
    policies: tuple[Policy, ...]
    vlans: tuple[Vlan, ...]
    prefixes: tuple[Prefix, ...]
    exemptions: tuple[Exemption, ...]
    exempted_prefixes: tuple[Prefix, ...]
    excepted: tuple[bytes, ...]
    """The names of the exceptions in lists."""
    local: tuple[LocalName, ...]
    forward: tuple[ForwardZone, ...]
    groups: tuple[ConfiguredGroup, ...]
    subscriptions: tuple[Subscription, ...]
    settings: Settings
    ranges: tuple[AddressRange, ...] = ()
    policy_hash: str = ""
    """Equal where the policy is (``policy.policy_hash``); that of 0.1.0 has no version."""
    protected: tuple[bytes, ...] = ()
    """Names that no list of others may block, each with all names below it."""
    hours: tuple[Hours, ...] = ()
    form: int = FORM
    allowed_names: tuple[bytes, ...] = ()
    """The names of the rules of services that some policy allows."""
    expectations: tuple[Expectation, ...] = ()
    """Those that hold whatever is exempted; one for a moment, or for an exemption, is not here."""
    firewall_ranges: tuple[AddressRange, ...] = ()
    """Ranges for firewalls alone: no answer is judged by them."""
    filter_ranges: tuple[FilterRange, ...] = ()
    """The addresses of a filter, without the agency's own prefixes."""
