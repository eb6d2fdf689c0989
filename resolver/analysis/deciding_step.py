"""Find the step that decided a question: the clause behind a verdict, its hours and its list."""

import math
from datetime import datetime
from typing import assert_never

from resolver.analysis.step import Step, step
from resolver.dns import names
from resolver.dns.special_use import Use
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.routing import Zone
from resolver.policy.clauses import Action, DefaultRule, PolicyRules, Services
from resolver.policy.exemption_details import exemption_hours, in_force_until
from resolver.policy.filter_addresses import FilterAddresses
from resolver.policy.prefixes import is_link_local, packed
from resolver.policy.service_hours import (
    ALL_HOURS,
    BlockingHours,
    ServiceHours,
    service_hours,
)
from resolver.policy.verdict import NO_SERVICE, Outcome, Verdict
from resolver.policy.view import View
from resolver.system.time_zones import zone_or_utc


class DecidingSteps:
    """The step behind each verdict on a snapshot; ``wall`` is a moment in seconds since 1970."""

    def __init__(self, snapshot: LoadedSnapshot) -> None:
        self._compiled = snapshot.compiled
        self._judge = snapshot.judge
        self._zone = zone_or_utc(self._compiled.settings.report.time_zone)

    def of(self, view: View, name: bytes, verdict: Verdict, wall: float) -> Step:
        """The clause that gave a verdict on a name, or why none did."""
        if verdict.outcome is Outcome.NATIONAL_FILTER:
            return self._of_filter(view, verdict)
        policy = view.effect.policy.name
        match verdict.clause:
            case None:
                if view.unlisted is not None:
                    return step("own_name", policy=policy)
                return step("no_rule", self._refused(view, name), policy=policy)
            case PolicyRules(vlan=vlan):
                kind = "allow" if verdict.by_allow else "deny"
                return step(f"{kind}_of_vlan", vlan=vlan) if vlan else step(kind, policy=policy)
            case Services(does=does):
                return self._of_services(view, verdict, does, wall)
            case DefaultRule():
                return step("default", policy=policy)
            case _:
                assert_never(verdict.clause)

    def _of_filter(self, view: View, verdict: Verdict) -> Step:
        """Which address of the national filter an answer has, and which file says so."""
        of = FilterAddresses(self._compiled.filter_ranges).range_of(verdict.address)
        assert of is not None, "this snapshot's exchange has marked the answer"
        where = {"address": verdict.target_text, "file": of.file, "line": str(of.line)}
        meaning = f" ({of.meaning})" if of.meaning else ""
        return step("national_filter", meaning, policy=view.effect.policy.name, **where)

    def _of_services(self, view: View, verdict: Verdict, does: Action, wall: float) -> Step:
        """What a clause on services does to a name of them, at this hour and to this client."""
        policy, hours = view.effect.policy.name, self.hours(view, verdict, wall)
        changes = self.moment(hours.changes)
        if verdict.at_other_hours:
            begin = f", from {changes}" if changes else ""
            return step(_at_other_hours(does), begin, policy=policy, hours=hours.text)
        within = f"; {hours.text}{f' until {changes}' if changes else ''}" if hours.text else ""
        if verdict.outcome is Outcome.EXEMPTED:
            within = f", {hours.text}" if hours.text else ""
            exemption = self._compiled.exemptions[verdict.exemption].id
            return step("exemption", within, exemption=exemption)
        match does:
            case Action.PASS:
                return step("allowed_list", within, policy=policy, **self._list(verdict))
            case Action.BLOCK:
                return step("list", within, **self._list(verdict))
            case Action.COUNT:
                return step("counted_list", within, policy=policy, **self._list(verdict))
            case _:
                assert_never(does)

    def moment(self, seconds: float) -> str:
        """A moment in seconds since 1970, in the time zone of [report]; empty for no end."""
        if seconds == math.inf:
            return ""
        return datetime.fromtimestamp(seconds, self._zone).isoformat(timespec="seconds")

    def _list(self, verdict: Verdict) -> dict[str, str]:
        """The list and the line of the rule that decided."""
        line = self._judge.line(verdict)
        return {"file": self._compiled.sources[verdict.source].file, "line": str(line)}

    def hours(self, view: View, verdict: Verdict, wall: float) -> ServiceHours:
        """The hours of the clause or of the exemption that decided, and their next change."""
        clause, place = verdict.clause, verdict.exemption
        if not isinstance(clause, Services) or verdict.service == NO_SERVICE:
            return ALL_HOURS
        compiled, policy = self._compiled, view.effect.policy
        of_service = service_hours(compiled, policy, verdict.service, clause.does, wall)
        if place < 0:
            return of_service
        within = exemption_hours(compiled, place)
        until = min(of_service.changes, in_force_until(compiled, place, wall))
        return ServiceHours((BlockingHours(within),) if within else (), until)

    def _refused(self, view: View, name: bytes) -> str:
        """The rule that would block a name, but is not used since the name is protected."""
        for source in self._compiled.sources:
            if view.effect.restricted >> source.service & 1:
                for rule in source.refused:
                    if rule.name == name or (rule.subtree and names.is_within(name, rule.name)):
                        return f"; {source.file}, line {rule.line} is not used: {rule.reason}"
        return ""


def refused_step(client: str | None) -> Step:
    """Why a client has no view."""
    is_on_link = client is not None and is_link_local(packed(client))
    return step("no_interface" if is_on_link else "no_vlan")


def local_step(zone: Zone, name: bytes) -> Step:
    """What answers a name here."""
    if zone.use is Use.NO_DELEGATION:
        return step("no_delegation")
    owner = names.text(zone.name)
    if zone.records is not None and zone.name != name:
        owner = f"*.{owner}"
    if zone.alias:
        return step("local_alias", zone=owner)
    kind, missing = "local_record" if zone.records is not None else "special_use", ""
    if zone.use is Use.PRIVATE:
        below = [parent for parent in names.zones(name) if len(names.labels(parent)) == 2]
        text = names.text(below[0] if below else zone.name)
        missing = f'; if this network has it, [[forward]] zones = ["{text}"] is missing'
    return step(kind, missing, zone=owner)


def _at_other_hours(does: Action) -> str:
    """The kind of the step where a clause holds at other hours; one that passes has no hours."""
    match does:
        case Action.PASS | Action.BLOCK:
            return "other_hours"
        case Action.COUNT:
            return "counted_at_other_hours"
        case _:
            assert_never(does)
