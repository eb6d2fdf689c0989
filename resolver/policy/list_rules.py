"""The verdict by the rules of lists that cover a name: rules 2 to 4 of ``policy.judge``."""

from resolver.policy.clauses import Action
from resolver.policy.compiled import CompiledConfig
from resolver.policy.effect import Effect
from resolver.policy.index import Index, RuleMatch
from resolver.policy.verdict import NO_SERVICE, PASS, Outcome, Verdict


class ListRules:
    """Decides by the rules of lists that cover a name."""

    def __init__(self, compiled: CompiledConfig, index: Index) -> None:
        self.service_of = [source.service for source in compiled.sources]
        """For each list, the index of its service."""
        self._index = index
        self._longest_match = [source.longest_match for source in compiled.sources]
        self._files = [source.file for source in compiled.sources]
        self._of_others = [source.of_others for source in compiled.sources]
        self._exempted = [exemption.services for exemption in compiled.exemptions]

    def verdict(self, effect: Effect, matches: list[RuleMatch]) -> Verdict:
        """The verdict by the rules that cover a name."""
        if not matches:
            return PASS
        if len(matches) == 1:  # nearly always
            rule = matches[0]
            if rule.exception or not effect.listed >> self.service_of[rule.source] & 1:
                return PASS
            return self._verdict(effect, rule, rule.subtree)
        rules = [
            rule
            for rule in self._uncancelled(matches)
            if effect.listed >> self.service_of[rule.source] & 1
        ]
        if not rules:
            return PASS
        rules = self._deciding(effect, rules)
        all_below = any(rule.subtree for rule in rules)
        return self._verdict(effect, min(rules, key=self._precedence), all_below)

    def verdict_by_own_lists(self, effect: Effect, name: bytes) -> Verdict:
        """The verdict by the agency's lists, and by those of others that only let names pass."""
        passes = effect.services.doing[Action.PASS]
        rules = [
            rule
            for rule in self._index.match(name)
            if not self._of_others[rule.source] or passes >> self.service_of[rule.source] & 1
        ]
        return self.verdict(effect, rules)

    def is_of_others(self, verdict: Verdict) -> bool:
        """Whether a list of others decided."""
        return verdict.source >= 0 and self._of_others[verdict.source]

    def covering(self, name: bytes) -> tuple[int, ...]:
        """The services whose lists cover a name, after their exceptions.

        The first has the most specific rule: of those that decide, the first is reported.
        """
        matches = self._index.match(name)
        if len(matches) < 2:  # nearly always
            return tuple([self.service_of[e.source] for e in matches if not e.exception])
        rules = sorted(self._uncancelled(matches), key=self._precedence)
        return tuple(dict.fromkeys([self.service_of[rule.source] for rule in rules]))

    def exemption(self, effect: Effect, outcome: Outcome, service: int) -> int:
        """The exemption that applies to a service; -1 if none does."""
        if outcome is not Outcome.EXEMPTED:
            return -1
        exempted = self._exempted
        return next(place for place in effect.exemptions if exempted[place] >> service & 1)

    def _uncancelled(self, matches: list[RuleMatch]) -> list[RuleMatch]:
        """Rule 2: the blocking rules that no exception of their own list cancels."""
        exceptions = [rule for rule in matches if rule.exception]
        return [
            rule
            for rule in matches
            if not rule.exception and not self._is_cancelled(rule, exceptions)
        ]

    def _is_cancelled(self, rule: RuleMatch, exceptions: list[RuleMatch]) -> bool:
        source = rule.source
        longest = self._longest_match[source]
        return any(
            exception.source == source
            and (
                not longest
                or (len(exception.key), not exception.subtree) >= (len(rule.key), not rule.subtree)
            )
            for exception in exceptions
        )

    def _deciding(self, effect: Effect, rules: list[RuleMatch]) -> list[RuleMatch]:
        """Rule 3: the rules of the services in the first tier."""
        services = 0
        for rule in rules:
            services |= 1 << self.service_of[rule.source]
        first = effect.tier(services).services
        return [rule for rule in rules if first >> self.service_of[rule.source] & 1]

    def _precedence(self, rule: RuleMatch) -> tuple[int, bool, str, int]:
        """Rule 4, as a sort key: the most specific rule first, then the first list by name."""
        return -len(rule.key), rule.subtree, self._files[rule.source], rule.line

    def _verdict(self, effect: Effect, rule: RuleMatch, all_below: bool) -> Verdict:
        """The verdict that reports this rule, of those that decide."""
        service = self.service_of[rule.source]
        outcome, clause = effect.tier(1 << service).outcome, effect.clause(service)
        return Verdict.by_list(
            outcome,
            clause,
            NO_SERVICE if clause.does is Action.PASS else service,
            key=rule.key,
            subtree=rule.subtree,
            source=rule.source,
            exemption=self.exemption(effect, outcome, service),
            all_below=all_below,
        )
