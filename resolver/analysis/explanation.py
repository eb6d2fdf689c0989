"""Why a name meets the fate it meets: the data path's own engine, put into words.

``explain``, ``check`` and the status page ask here, and what they are told comes from the
same zones, views and verdicts that answer queries; there is no second engine to disagree
with the first. Pure, as ``query`` is.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import NamedTuple

from resolver.dns import codes, names
from resolver.engine.cache import Key
from resolver.engine.entry import MAX_LINKS, Entry
from resolver.engine.exchange import Failure
from resolver.engine.routing import Forwarded, Local, Zone, Zones
from resolver.policy.compiled import Policy, Terms
from resolver.policy.index import Index
from resolver.policy.judge import Judge
from resolver.policy.verdict import NO_SERVICE, PASS, Outcome, Verdict
from resolver.policy.view import View, Views

AskUpstream = Callable[[Key], Entry | Failure]
"""Asks an upstream."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One object of ``darban explain --json``; what does not apply is empty or null."""

    client: str | None
    vlan: str
    policy: str
    name: str
    type: str
    outcome: str
    service: str
    rule: str
    list: str
    line: int | None
    directive: str
    contact: str
    exemption: str
    matched: str
    targets: str
    """Whether what the name leads to was judged as well: ``checked`` or ``not checked``."""
    answer: str
    """What the upstream says, where it was asked."""
    decided_by: str
    """The step that decided, in words."""

    def as_json(self) -> dict[str, object]:
        """The object to print."""
        return asdict(self)


class _Led(NamedTuple):
    """Where a name leads, and what policy says of that."""

    verdict: Verdict
    checked: bool
    answer: str


_NOWHERE = _Led(PASS, False, "")


