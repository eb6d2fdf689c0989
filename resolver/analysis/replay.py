"""The same queries under two policies: which outcomes change.

Both policies decide through the engine that answers queries. A verdict depends on the client
and the name, never on the type, so each name is decided once for each pair of views.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from resolver.analysis.explanation import Explainer
from resolver.analysis.queries.query import Question, Requester
from resolver.policy.verdict import NO_SERVICE, Outcome
from resolver.policy.view import View

UNKNOWN = "unknown"
"""The VLAN of a client that no VLAN holds."""
_STEP = 4096


class OutcomeChange(NamedTuple):
    """From one outcome to another, in a VLAN."""

    vlan: str
    """Both VLANs, where the client is in another one than before."""
    old: str
    new: str
    service: str
    """The service that the new policy finds, or else the old one."""


class _Clients(NamedTuple):
    """All clients of a VLAN that have the same views: None where no VLAN holds them."""

    vlan: str
    old: View | None
    new: View | None


_Decided = dict[bytes, OutcomeChange | None]
"""By name."""


class Replay:
    """Decides queries under both policies; afterwards holds the results."""

    def __init__(self, old: Explainer, new: Explainer, only: str | None = None) -> None:
        """``only`` names the one VLAN whose queries are replayed."""
        self._old = old
        self._new = new
        self._only = only
        self._clients: dict[Requester, list[tuple[_Clients, _Decided]]] = {}
        self._decided: dict[_Clients, _Decided] = defaultdict(dict)
        self.replayed: Counter[str] = Counter()
        """Queries by VLAN."""
        self.changes: dict[OutcomeChange, Counter[tuple[bytes, int]]] = defaultdict(Counter)
        """Queries whose outcome changes, by name and type."""
        self.left_out: Counter[str] = Counter()
        """Queries of VLANs that only one of the policies has, by VLAN."""

    @property
    def changed(self) -> int:
        """How many queries have another outcome."""
        return sum(queries.total() for queries in self.changes.values())

    def vlans(self) -> list[str]:
        """The VLANs that both policies have, in the order of the new one."""
        known = {vlan.name for vlan in self._old.terms.vlans}
        return [vlan.name for vlan in self._new.terms.vlans if vlan.name in known]

    def run(self, counts: Mapping[Question, int]) -> Iterator[int]:
        """Replay all queries; yields from time to time how many questions are done."""
        for number, ((requester, name, qtype), times) in enumerate(counts.items()):
            if number % _STEP == 0:
                yield number
            clients = self._clients.get(requester)
            if clients is None:
                clients = [(each, self._decided[each]) for each in self._who(requester)]
                self._clients[requester] = clients
            if not clients and requester.vlan and self._wanted(requester.vlan):
                self.left_out[requester.vlan] += times
            for each, decided in clients:
                self.replayed[each.vlan] += times
                if name not in decided:
                    decided[name] = self._change(each, name)
                change = decided[name]
                if change is not None:
                    self.changes[change][name, qtype] += times

    def _who(self, requester: Requester) -> Iterator[_Clients]:
        if requester.client:
            old, new = self._old.client(requester.client), self._new.client(requester.client)
            before, after = _vlan_name(self._old, old), _vlan_name(self._new, new)
            if self._wanted(before, after):
                yield _Clients(after if before == after else f"{before} → {after}", old, new)
            return
        for name in self.vlans():
            if requester.vlan in ("", name) and self._wanted(name):
                yield _Clients(name, self._old.vlan(name), self._new.vlan(name))

    def _wanted(self, *vlans: str) -> bool:
        return self._only is None or self._only in vlans

    def _change(self, clients: _Clients, name: bytes) -> OutcomeChange | None:
        old, old_service = _decide(self._old, clients.old, name)
        new, new_service = _decide(self._new, clients.new, name)
        if old is new:
            return None
        return OutcomeChange(clients.vlan, old.label, new.label, new_service or old_service)


def _vlan_name(explainer: Explainer, view: View | None) -> str:
    return UNKNOWN if view is None else explainer.terms.vlans[view.vlan].name


def _decide(explainer: Explainer, view: View | None, name: bytes) -> tuple[Outcome, str]:
    """The outcome for a name, and the service that it belongs to."""
    if view is None:
        return Outcome.REFUSED, ""
    verdict = explainer.verdict(view, name)
    if verdict.service == NO_SERVICE:
        return verdict.outcome, ""
    return verdict.outcome, explainer.terms.services[verdict.service].name
