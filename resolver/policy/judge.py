"""Judge names and addresses: the only place that decides whether a query is blocked.

``check_query`` judges the name of the question. ``check_answer`` judges the targets and the
addresses in an answer. Both take values, not messages. All callers use them: fresh and cached
answers, ``explain``, ``diff``. They are pure: the same view and the same values give the same
verdict.

The order of the rules, and the reasons:
1. The policy's own ``allow`` and ``deny`` come before every list; the operator decides. The most
   specific rule wins; of two that are equally specific, ``allow`` wins. Those of the VLAN come
   before those of the policy, which lacks the rules that they cover (``policy.vlan_rules``).
2. The lists of services come next. An exception in a list cancels only rules of the same list, so
   a list cannot allow what another list blocks. In a list with ``longest_match`` it cancels only
   rules that are no more specific.
3. Of the services of the remaining rules, those in the first tier of the effect decide
   (``Effect.tiers``): those that the policy allows, then those that it blocks and that are not
   exempted, those that it counts, those that are exempted, and those of other hours.
4. The verdict reports the most specific rule; of several, that of the first list by name.
5. An address in the answer blocks if it lies in a range of a service that the policy blocks. It
   does not if the question, or an alias on the way to the address, is covered by the policy's
   ``allow``, or by an exception in the list of names beside the ranges: ``telegram.txt`` and
   ``telegram.ip`` are one list. The target of an HTTPS record is not on the way: its hints are
   written by the owner of the record, not by the owner of the target.
6. No list of others blocks a target of a protected name: it may not block the name itself
   (``lists.guard``). ``deny`` and the agency's own lists do.
7. A question that nothing covers is blocked if the default of the policy says so. Forwarded zones
   other than the root, local names and special-use names are of this network and pass the
   default. It judges no target and no address: an allowed name may lead anywhere.

Private addresses in the answers of an upstream group are no matter of a policy
(``policy.rebinding``).
"""

from typing import Final

from resolver.dns import names, special_use
from resolver.policy.address_ranges import AddressRanges
from resolver.policy.building import Pause, ancestors, no_pause
from resolver.policy.clauses import Does
from resolver.policy.compiled import CompiledConfig
from resolver.policy.effect import Effect, Tier
from resolver.policy.index import Index, RuleMatch, ends_at_label, rule_match
from resolver.policy.prefixes import prefix_text
from resolver.policy.rebinding import Rebinding
from resolver.policy.verdict import (
    BLOCKED,
    NO_SERVICE,
    PASS,
    Outcome,
    Verdict,
)
from resolver.policy.view import View

_MAX_VERDICTS: Final = 4096
"""When a view keeps this many verdicts in a table, the next one clears the table."""


