"""The one place where a name is judged.

``check_query`` judges the question's name, ``check_answer`` every target that an answer
leads through; both take facts, never a message, and every exit of the server calls them:
fresh answers, cached ones, ``explain``, ``diff``. They are pure: the same view and the same
name give the same verdict.

The order, and why:
1. The policy's own ``allow`` and ``deny``, the most specific first: the operator's word
   stands above every list. ``allow`` wins a tie.
2. The lists of the services that the policy blocks. An exception in a list cancels the
   rules of that list alone, so a list cannot open what another closes.
3. Of the rules left, one of a service that no exemption lifts blocks; only when every one
   is lifted does the name pass as exempted.
4. The most specific rule is reported, then the first list by name.
"""

from typing import Final

from resolver.dns import names
from resolver.policy.building import ancestors
from resolver.policy.compiled import OwnRule, Terms
from resolver.policy.index import Hit, Index, ends_at_label, hit
from resolver.policy.verdict import ALLOWED, BLOCKED, PASS, PASSED, Outcome, Verdict
from resolver.policy.view import View

_KNOWN: Final = 4096
"""Verdicts that a view remembers of either kind; when there are more the memory starts anew."""


class Judge:
    """A snapshot's rules, ready to judge with."""

    def __init__(self, terms: Terms, index: Index) -> None:
        self._index = index
        self._keys = index.keys
        self._service_of = [source.service for source in terms.sources]
        self._files = [source.file for source in terms.sources]
        self._exempted = [exemption.services for exemption in terms.exemptions]
        # Above these some name is open: an exception in a list, or a record of this server.
        self._open_below = ancestors(terms.excepted, [each.name for each in terms.local])

    def check_query(self, view: View, name: bytes) -> Verdict:
        """Judge the question's name, lower-case wire form, whatever the type it is asked for."""
        if not view.judges:
            return PASS
        if name[-3:] in view.own_tops:
            own = self._own_rule(view, name)
            if own is not None:
                return ALLOWED if own.allow else self._denied(view, own, name)
        keys = self._keys(name[-2::-1])
        if not keys:
            return PASS
        verdict = self._by_lists(view, name, keys)
        if verdict.all_below and not self._shut_below(view, name):
            return verdict.not_all_below()
        return verdict

    def line(self, verdict: Verdict) -> int:
        """The line of its list that the rule of a verdict stands in; 0 where no list decided."""
        if verdict.source < 0:
            return 0
        return self._index.line(verdict.key, verdict.source, verdict.subtree)

    def _by_lists(self, view: View, name: bytes, keys: list[bytes]) -> Verdict:
        """Judge by the lists: ``keys`` are those of rules that the name's own begins with.

        The deepest decides of the others, so that one verdict is for its own name, and one for
        all names below it.
        """
        key = keys[-1]
        if not ends_at_label(key, name):  # shorter keys may
            return self._of_hits(view, self._index.match(name))
        whole = len(key) == len(name) - 1
        if len(keys) == 1:
            kind = self._index.kind(key)
            if kind >= 0:
                alike = view.kinds.get(kind << 1 | whole)
                if alike is None:
                    alike = view.kinds[kind << 1 | whole] = self._of_kind(view, key, kind, whole)
                return alike if alike is PASS else alike.with_key(key)
        known = view.at if whole else view.below
        verdict = known.get(key)
        if verdict is None:
            if len(known) >= _KNOWN:
                known.clear()
            verdict = known[key] = self._of_hits(view, self._index.match(name))
        return verdict

    def _of_kind(self, view: View, key: bytes, kind: int, whole: bool) -> Verdict:
        """The verdict of a single rule, which but for its name is that of its kind."""
        rule = hit(key, 0, kind)
        return self._of_hits(view, [rule] if rule.subtree or whole else [])

    def check_answer(self, view: View, targets: tuple[bytes, ...]) -> Verdict:
        """Judge the targets of an answer: of CNAME, DNAME, SVCB and HTTPS records, in order.

        The first that is blocked decides; of several that are exempted or would be blocked
        the first is reported.
        """
        reported = PASS
        if not view.judges:
            return reported
        for target in targets:
            verdict = self.check_query(view, target)
            if verdict.outcome is BLOCKED:
                return verdict.of_target(target)
            if reported.outcome is PASSED and verdict.outcome is not PASSED:
                reported = verdict.of_target(target)
        return reported

    def _shut_below(self, view: View, name: bytes) -> bool:
        return name not in self._open_below and name not in view.own_above

    def _own_rule(self, view: View, name: bytes) -> OwnRule | None:
        for zone in names.zones(name):
            rules = [r for r in view.own.get(zone, ()) if r.subtree or zone == name]
            if rules:
                return max(rules, key=lambda rule: (not rule.subtree, rule.allow))
        return None

    def _denied(self, view: View, rule: OwnRule, name: bytes) -> Verdict:
        return Verdict(
            BLOCKED if view.policy.enforce else Outcome.WOULD_BLOCK,
            key=names.index_key(rule.name),
            subtree=rule.subtree,
            all_below=rule.subtree and self._shut_below(view, name),
        )

    def _of_hits(self, view: View, hits: list[Hit]) -> Verdict:
        if not hits:
            return PASS
        if len(hits) == 1:  # as it is nearly always
            hit = hits[0]
            if hit.exception or not view.policy.blocks >> self._service_of[hit.source] & 1:
                return PASS
            return self._verdict(view, hit, hit.subtree)
        blocks = view.policy.blocks
        cancelled = {hit.source for hit in hits if hit.exception}
        rules = [
            hit
            for hit in hits
            if not hit.exception
            and hit.source not in cancelled
            and blocks >> self._service_of[hit.source] & 1
        ]
        if not rules:
            return PASS
        standing = [hit for hit in rules if not view.exempt >> self._service_of[hit.source] & 1]
        told = min(standing or rules, key=self._precedence)
        return self._verdict(view, told, any(hit.subtree for hit in standing or rules))

    def _precedence(self, hit: Hit) -> tuple[int, bool, str, int]:
        """The most specific rule first, then the first list by name."""
        return -len(hit.key), hit.subtree, self._files[hit.source], hit.line

    def _verdict(self, view: View, hit: Hit, all_below: bool) -> Verdict:
        service = self._service_of[hit.source]
        exemption = -1
        if view.exempt >> service & 1:
            outcome = Outcome.EXEMPTED
            exemption = next(p for p in view.exemptions if self._exempted[p] >> service & 1)
        else:
            outcome = BLOCKED if view.policy.enforce else Outcome.WOULD_BLOCK
        return Verdict(
            outcome,
            service,
            hit.key,
            hit.subtree,
            hit.source,
            exemption,
            b"",
            all_below,
        )
