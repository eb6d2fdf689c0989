"""What becomes of the same questions under two policies.

Both are asked through the engine that answers queries. A verdict depends on who asks and
for which name, never on the type, so each name is judged once for each pair of views.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from resolver.analysis.explanation import Explainer
from resolver.analysis.queries.query import Question, Requester
from resolver.policy.verdict import NO_SERVICE, Outcome, Verdict
from resolver.policy.view import View

UNKNOWN = "unknown"
"""The VLAN of a client that none holds."""
_STEP = 4096


class OutcomeChange(NamedTuple):
    """From one outcome to another, in a VLAN."""

    vlan: str
    """Both VLANs, where the client's is another one than before."""
    old: str
    new: str
    service: str
    """That the new policy finds, or else the old one."""


class _Asker:
    """Who asks: a VLAN, the view of either side, and what was found for names so far."""

    def __init__(self, vlan: str, old: View | None, new: View | None) -> None:
        self.vlan = vlan
        self.old = old
        self.new = new
        self.turns: dict[bytes, OutcomeChange | None] = {}


class Replay:
    """Judges questions; afterwards holds what was found."""

    def __init__(self, old: Explainer, new: Explainer, only: str | None = None) -> None:
        """``only`` names a VLAN whose questions alone are judged."""
        self._old = old
        self._new = new
        self._only = only
        self._askers: dict[Requester, list[_Asker]] = {}
        self._shared: dict[tuple[str, View | None, View | None], _Asker] = {}
        self.judged: Counter[str] = Counter()
        """Questions by VLAN."""
        self.turned: dict[OutcomeChange, Counter[tuple[bytes, int]]] = defaultdict(Counter)
        """Questions that meet another outcome, by name and type."""
        self.not_judged: Counter[str] = Counter()
        """Questions of VLANs that one of the two does not have, by VLAN."""

    def vlans(self) -> list[str]:
        """The VLANs that both have, in the order of the new one."""
        known = {vlan.name for vlan in self._old.terms.vlans}
        return [vlan.name for vlan in self._new.terms.vlans if vlan.name in known]

    def judge(self, asked: Mapping[Question, int]) -> Iterator[int]:
        """Judge them all; says now and then how many of them it has done."""
        for number, ((who, name, qtype), times) in enumerate(asked.items()):
            if number % _STEP == 0:
                yield number
            askers = self._askers.get(who)
            if askers is None:
                askers = self._askers[who] = list(self._who(who))
            if not askers and who.vlan and self._wanted(who.vlan):
                self.not_judged[who.vlan] += times
            for asker in askers:
                self.judged[asker.vlan] += times
                turn = self._turn(asker, name)
                if turn is not None:
                    self.turned[turn][name, qtype] += times

    def _who(self, who: Requester) -> Iterator[_Asker]:
        if who.client:
            old, new = self._old.client(who.client), self._new.client(who.client)
            before, after = _vlan_name(self._old, old), _vlan_name(self._new, new)
            if self._wanted(before, after):
                told = after if before == after else f"{before} → {after}"
                yield self._asker(told, old, new)
            return
        for name in self.vlans():
            if who.vlan in ("", name) and self._wanted(name):
                yield self._asker(name, self._old.vlan(name), self._new.vlan(name))

    def _wanted(self, *vlans: str) -> bool:
        return self._only is None or self._only in vlans

    def _asker(self, vlan: str, old: View | None, new: View | None) -> _Asker:
        """The one for all clients with these views."""
        return self._shared.setdefault((vlan, old, new), _Asker(vlan, old, new))

    def _turn(self, asker: _Asker, name: bytes) -> OutcomeChange | None:
        if name not in asker.turns:
            asker.turns[name] = self._judged(asker, name)
        return asker.turns[name]

    def _judged(self, asker: _Asker, name: bytes) -> OutcomeChange | None:
        old, old_service = _fate(self._old, asker.old, name)
        new, new_service = _fate(self._new, asker.new, name)
        if old is new:
            return None
        return OutcomeChange(asker.vlan, old.label, new.label, new_service or old_service)


def _vlan_name(engine: Explainer, view: View | None) -> str:
    return UNKNOWN if view is None else engine.terms.vlans[view.vlan].name


def _fate(engine: Explainer, view: View | None, name: bytes) -> tuple[Outcome, str]:
    if view is None:
        return Outcome.REFUSED, ""
    verdict = engine.verdict(view, name)
    return verdict.outcome, _service(engine, verdict)


def _service(engine: Explainer, verdict: Verdict) -> str:
    return "" if verdict.service == NO_SERVICE else engine.terms.services[verdict.service].name
