"""The expectations of a config for every name of some services, run against its policy.

Each must hold for the policy without exemptions, in every state of the hours within a year, so that
no start or reload depends on the time of the day. ``service_coverage`` finds what is open.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from resolver.analysis.expectations import ExpectationResult, FailedExpectation, while_text
from resolver.analysis.explanation import Explainer
from resolver.analysis.service_coverage import (
    CoverageCheck,
    Holes,
    exceptions_of,
    members,
    opened_by,
)
from resolver.config.expectation_model import ExpectationConfig
from resolver.config.load import LoadedConfig
from resolver.count_text import count_text
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.moment import hours_ahead, in_force_with_hours
from resolver.policy.services import services_in
from resolver.policy.view import View


def coverage_failures(
    loaded: LoadedConfig, compiled: CompiledConfig, index: Index, wall: float
) -> list[FailedExpectation]:
    """Those of a config that do not hold at ``wall``, in seconds since 1970, or later."""
    return [
        FailedExpectation(str(loaded.provenance.location(("expect", place))), text)
        for place, _, text in _run(loaded, compiled, index, wall)
        if text
    ]


def coverage_results(
    loaded: LoadedConfig, compiled: CompiledConfig, index: Index, wall: float
) -> Iterator[ExpectationResult]:
    """The result of each such expectation, for a report; ``wall`` as above."""
    for _, expect, text in _run(loaded, compiled, index, wall):
        where = expect.vlan or f"policy {expect.policy}"
        name = f"every name of {' '.join(expect.services)}"
        got = "some names are open" if text else expect.outcome
        yield ExpectationResult(
            *("", where, name, "", None, expect.outcome, got, "", not text), hours=""
        )


def _run(
    loaded: LoadedConfig, compiled: CompiledConfig, index: Index, wall: float
) -> Iterator[tuple[int, ExpectationConfig, str]]:
    """Each such expectation with its place in the config, and what is open; empty if it holds."""
    expected = [(place, each) for place, each in enumerate(loaded.config.expect) if each.services]
    if expected:  # to find the classes of names takes seconds with a million names
        without_exemptions = replace(compiled, exemptions=(), exempted_prefixes=())
        holes = _HolesOfPolicy(loaded, without_exemptions, index, wall)
        for place, expect in expected:
            yield place, expect, holes.text(expect)


class _HolesOfPolicy:
    """The policy to run the expectations against."""

    def __init__(
        self, loaded: LoadedConfig, compiled: CompiledConfig, index: Index, wall: float
    ) -> None:
        self._config = loaded.config
        self._provenance = loaded.provenance
        self._compiled = compiled
        self._wall = wall
        self._explainer = Explainer(compiled, index, wall)
        self._check = CoverageCheck(self._explainer, index)

    def text(self, expect: ExpectationConfig) -> str:
        """What is open in the first state of the hours in which anything is; else empty."""
        services = members(self._compiled, expect.services)
        exceptions = exceptions_of(expect.except_)
        for (hours,) in hours_ahead(self._compiled, wall=self._wall):
            self._explainer.assume(in_force_with_hours(self._compiled, self._wall, hours))
            for view in self._views(expect):
                found = self._check.holes(view, services, exceptions)
                if found is not None:
                    text = self._described(expect, services, view, found)
                    return text + while_text(self._compiled, hours)
        return ""

    def _views(self, expect: ExpectationConfig) -> Iterable[View]:
        """The view of the VLAN; or of a VLAN that has the policy, and of each with own rules."""
        found: dict[int, View] = {}
        for name, vlan in self._config.vlans.items():
            if expect.vlan == name or (expect.policy and vlan.policy == expect.policy):
                view = self._explainer.vlan(name)
                if view is not None:
                    found.setdefault(self._compiled.vlans[view.vlan].policy, view)
        return found.values()

    def _described(self, expect: ExpectationConfig, services: int, view: View, found: Holes) -> str:
        """What is open, why, and where the config opens it."""
        hole, more = found
        at = self._provenance.location(opened_by(hole, view.effect.policy, self._config))
        covering = services_in(hole.covering & services, self._compiled.services)
        lists = ", ".join(each.name for each in covering)
        others = f" and {count_text(more, 'other class', 'other classes')} of names" if more else ""
        return (
            f"every name of {' '.join(expect.services)} on VLAN {hole.got.vlan}: expected blocked, "
            f"got {hole.got.outcome} for {hole.of_class} ({lists}){others}: {hole.got.decided_by}, "
            f"at {at}"
        )