class Explainer:
    """A snapshot, ready to be asked at a moment."""

    def __init__(
        self, terms: Terms, index: Index, wall: float, ask: AskUpstream | None = None
    ) -> None:
        """``wall`` is the moment to judge for, in seconds since 1970.

        With ``ask`` the targets of a name that passes are judged as well.
        """
        self.terms = terms
        self._ask = ask
        self._judge = Judge(terms, index)
        self._views = Views(terms, wall)
        self._zones = Zones(terms)

    def vlan(self, name: str) -> View | None:
        """The view of a VLAN by its name, or None where there is none."""
        for place, vlan in enumerate(self.terms.vlans):
            if vlan.name == name:
                return self._views.of_vlan(place)
        return None

    def client(self, address: str) -> View | None:
        """The view of a client by its address, or None where no VLAN holds it."""
        return self._views.of(address)

    def verdict(self, view: View, name: bytes) -> Verdict:
        """What policy says of a name; one that is answered here without policy passes."""
        if self._answered_here(name) is not None:
            return PASS
        return self._judge.check_query(view, name)

    def _answered_here(self, name: bytes) -> tuple[bytes, Zone] | None:
        found = self._zones.find(name)
        return None if found is None or isinstance(found[1], Forwarded) else found

    def for_client(self, address: str, name: bytes, qtype: int) -> Explanation:
        """What becomes of a question from an address."""
        return self._explain(address, self._views.of(address), name, qtype)

    def for_view(self, view: View, name: bytes, qtype: int) -> Explanation:
        """What becomes of a question from a VLAN, for a client without exemptions of its own."""
        return self._explain(None, view, name, qtype)

    def _explain(
        self, client: str | None, view: View | None, name: bytes, qtype: int
    ) -> Explanation:
        if view is None:
            verdict = Verdict(Outcome.REFUSED)
            return self._tell(client, None, name, qtype, verdict, "no VLAN holds this address")
        verdict = self.verdict(view, name)
        found = self._answered_here(name)
        if found is None:
            led = self._led(view, name, qtype, verdict)
            step = self._step(view, led.verdict)
            return self._tell(client, view, name, qtype, led.verdict, step, led)
        what = "a local record" if isinstance(found[1], Local) else "a special-use name"
        step = f"{what}, {names.text(found[0])}: answered here, without policy"
        return self._tell(client, view, name, qtype, verdict, step)

    def _led(self, view: View, name: bytes, qtype: int, verdict: Verdict) -> _Led:
        """Follow a name as ``query`` does, and judge each answer on the way."""
        settled = verdict.outcome is Outcome.BLOCKED or verdict.allowed or qtype == codes.ANY
        if self._ask is None or settled:
            return _NOWHERE._replace(verdict=verdict)
        seen: list[bytes] = []
        links = 0
        while links <= MAX_LINKS:
            if self._answered_here(name) is not None:
                return _Led(verdict, True, _answer(f"{names.text(name)} is answered here", seen))
            group = self._zones.group(name, view.policy.upstream) or ""
            kept = self._ask(Key(name, qtype, False, False, group))
            if isinstance(kept, Failure):
                return _Led(verdict, False, _answer(f"none: {kept.text}", seen))
            beyond = self._judge.check_answer(view, kept.targets)
            seen += kept.targets
            if beyond.outcome is Outcome.BLOCKED:
                return _Led(beyond, True, _answer(_rcode(kept), seen))
            if verdict is PASS:
                verdict = beyond
            if not kept.unfinished:
                return _Led(verdict, True, _answer(_rcode(kept), seen))
            links += max(kept.links, 1)
            name = kept.unfinished
        return _Led(verdict, True, _answer("none: more aliases than are followed", seen))

    def _step(self, view: View, verdict: Verdict) -> str:
        policy = view.policy
        if verdict.allowed:
            return f"allow of policy {policy.name}"
        if verdict.outcome is Outcome.PASSED:
            return f"no rule of policy {policy.name} covers the name"
        if verdict.outcome is Outcome.EXEMPTED:
            return f"exemption {self.terms.exemptions[verdict.exemption].id}"
        if verdict.service == NO_SERVICE:
            return f"deny of policy {policy.name}"
        return f"list {self.terms.sources[verdict.source].file}, line {verdict.line}"

    def _tell(
        self,
        client: str | None,
        view: View | None,
        name: bytes,
        qtype: int,
        verdict: Verdict,
        step: str,
        led: _Led = _NOWHERE,
    ) -> Explanation:
        terms = self.terms
        has_service = verdict.service != NO_SERVICE
        policy = view.policy if view is not None else None
        blocked = verdict.outcome in (Outcome.BLOCKED, Outcome.WOULD_BLOCK)
        exemption = terms.exemptions[verdict.exemption].id if verdict.exemption >= 0 else ""
        return Explanation(
            client=client,
            vlan=terms.vlans[view.vlan].name if view is not None else "unknown",
            policy=policy.name if policy else "",
            name=names.text(name),
            type=codes.type_text(qtype),
            outcome=verdict.outcome.label,
            service=terms.services[verdict.service].name if has_service else "",
            rule=verdict.rule_text,
            list=terms.sources[verdict.source].file if verdict.source >= 0 else "",
            line=verdict.line or None,
            directive=_directive(policy, verdict) if policy and blocked else "",
            contact=policy.contact if policy and blocked else "",
            exemption=exemption,
            matched=names.text(verdict.target or name) if verdict.rule else "",
            targets="checked" if led.checked else "not checked",
            answer=led.answer,
            decided_by=step,
        )


def _rcode(kept: Entry) -> str:
    return codes.RCODES.get(kept.rcode, f"RCODE{kept.rcode}")


def _answer(what: str, seen: list[bytes]) -> str:
    by_way_of = ", ".join(dict.fromkeys(map(names.text, seen)))
    return f"{what}, by way of {by_way_of}" if seen else what


def _directive(policy: Policy, verdict: Verdict) -> str:
    place = 0 if verdict.service == NO_SERVICE else policy.ground_of[verdict.service]
    return policy.grounds[place].directive