class Judge:
    """Judges names and addresses by the rules and the ranges of a snapshot."""

    def __init__(self, compiled: CompiledConfig, index: Index, pause: Pause = no_pause) -> None:
        protections = [(g.name.encode(), g.rebinding) for g in compiled.groups if g.rebinding]
        ranges = AddressRanges(compiled.ranges, [each for _, each in protections])
        self.ranges = ranges if compiled.ranges or protections else None
        self.rebinding = {group: Rebinding(each, ranges) for group, each in protections}
        """The protection against DNS rebinding of the upstream groups that have it."""
        self._ranges = compiled.ranges
        self._index = index
        self._keys = index.keys
        self._service_of = [source.service for source in compiled.sources]
        self._longest_match = [source.longest_match for source in compiled.sources]
        self._files = [source.file for source in compiled.sources]
        self._of_others = [source.of_others for source in compiled.sources]
        self._protected = frozenset(compiled.protected)
        by_file = {s.file: number for number, s in enumerate(compiled.sources) if not s.of_others}
        self._names_list_of = [by_file.get(_names_beside(file), -1) for file in self._files]
        """For each list of ranges, the list of names that belongs to it."""
        self._exempted = [exemption.exempted_services for exemption in compiled.exemptions]
        # A list's exceptions and local records pass, so not all below their ancestors is blocked.
        local = [each.name for each in compiled.local]
        self._above_passing = ancestors(
            compiled.excepted, local, compiled.allowed_names, pause=pause
        )
        self._local = frozenset(local)
        self._of_this_network = frozenset(zones_of_this_network(compiled))

    def check_query(self, view: View, name: bytes) -> Verdict:
        """Judge the name of a question, in lower-case wire form. The type does not matter."""
        if not view.has_rules:
            return PASS
        verdict = self._by_rules(view, name)
        if verdict is PASS and view.unlisted is not None and not self._passes_default(name):
            return view.unlisted
        return verdict

    def _passes_default(self, name: bytes) -> bool:
        """Whether the default of a policy is not for a name."""
        return name in self._local or not self._of_this_network.isdisjoint(names.zones(name))

    def _by_rules(self, view: View, name: bytes) -> Verdict:
        """Judge a name by all but the default."""
        if view.own_rules and name[-3:] in view.own_tops:
            own = self._by_own_rules(view, name)
            if own is not None:
                return own
        keys = self._keys(name[-2::-1])
        if not keys:
            return PASS
        verdict = self._by_lists(view, name, keys)
        if verdict.all_below and not self._blocks_all_below(view, name):
            return verdict.not_all_below()
        return verdict

    def line(self, verdict: Verdict) -> int:
        """The line of the verdict's rule or range in its list; 0 if no list decided."""
        if verdict.source < 0:
            return 0
        if verdict.address and self.ranges is not None:
            within = [self._ranges[each] for each in self.ranges.of_services(verdict.address)]
            return next(each.line for each in within if each.source == verdict.source)
        return self._index.line(verdict.key, verdict.source, verdict.subtree)

    def _by_lists(self, view: View, name: bytes, keys: list[bytes]) -> Verdict:
        """Judge by the lists; ``keys`` are the prefixes of the name's index key that have rules.

        The longest key determines the others. So a view keeps two verdicts by the longest key:
        one for the name of the key, and one for all names below it.
        """
        key = keys[-1]
        if not ends_at_label(key, name):  # but a shorter key may end at one
            return self._of_matches(view, self._index.match(name))
        whole = len(key) == len(name) - 1
        if len(keys) == 1:
            rule = self._index.list_and_flags(key)
            if rule >= 0:
                by_rule = view.verdicts_by_rule
                similar = by_rule.get(rule << 1 | whole)
                if similar is None:
                    similar = by_rule[rule << 1 | whole] = self._of_rule(view, key, rule, whole)
                return similar if similar is PASS else similar.with_key(key)
        verdicts = view.verdicts_at if whole else view.verdicts_below
        verdict = verdicts.get(key)
        if verdict is None:
            if len(verdicts) >= _MAX_VERDICTS:
                verdicts.clear()
            verdict = verdicts[key] = self._of_matches(view, self._index.match(name))
        return verdict

    def _of_rule(self, view: View, key: bytes, list_and_flags: int, whole: bool) -> Verdict:
        """The verdict by a single rule; others of its list with its flags differ in the name."""
        rule = rule_match(key, 0, list_and_flags)
        return self._of_matches(view, [rule] if rule.subtree or whole else [])

    def check_answer(
        self, view: View, name: bytes, targets: tuple[bytes, ...], aliases: tuple[bytes, ...],
        addresses: tuple[bytes, ...],
    ) -> Verdict:  # fmt: skip
        """Judge the answer to the question for a name.

        The first blocked target decides, then the first blocked address. If none is blocked, the
        verdict reports the first one that is exempted or would be blocked.

        Args:
            view: The view of the client.
            name: The name of the question, in lower-case wire form.
            targets: Of CNAME, DNAME, SVCB and HTTPS records, in the order of the answer.
            aliases: The targets of its alias chain, whose end is the owner of the addresses.
            addresses: Of A and AAAA records and of hints, what ``AddressRanges.distinct`` gives.
        """
        reported = PASS
        if not view.has_rules:
            return reported
        for target in targets:
            verdict = self._by_rules(view, target)
            if verdict.source >= 0 and self._of_others[verdict.source] and self._protects(name):
                verdict = self._by_own_lists(view, target)
            if verdict.outcome is BLOCKED:
                return verdict.of_target(target)
            if verdict.outranks(reported):
                reported = verdict.of_target(target)
        if addresses:
            verdict = self._of_addresses(view, (name, *aliases), addresses)
            if verdict.outcome is BLOCKED or verdict.outranks(reported):
                return verdict
        return reported

    def _protects(self, name: bytes) -> bool:
        """Whether a question for this name is one that no list of others may block."""
        return not self._protected.isdisjoint(names.zones(name))

    def _by_own_lists(self, view: View, name: bytes) -> Verdict:
        """Judge by the lists of the agency, and by those of others that only let names pass."""
        passes = view.effect.services.doing[Does.PASS]
        rules = [
            each
            for each in self._index.match(name)
            if not self._of_others[each.source] or passes >> self._service_of[each.source] & 1
        ]
        return self._of_matches(view, rules)

    def _of_addresses(
        self, view: View, through: tuple[bytes, ...], addresses: tuple[bytes, ...]
    ) -> Verdict:
        """Judge addresses to which these names lead."""
        excepting: list[int] = []
        for name in through:
            own = self._by_own_rules(view, name)
            if own is not None and own.by_allow:
                return PASS
            excepting += [rule.source for rule in self._index.match(name) if rule.exception]
        reported = PASS
        for address in addresses:
            verdict = self._of_address(view, excepting, address)
            if verdict.outcome is BLOCKED:
                return verdict
            if verdict.outranks(reported):
                reported = verdict
        return reported

    def _of_address(self, view: View, excepting: list[int], address: bytes) -> Verdict:
        """The verdict on an address; these lists of names except what leads there."""
        if self.ranges is None:
            return PASS
        effect = view.effect
        judged = effect.restricted | effect.services.asleep
        within = [self._ranges[each] for each in self.ranges.of_services(address)]
        within = [
            each
            for each in within
            if judged >> self._service_of[each.source] & 1
            and self._names_list_of[each.source] not in excepting
        ]
        if not within:
            return PASS
        tier = self._tier(effect, [each.source for each in within])
        reported = next(e for e in within if tier.services >> self._service_of[e.source] & 1)
        service = self._service_of[reported.source]
        return Verdict(
            tier.outcome,
            effect.clause(service),
            service,
            source=reported.source,
            exemption=self._exemption(effect, tier.outcome, service),
            address=address,
            range_text=prefix_text(reported.network, reported.length),
        )

    def _blocks_all_below(self, view: View, name: bytes) -> bool:
        """Whether no name below this one passes by an exception, a local record or an ``allow``."""
        return name not in self._above_passing and name not in view.own_above

    def _by_own_rules(self, view: View, name: bytes) -> Verdict | None:
        at = 0  # not ``names.zones``: compiled, a generator doubles the work
        while True:
            found = view.own_rules.get(name[at:])
            if found is not None:
                for verdict in found:
                    if verdict.subtree or at == 0:
                        if verdict.all_below and not self._blocks_all_below(view, name):
                            return verdict.not_all_below()
                        return verdict
            if not name[at]:
                return None
            at += 1 + name[at]

    def _of_matches(self, view: View, matches: list[RuleMatch]) -> Verdict:
        """The verdict by the rules that cover a name."""
        if not matches:
            return PASS
        effect = view.effect
        if len(matches) == 1:  # nearly always
            rule = matches[0]
            if rule.exception or not effect.listed >> self._service_of[rule.source] & 1:
                return PASS
            tier = self._tier(effect, [rule.source])
            return self._verdict(effect, tier.outcome, rule, rule.subtree)
        rules = [
            rule
            for rule in self._uncancelled(matches)
            if effect.listed >> self._service_of[rule.source] & 1
        ]
        if not rules:
            return PASS
        tier = self._tier(effect, [rule.source for rule in rules])
        rules = [rule for rule in rules if tier.services >> self._service_of[rule.source] & 1]
        reported = min(rules, key=self._precedence)
        all_below = any(rule.subtree for rule in rules)
        return self._verdict(effect, tier.outcome, reported, all_below)

    def covering(self, name: bytes) -> tuple[int, ...]:
        """The services whose lists cover a name, after their exceptions.

        The first has the most specific rule: of those that decide, the first is reported.
        """
        matches = self._index.match(name)
        if len(matches) < 2:  # nearly always
            return tuple([self._service_of[e.source] for e in matches if not e.exception])
        rules = sorted(self._uncancelled(matches), key=self._precedence)
        return tuple(dict.fromkeys([self._service_of[rule.source] for rule in rules]))

    def _uncancelled(self, matches: list[RuleMatch]) -> list[RuleMatch]:
        """The blocking rules among those that cover a name, which no exception cancels."""
        exceptions = [rule for rule in matches if rule.exception]
        return [
            rule
            for rule in matches
            if not rule.exception and not self._is_cancelled(rule, exceptions)
        ]

    def _tier(self, effect: Effect, sources: list[int]) -> Tier:
        """The tier that decides where rules of these lists cover a name."""
        services = 0
        for source in sources:
            services |= 1 << self._service_of[source]
        return effect.tier(services)

    def _is_cancelled(self, rule: RuleMatch, exceptions: list[RuleMatch]) -> bool:
        """Whether an exception of the rule's own list cancels the rule."""
        source = rule.source
        longest = self._longest_match[source]
        return any(
            each.source == source
            and (
                not longest
                or (len(each.key), not each.subtree) >= (len(rule.key), not rule.subtree)
            )
            for each in exceptions
        )

    def _precedence(self, rule: RuleMatch) -> tuple[int, bool, str, int]:
        """A sort key: the most specific rule first, then the first list by name."""
        return -len(rule.key), rule.subtree, self._files[rule.source], rule.line

    def _verdict(
        self, effect: Effect, outcome: Outcome, rule: RuleMatch, all_below: bool
    ) -> Verdict:
        service = self._service_of[rule.source]
        clause = effect.clause(service)
        return Verdict(
            outcome,
            clause,
            NO_SERVICE if clause.does is Does.PASS else service,
            rule.key,
            rule.subtree,
            rule.source,
            self._exemption(effect, outcome, service),
            b"",
            all_below,
        )

    def _exemption(self, effect: Effect, outcome: Outcome, service: int) -> int:
        """The exemption that applies to a service; -1 if none does."""
        if outcome is not Outcome.EXEMPTED:
            return -1
        exempted = self._exempted
        return next(place for place in effect.exemptions if exempted[place] >> service & 1)


def zones_of_this_network(compiled: CompiledConfig) -> list[bytes]:
    """The zones that no default is for: forwarded ones other than the root, and special-use."""
    forwarded = [each.zone for each in compiled.forward if each.zone != names.ROOT]
    return [*forwarded, *special_use.ZONES]


def _names_beside(file: str) -> str:
    """The file with the names of a service, for the file with its ranges beside it."""
    return f"{file.removesuffix('.ip')}.txt"
