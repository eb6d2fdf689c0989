"""The same queries under two policies: which outcomes change.

Both policies decide through the engine that answers queries. A verdict depends on the view, the
question, and the targets of its answer, if the explainers can ask for that. So each question is
decided once for each pair of views.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from resolver.analysis.explanation import Explainer
from resolver.analysis.queries.query import Question, Requester
from resolver.policy.verdict import Outcome
from resolver.policy.view import View

UNKNOWN = "unknown"
"""The VLAN of a client that no VLAN holds."""


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


class _Decision(NamedTuple):
    """What both policies decide about a question."""

    change: OutcomeChange | None
    is_final: bool
    """False where a target that is not known could make it a change."""


_Decided = dict[tuple[bytes, int], _Decision]
"""By name and type."""


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
        self.targets_unknown = 0
        """Queries whose outcome does not change, unless for a target that is not known."""

    @property
    def changed(self) -> int:
        """How many queries have another outcome."""
        return sum(queries.total() for queries in self.changes.values())

    def vlans(self) -> list[str]:
        """The VLANs that both policies have, in the order of the new one."""
        known = {vlan.name for vlan in self._old.compiled.vlans}
        return [vlan.name for vlan in self._new.compiled.vlans if vlan.name in known]

    def run(self, counts: Mapping[Question, int]) -> None:
        """Replay all queries."""
        for (requester, name, qtype), times in counts.items():
            clients = self._clients.get(requester)
            if clients is None:
                clients = [(client, self._decided[client]) for client in self._who(requester)]
                self._clients[requester] = clients
            if not clients and requester.vlan and self._wanted(requester.vlan):
                self.left_out[requester.vlan] += times
            for client, decided in clients:
                self.replayed[client.vlan] += times
                decision = decided.get((name, qtype))
                if decision is None:
                    decision = decided[name, qtype] = self._decide(client, name, qtype)
                if decision.change is not None:
                    self.changes[decision.change][name, qtype] += times
                if not decision.is_final:
                    self.targets_unknown += times

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

    def _decide(self, clients: _Clients, name: bytes, qtype: int) -> _Decision:
        old, old_service, old_is_final = _outcome(self._old, clients.old, name, qtype)
        new, new_service, new_is_final = _outcome(self._new, clients.new, name, qtype)
        if old is new:
            return _Decision(None, old_is_final and new_is_final)
        service = new_service or old_service
        return _Decision(OutcomeChange(clients.vlan, old.label, new.label, service), True)


def _vlan_name(explainer: Explainer, view: View | None) -> str:
    return UNKNOWN if view is None else explainer.compiled.vlans[view.vlan].name


def _outcome(
    explainer: Explainer, view: View | None, name: bytes, qtype: int
) -> tuple[Outcome, str, bool]:
    """The outcome, the service that the name belongs to, and whether no target could change it."""
    if view is None:
        return Outcome.REFUSED, "", True
    verdict, is_final = explainer.verdict(view, name, qtype)
    return verdict.outcome, explainer.service(verdict), is_final
