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

from resolver.dns import names, special_use
from resolver.policy.address_ranges import AddressRanges
from resolver.policy.building import Pause, ancestors, no_pause
from resolver.policy.compiled import AddressRange, CompiledConfig
from resolver.policy.effect import Effect
from resolver.policy.index import Index, ends_at_label, rule_match
from resolver.policy.list_rules import ListRules
from resolver.policy.prefixes import prefix_text
from resolver.policy.rebinding import Rebinding, with_filter
from resolver.policy.verdict import BLOCKED, PASS, Verdict
from resolver.policy.view import View


class Judge:
    """Judges names and addresses by the rules and the ranges of a snapshot."""

    def __init__(self, compiled: CompiledConfig, index: Index, pause: Pause = no_pause) -> None:
        protections = [
            (group.name.encode(), with_filter(group.rebinding, compiled.filter_ranges))
            for group in compiled.groups
            if group.rebinding
        ]
        ranges = AddressRanges(compiled.ranges, [protection for _, protection in protections])
        self.ranges = ranges if compiled.ranges or protections else None
        self.rebinding = {group: Rebinding(protection, ranges) for group, protection in protections}
        """The protection against DNS rebinding of the upstream groups that have it."""
        self._ranges = compiled.ranges
        self._index = index
        self._keys = index.keys
        self._lists = lists = ListRules(compiled, index)
        self._service_of = lists.service_of
        self._protected = frozenset(compiled.protected)
        by_file = {s.file: number for number, s in enumerate(compiled.sources) if not s.of_others}
        self._names_list_of = [
            by_file.get(_names_beside(source.file)) for source in compiled.sources
        ]
        """For each list of ranges, the list of names that belongs to it."""
        # A list's exceptions and local records pass, so not all below their ancestors is blocked.
        local = [local_name.name for local_name in compiled.local]
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
        if verdict is PASS and view.unlisted is not None:
            return self._by_default(view.unlisted, name)
        return verdict

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
            verdict = self._by_target(view, name, target)
            if verdict.outcome is BLOCKED:
                return verdict.of_target(target)
            if verdict.takes_precedence(reported):
                reported = verdict.of_target(target)
        if addresses:
            verdict = self._by_ranges(view, (name, *aliases), addresses)
            if verdict.outcome is BLOCKED or verdict.takes_precedence(reported):
                return verdict
        return reported

    def covering(self, name: bytes) -> tuple[int, ...]:
        """The services whose lists cover a name (``ListRules.covering``)."""
        return self._lists.covering(name)

    def line(self, verdict: Verdict) -> int:
        """The line of the verdict's rule or range in its list; 0 if no list decided."""
        if verdict.source < 0:
            return 0
        if verdict.address and self.ranges is not None:
            within = [self._ranges[index] for index in self.ranges.of_services(verdict.address)]
            return next(prefix.line for prefix in within if prefix.source == verdict.source)
        return self._index.line(verdict.key, verdict.source, verdict.subtree)

    def _by_rules(self, view: View, name: bytes) -> Verdict:
        """Rules 1 to 4: the verdict on a name, but for the default."""
        if view.own_rules and name[-3:] in view.own_tops:
            own_verdict = self._by_own_rules(view, name)
            if own_verdict is not None:
                return own_verdict
        keys = self._keys(name[-2::-1])
        if not keys:
            return PASS
        verdict = self._by_lists(view, name, keys)
        if verdict.all_below and not self._blocks_all_below(view, name):
            return verdict.not_all_below()
        return verdict

    def _by_own_rules(self, view: View, name: bytes) -> Verdict | None:
        """Rule 1: the most specific of ``allow`` and ``deny``."""
        at = 0  # not ``names.zones``: compiled, a generator doubles the work
        while True:
            verdicts = view.own_rules.get(name[at:])
            if verdicts is not None:
                for verdict in verdicts:
                    if verdict.subtree or at == 0:
                        if verdict.all_below and not self._blocks_all_below(view, name):
                            return verdict.not_all_below()
                        return verdict
            if not name[at]:
                return None
            at += 1 + name[at]

    def _by_lists(self, view: View, name: bytes, keys: list[bytes]) -> Verdict:
        """Rules 2 to 4, from the memory of the view (``VerdictCache``) where it has the verdict.

        ``keys`` are the prefixes of the name's index key that have rules.
        """
        key = keys[-1]
        if not ends_at_label(key, name):  # but a shorter key may end at one
            return self._lists.verdict(view.effect, self._index.match(name))
        whole = len(key) == len(name) - 1
        if len(keys) == 1:
            rule = self._index.list_and_flags(key)
            if rule >= 0:
                similar = view.verdicts.of_rule(rule, whole)
                if similar is None:
                    similar = self._by_rule(view, key, rule, whole)
                return similar if similar is PASS else similar.with_key(key)
        verdict = view.verdicts.of_key(key, whole)
        if verdict is None:
            verdict = self._lists.verdict(view.effect, self._index.match(name))
            view.verdicts.keep_of_key(key, whole, verdict)
        return verdict

    def _by_rule(self, view: View, key: bytes, list_and_flags: int, whole: bool) -> Verdict:
        """The verdict by a single rule; others of its list with its flags differ in the name."""
        rule = rule_match(key, 0, list_and_flags)
        verdict = self._lists.verdict(view.effect, [rule] if rule.subtree or whole else [])
        view.verdicts.keep_of_rule(list_and_flags, whole, verdict)
        return verdict

    def _blocks_all_below(self, view: View, name: bytes) -> bool:
        """Whether no name below this one passes by an exception, a local record or an ``allow``."""
        return name not in self._above_passing and name not in view.own_above

    def _by_ranges(
        self, view: View, through: tuple[bytes, ...], addresses: tuple[bytes, ...]
    ) -> Verdict:
        """Rule 5: the verdict on addresses to which these names lead."""
        excepting: list[int] = []
        for name in through:
            own_verdict = self._by_own_rules(view, name)
            if own_verdict is not None and own_verdict.by_allow:
                return PASS
            excepting += [rule.source for rule in self._index.match(name) if rule.exception]
        reported = PASS
        for address in addresses:
            verdict = self._by_range(view.effect, excepting, address)
            if verdict.outcome is BLOCKED:
                return verdict
            if verdict.takes_precedence(reported):
                reported = verdict
        return reported

    def _by_range(self, effect: Effect, excepting: list[int], address: bytes) -> Verdict:
        """The verdict on an address; these lists of names except what leads there."""
        within = self._ranges_with(effect, excepting, address)
        if not within:
            return PASS
        services = 0
        for prefix in within:
            services |= 1 << self._service_of[prefix.source]
        tier = effect.tier(services)
        reported = next(e for e in within if tier.services >> self._service_of[e.source] & 1)
        service = self._service_of[reported.source]
        return Verdict.by_range(
            tier.outcome,
            effect.clause(service),
            service,
            source=reported.source,
            exemption=self._lists.exemption(effect, tier.outcome, service),
            address=address,
            range_text=prefix_text(reported.network, reported.length),
        )

    def _ranges_with(
        self, effect: Effect, excepting: list[int], address: bytes
    ) -> list[AddressRange]:
        """The ranges that judge an address."""
        if self.ranges is None:
            return []
        judged = effect.restricted | effect.services.outside_hours
        within = [self._ranges[index] for index in self.ranges.of_services(address)]
        return [
            prefix
            for prefix in within
            if judged >> self._service_of[prefix.source] & 1
            and self._names_list_of[prefix.source] not in excepting
        ]

    def _by_target(self, view: View, name: bytes, target: bytes) -> Verdict:
        """Rule 6: the verdict on a target of the answer to the question for a name."""
        verdict = self._by_rules(view, target)
        if self._lists.is_of_others(verdict) and self._protects(name):
            return self._lists.verdict_by_own_lists(view.effect, target)
        return verdict

    def _protects(self, name: bytes) -> bool:
        """Whether a question for this name is one that no list of others may block."""
        return not self._protected.isdisjoint(names.zones(name))

    def _by_default(self, default: Verdict, name: bytes) -> Verdict:
        """Rule 7: the default of the policy, for names that are not of this network."""
        if name in self._local or not self._of_this_network.isdisjoint(names.zones(name)):
            return PASS
        return default


def zones_of_this_network(compiled: CompiledConfig) -> list[bytes]:
    """The zones that no default is for: forwarded ones other than the root, and special-use."""
    forwarded = [forward.zone for forward in compiled.forward if forward.zone != names.ROOT]
    return [*forwarded, *special_use.ZONES]


def _names_beside(file: str) -> str:
    """The file with the names of a service, for the file with its ranges beside it."""
    return f"{file.removesuffix('.ip')}.txt"
