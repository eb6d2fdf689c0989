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

from collections.abc import Iterable
from dataclasses import replace

from resolver.dns import names
from resolver.policy.compiled import OwnRule, Terms
from resolver.policy.index import Hit, Index, hit
from resolver.policy.verdict import ALLOWED, BLOCKED, PASS, Outcome, Verdict
from resolver.policy.view import View, ancestors

_PASS = (PASS, b"")
_KNOWN = 4096
"""Verdicts that a view remembers of either kind; when there are more the memory starts anew."""


class Judge:
    """A snapshot's rules, ready to judge with."""

    def __init__(self, terms: Terms, index: Index) -> None:
        self._index = index
        self._keys = index.keys
        self._sole = index.sole
        self._kind = index.kind
        self._service_of = [source.service for source in terms.sources]
        self._files = [source.file for source in terms.sources]
        self._exempted = [exemption.services for exemption in terms.exemptions]
        # Above these some name is open: an exception in a list, or a record of this server.
        opened = (*terms.excepted, *(local.name for local in terms.local))
        self._open_below = ancestors(opened)

    def check_query(self, view: View, name: bytes) -> Verdict:
        """Judge the question's name, lower-case wire form, whatever the type it is asked for."""
        verdict, key = self.glance(view, name)
        if verdict is PASS or verdict.key == key:
            return verdict
        sole = self._index.sole(key)
        assert sole is not None, "only the verdicts of sole rules are shared"
        return replace(verdict, key=key, line=sole[0])

    def glance(self, view: View, name: bytes) -> tuple[Verdict, bytes]:
        """The verdict, and the index key of the name that the rule stands at which decided it.

        Names that single rules of one kind cover share a verdict here, so that none has to be
        made for each: its own ``key`` and ``line`` may be those of another such rule.
        """
        if not view.judges:
            return _PASS
        if name[-3:] in view.own_tops:
            own = self._own_rule(view, name)
            if own is not None:
                verdict = ALLOWED if own.allow else self._denied(view, own, name)
                return verdict, verdict.key
        keys = self._keys(name[-2::-1])
        if not keys:
            return _PASS
        # The deepest key decides: one verdict is for its own name, one for all names below it.
        key, alone = keys[-1], len(keys) == 1
        start, at = len(name) - 1 - len(key), 0
        while at < start:
            at += 1 + name[at]
        if at > start:  # it ends inside a label: shorter keys may not
            verdict = self._of_lists(view, self._index.match(name))
        else:
            alike = view.kinds.get((self._kind(key), not start)) if alone else None
            verdict = alike or self._of_key(view, key, name, alone)
        if verdict.all_below and (name in self._open_below or name in view.own_above):
            verdict = replace(verdict, all_below=False)
        return verdict, key if alone else verdict.key

    def _of_key(self, view: View, key: bytes, name: bytes, alone: bool) -> Verdict:
        """Judge by the lists, where a key is the deepest of the name's, and maybe ``alone``."""
        whole = len(key) == len(name) - 1
        sole = self._sole(key) if alone else None
        if sole is not None:
            return view.kinds.get((sole[1], whole)) or self._of_kind(view, key, sole, whole)
        known = view.at if whole else view.below
        return known.get(key) or self._remember(view, known, key, name)

    def _remember(
        self, view: View, known: dict[bytes, Verdict], key: bytes, name: bytes
    ) -> Verdict:
        """Judge by the lists, for all names that meet the same keys in the same way."""
        verdict = self._of_lists(view, self._index.match(name))
        if len(known) >= _KNOWN:
            known.clear()
        known[key] = verdict
        return verdict

    def _of_kind(self, view: View, key: bytes, sole: tuple[int, int], whole: bool) -> Verdict:
        """The verdict of a single rule, which but for name and line is that of its kind."""
        rule = hit(key, *sole)
        alike = self._of_lists(view, [rule] if rule.subtree or whole else [])
        view.kinds[sole[1], whole] = alike
        return alike

    def check_answer(self, view: View, targets: Iterable[bytes]) -> Verdict:
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
                return replace(verdict, target=target, all_below=False)
            if reported.outcome is Outcome.PASSED and verdict.outcome is not Outcome.PASSED:
                reported = replace(verdict, target=target, all_below=False)
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

    def _of_lists(self, view: View, hits: list[Hit]) -> Verdict:
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
            hit.line,
            exemption,
            b"",
            all_below,
        )
