"""Compile a config and its lists into a snapshot.

Here names are resolved: services and categories, which only the lists define; and here the texts
of records and rules are parsed. Every mistake becomes a problem with its file and line. A snapshot
that was compiled with errors is never put in force.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from zoneinfo import ZoneInfo

from resolver.compiler import discovery, index
from resolver.compiler.catalog import ServiceCatalog
from resolver.compiler.grounds import grounds
from resolver.compiler.hours import compile_hours
from resolver.compiler.national_filter_ranges import national_filter_ranges
from resolver.compiler.own_rules import Unfit, is_reference, own_rule
from resolver.compiler.packed_rules import packed
from resolver.compiler.prefixes import compile_prefixes
from resolver.compiler.protected_names import protected_names
from resolver.compiler.service_entries import Entry, ServiceEntries, services_of
from resolver.compiler.settings import compile_settings, compile_subscriptions
from resolver.compiler.upstream_groups import forward_zones, upstream_groups
from resolver.config import model
from resolver.config.exemption_model import ExemptionConfig
from resolver.config.load import LoadedConfig
from resolver.config.policy_model import DuringConfig, PolicyConfig
from resolver.config.problems import Problem, toml_text, without_repeats
from resolver.config.provenance import Provenance
from resolver.config.toml_lines import Path
from resolver.dns import codes, presentation
from resolver.dns.local_record import LocalName
from resolver.lists.rules import BlockList
from resolver.policy import compiled as made
from resolver.policy.clauses import (
    Action,
    Clause,
    DefaultRule,
    HoursCondition,
    Mode,
    OwnRule,
    PolicyRules,
    Services,
)
from resolver.policy.expectation import Expectation
from resolver.policy.policy_hash import policy_hash
from resolver.policy.vlan_rules import policy_of_vlan
from resolver.snapshot.snapshot import Snapshot
from resolver.system.time_zones import time_zone


def compile_snapshot(
    loaded: LoadedConfig,
    lists: Sequence[BlockList],
    *,
    complete: bool = True,
    built: Callable[[str], tuple[bytes, bytes] | None] = lambda _: None,
    authorities: Mapping[str, str] = {},
    logo: str = "",
) -> tuple[Snapshot, list[Problem]]:
    """Compile a config as far as it is valid, and report the rest.

    No service counts as unknown unless ``complete``: the lists are all that the config names.
    ``built`` finds the index with a key (``index.key``), if there is one already.
    ``authorities`` has the certificates of each ``ca_file`` of an upstream group, ``logo`` that of
    the block page as a data URI.
    """
    of_services = [block_list for block_list in lists if not block_list.of_filter]
    catalog = ServiceCatalog([replace(service, rules=packed(service)) for service in of_services])
    config, provenance = loaded.config, loaded.provenance
    ranges = tuple(national_filter_ranges(lists, config.upstream.own_prefixes))
    compiler = _Compiler(config, provenance, catalog, complete, authorities, logo, ranges)
    return compiler.snapshot(built), without_repeats(compiler.problems)


@dataclass
class _Compiler:
    config: model.Config
    provenance: Provenance
    catalog: ServiceCatalog
    complete: bool
    authorities: Mapping[str, str]
    logo: str
    filter_ranges: tuple[made.FilterRange, ...]

    def __post_init__(self) -> None:
        self.problems = list(self.catalog.problems)
        self.entries = ServiceEntries(self.config, self.provenance, self.catalog)
        self.allowed = 0
        """The services that some policy allows, one bit each."""
        self.vlan_place = {name: place for place, name in enumerate(self.config.vlans)}
        self.policy_place = {name: place for place, name in enumerate(self.config.policies)}
        self.hours_place = {name: place for place, name in enumerate(self.config.hours)}
        with_rules = (
            name
            for name, vlan in self.config.vlans.items()
            if (vlan.allow or vlan.deny) and vlan.policy in self.policy_place
        )
        self.own_policy_place = {
            name: place for place, name in enumerate(with_rules, len(self.config.policies))
        }
        """The places of the policies of VLANs with rules of their own, after all of the config.

        A VLAN whose policy is unknown, which is a problem already, has none.
        """

    def snapshot(self, built: Callable[[str], tuple[bytes, bytes] | None]) -> Snapshot:
        of_lists = [packed(block_list) for block_list in self.catalog.lists]
        key = index.key(of_lists)
        trie, rules = built(key) or index.build(of_lists)
        excepted = set(chain.from_iterable(block_list.facts.exceptions for block_list in of_lists))
        config = self.config
        policies = [self.policy(name, policy) for name, policy in config.policies.items()]
        compiled = made.CompiledConfig(
            services=self.catalog.services,
            sources=self.catalog.sources,
            policies=(*policies, *self.of_vlans(policies)),
            vlans=tuple(self.vlans()),
            prefixes=tuple(compile_prefixes(vlan.prefixes for vlan in config.vlans.values())),
            exemptions=tuple(
                self.exemption(i, exemption) for i, exemption in enumerate(config.exemptions)
            ),
            exempted_prefixes=tuple(
                compile_prefixes(exemption.prefixes for exemption in config.exemptions)
            ),
            excepted=tuple(sorted(excepted)),
            local=tuple(self.local_names()),
            forward=tuple(forward_zones(config)),
            groups=tuple(upstream_groups(config, self.authorities)),
            subscriptions=tuple(compile_subscriptions(config)),
            settings=compile_settings(config, self.logo),
            ranges=self.catalog.ranges,
            firewall_ranges=self.catalog.firewall_ranges,
            filter_ranges=self.filter_ranges,
            protected=tuple(sorted(protected_names(self.config))),
            hours=tuple(self.hours()),
            expectations=tuple(self.expectations()),
        )
        compiled = replace(compiled, allowed_names=self.allowed_names())
        self.expected_services()
        self.time_zone(("report", "time_zone"), self.config.report.time_zone)
        if compiled.policies:  # without one, a VLAN's policy is already a problem
            compiled = replace(compiled, policy_hash=policy_hash(compiled))
        return Snapshot(compiled, trie, rules, key)

    def wrong(self, path: Path, actual: str, expected: str, advice: str = "") -> None:
        self.problems.append(self.provenance.problem(path, actual, expected, advice))

    def members(self, path: Path, references: Iterable[str]) -> int:
        """The set of services that references mean; unknown ones become problems."""
        return self.members_at(path, enumerate(references))

    def members_at(self, path: Path, references: Iterable[tuple[int, str]]) -> int:
        """The same for references with their places."""
        services = 0
        for place, reference in references:
            if self.catalog.members(reference) is None and self.complete:
                expected = self.catalog.instead_of(reference)
                self.wrong((*path, place), toml_text(reference), *expected)
            services |= self.catalog.known_members([reference])
        return services

    def policy(self, name: str, policy: PolicyConfig) -> made.Policy:
        path: Path = ("policies", name)
        directives = self.config.directives
        cited = {
            directive: directives[directive]
            for directive in policy.directives
            if directive in directives
        }
        stands_on, ground_of = grounds(cited, self.catalog)
        sinkhole = {address.version: address.packed for address in reversed(policy.sinkhole)}
        return made.Policy(
            name=name,
            clauses=tuple(self.of_policy(path, policy)),
            answer=policy.answer,
            sinkhole_v4=sinkhole.get(4, b""),
            sinkhole_v6=sinkhole.get(6, b""),
            directives=tuple(_directive(directive, directives) for directive in cited.values()),
            cited_grounds=stands_on,
            grounds_by_service=ground_of,
            contact=policy.contact,
            upstream=policy.upstream,
            title=policy.title,
        )

    def of_vlans(self, policies: Sequence[made.Policy]) -> Iterator[made.Policy]:
        """The policies of VLANs with rules of their own, which come before those of the policy."""
        for name, vlan in self.config.vlans.items():
            path: Path = ("vlans", name)
            place = self.policy_place.get(vlan.policy)
            mode = Mode.ENFORCE if place is None else Mode(self.config.policies[vlan.policy].mode)
            rules = self.deny_and_allow(path, vlan.deny, enumerate(vlan.allow), mode.blocks)
            if place is not None and name in self.own_policy_place:
                yield policy_of_vlan(policies[place], name, rules)

    def of_policy(self, path: Path, policy: PolicyConfig) -> Iterator[Clause]:
        """The clauses of a policy; in audit mode it counts what it would block."""
        blocks = Mode(policy.mode).blocks
        default = Action.COUNT if policy.default == "count" else blocks
        self.members((*path, "except"), policy.except_)
        self.problems += self.entries.idle_exceptions(str(path[1]))
        block = self.of_services((*path, "block"), enumerate(policy.block))
        count = self.of_services((*path, "count"), enumerate(policy.count))
        names = list(enumerate(policy.allow))
        allow: list[Entry] = []
        if policy.default != "pass":
            references = [entry for entry in names if is_reference(entry[1])]
            names = [entry for entry in names if not is_reference(entry[1])]
            allow = self.of_services((*path, "allow"), references)
            self.problems += self.entries.opposites(block, allow)
        blocked, counted = services_of(block), services_of(count)
        allow = [entry._replace(services=entry.services & ~blocked) for entry in allow]
        passes = services_of(allow)
        self.allowed |= passes
        self.problems += self.entries.contradictions(count, [*block, *allow], "counted")
        hourly = list(self.during((*path, "during"), policy.during, blocks, allow, block + count))
        rules = self.deny_and_allow(path, policy.deny, names, blocks)
        if rules:
            yield PolicyRules(rules)
        rest = self.catalog.all() & ~(passes | blocked | counted)
        on_services = (
            *(Services(passes, Action.PASS), Services(blocked, blocks)),
            Services(counted, Action.COUNT),
            *hourly,
            Services(rest if policy.default != "pass" else 0, default),
        )
        yield from (clause for clause in on_services if clause.services)
        if policy.default != "pass":
            yield DefaultRule(default)

    def of_services(self, path: Path, references: Iterable[tuple[int, str]]) -> list[Entry]:
        """The entries of a policy's array that name services; unknown ones become problems."""
        listed = list(references)
        self.members_at(path, listed)
        return self.entries.of(path, listed)

    def allowed_names(self) -> tuple[bytes, ...]:
        lists = zip(self.catalog.sources, self.catalog.lists, strict=True)
        allowed = [of.rules for source, of in lists if self.allowed >> source.service & 1]
        rules = chain.from_iterable(allowed)
        return tuple(sorted({rule.name for rule in rules if not rule.exception}))

    def during(
        self,
        path: Path,
        during: Sequence[DuringConfig],
        blocks: Action,
        allow: Sequence[Entry],
        always: Sequence[Entry],
    ) -> Iterator[Services]:
        """The clauses of some hours; those of all hours, ``allow`` and ``always``, go before."""
        for place, part in enumerate(during):
            outside = part.outside is not None
            hours = self.hours_place.get(str(part.outside if outside else part.hours))
            block = self.of_services((*path, place, "block"), enumerate(part.block))
            count = self.of_services((*path, place, "count"), enumerate(part.count))
            self.problems += self.entries.contradictions(block, allow, "blocked")
            before = [*allow, *always, *block]
            self.problems += self.entries.contradictions(count, before, "counted")
            if hours is not None:  # else this is a problem already
                within = HoursCondition(hours, outside)
                yield Services(services_of(block), blocks, within)
                yield Services(services_of(count), Action.COUNT, within)

    def hours(self) -> Iterable[made.Hours]:
        for name, hours in self.config.hours.items():
            zone = self.time_zone(("hours", name, "time_zone"), hours.time_zone)
            yield compile_hours(name, hours, zone)

    def expectations(self) -> Iterable[Expectation]:
        for _, expect in self.config.questions():
            if expect.at is None and expect.outcome != "exempted":
                yield Expectation(
                    client=str(expect.client),
                    question_name=expect.name,
                    question_type=codes.parse_type(expect.type) or 0,
                    outcome=expect.outcome,
                    service=expect.service or "",
                    within=None if expect.hours is None else self.hours_place.get(expect.hours),
                )

    def time_zone(self, path: Path, name: str) -> ZoneInfo:
        zone = time_zone(name)
        if zone is None:
            self.wrong(path, toml_text(name), 'a time zone such as "Asia/Tehran"')
            return ZoneInfo("UTC")  # the snapshot will not be used
        return zone

    def deny_and_allow(
        self, path: Path, deny: Iterable[str], allow: Iterable[tuple[int, str]], blocks: Action
    ) -> tuple[OwnRule, ...]:
        """The rules of a policy or a VLAN; what is in both, however it is written, is a problem."""
        denied = self.own_rules((*path, "deny"), enumerate(deny), blocks)
        allowed = self.own_rules((*path, "allow"), allow, Action.PASS)
        first = {(rule.name, rule.subtree): at for at, rule in reversed(allowed.items())}
        for at, rule in denied.items():
            if (before := first.get((rule.name, rule.subtree))) is not None:
                advice = f"It is also at {self.provenance.location(before)}."
                self.wrong(at, toml_text(rule.text), "each name once", advice)
        return *denied.values(), *allowed.values()

    def own_rules(
        self, path: Path, texts: Iterable[tuple[int, str]], does: Action
    ) -> dict[Path, OwnRule]:
        """The rules of ``allow``, ``deny`` or ``except``; what is no rule is a problem."""
        rules: dict[Path, OwnRule] = {}
        for place, text in texts:
            is_service = not text.startswith("@") and self.catalog.members(text) is not None
            rule = own_rule(text, does, is_service=is_service)
            if isinstance(rule, Unfit):
                self.wrong((*path, place), toml_text(text), *rule)
            else:
                rules[*path, place] = rule
        return rules

    def vlans(self) -> Iterable[made.Vlan]:
        for name, vlan in self.config.vlans.items():
            # An unknown policy is already a problem; the snapshot will not be used.
            policy = self.own_policy_place.get(name, self.policy_place.get(vlan.policy, 0))
            rate = vlan.queries_per_address or self.config.limits.queries_per_address
            yield made.Vlan(
                name=name,
                id=vlan.id,
                policy=policy,
                queries_per_address=rate,
                interface=vlan.interface or "",
                title=vlan.title,
            )

    def exemption(self, place: int, exemption: ExemptionConfig) -> made.Exemption:
        vlan = None if exemption.vlan is None else self.vlan_place.get(exemption.vlan)
        return made.Exemption(
            id=exemption.id,
            vlan=vlan,
            services=self.members(("exemptions", place, "services"), exemption.services),
            until=exemption.until.timestamp(),
            approver=exemption.approver,
            ticket=exemption.ticket,
            reason=exemption.reason,
            from_=0.0 if exemption.from_ is None else exemption.from_.timestamp(),
            hours=self.hours_place.get(exemption.hours or ""),
        )

    def local_names(self) -> Iterable[LocalName]:
        """The names of the config, and the one by which clients find encrypted DNS."""
        yield from (self.local(i, local_name) for i, local_name in enumerate(self.config.local))
        if not any(local_name.name == discovery.DISCOVERY for local_name in self.config.local):
            yield from discovery.designated_resolvers(self.config)

    def local(self, place: int, local: model.LocalConfig) -> LocalName:
        records = []
        for number, record in enumerate(local.records):
            try:
                records.append(presentation.parse(record.type, record.data, record.ttl))
            except presentation.InvalidRecord as error:
                path: Path = ("local", place, "records", number)
                self.wrong(path, f'"{record.type} {record.data}"', "a record", f"{error}.")
        if len(records) > 1 and any(parsed.rtype == codes.CNAME for parsed in records):
            alone = "a CNAME alone (RFC 1034 section 3.6.2)"
            self.wrong(("local", place, "records"), f"{len(records)} records", alone, "")
        return LocalName(local.name, tuple(records))

    def expected_services(self) -> None:
        for place, expectation in enumerate(self.config.expect):
            service = expectation.service
            if service and self.complete and self.catalog.members(service) is None:
                instead = self.catalog.instead_of_service(service)
                self.wrong(("expect", place, "service"), toml_text(service), *instead)
            self.members(("expect", place, "services"), expectation.services)
            self.own_rules(("expect", place, "except"), enumerate(expectation.except_), Action.PASS)
        for name, directive in self.config.directives.items():
            self.members(("directives", name, "covers"), directive.covers)


def _directive(
    of: model.DirectiveConfig, known: Mapping[str, model.DirectiveConfig]
) -> made.Directive:
    narrowed = known.get(of.narrows or "")
    return made.Directive(of.number, str(of.date), narrowed.number if narrowed else "")
