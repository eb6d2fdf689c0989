"""The expectations of a config for every name of some services, run against its policy.

Each must hold for the policy without exemptions, in every state of the hours within a year, so that
no start or reload depends on the time of the day. ``service_coverage`` finds what is open.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from resolver.analysis.expectations import (
    ExpectationResult,
    FailedExpectation,
    lists_of_others,
    while_text,
)
from resolver.analysis.explanation import Explainer
from resolver.analysis.name_classes import NameClasses
from resolver.analysis.service_coverage import (
    CoverageCheck,
    Holes,
    exceptions_of,
    members,
    opened_by,
)
from resolver.config.expectation_model import ExpectationConfig
from resolver.config.load import LoadedConfig
from resolver.policy.effect import Tier
from resolver.policy.moment import hours_ahead, in_force_with_hours
from resolver.policy.verdict import Outcome
from resolver.policy.view import View
from resolver.system.english import count_text

_Proof = tuple[int, tuple[Tier, ...], frozenset[str], tuple[str, ...], str]
"""What a result depends on: the policy, what it does to services now, and what is expected."""


def coverage_failures(
    loaded: LoadedConfig, classes: NameClasses, wall: float
) -> list[FailedExpectation]:
    """Those of a config that do not hold at ``wall``, in seconds since 1970, or later.

    ``classes`` are of the config without exemptions.
    """
    return [
        FailedExpectation(str(loaded.provenance.location(("expect", place))), *opened)
        for place, _, opened in _run(loaded, classes, wall)
        if opened is not None
    ]


def coverage_results(
    loaded: LoadedConfig, classes: NameClasses, wall: float
) -> Iterator[ExpectationResult]:
    """The result of each such expectation, for a report; the rest as above."""
    for _, expect, opened in _run(loaded, classes, wall):
        where = expect.vlan or f"policy {expect.policy}"
        name = f"every name of {' '.join(expect.services)}"
        got = expect.outcome if opened is None else "some names are open"
        yield ExpectationResult(
            *("", where, name, "", None, expect.outcome, got, "", opened is None), hours=""
        )


class _Open(NamedTuple):
    """What is open."""

    text: str
    lists: tuple[str, ...]
    """The lists of others with a rule or an exception for it."""


def _run(
    loaded: LoadedConfig, classes: NameClasses, wall: float
) -> list[tuple[int, ExpectationConfig, _Open | None]]:
    """Each such expectation with its place in the config, and what is open; None if it holds."""
    expected = {
        place: expect for place, expect in enumerate(loaded.config.expect) if expect.services
    }
    if not expected:  # the groups of names take seconds with a million names
        return []
    opened = _Proofs(loaded, classes, wall).open_names(expected)
    return [(place, expect, opened.get(place)) for place, expect in expected.items()]


class _Proofs:
    """The policy to run the expectations against."""

    def __init__(self, loaded: LoadedConfig, classes: NameClasses, wall: float) -> None:
        self._config = loaded.config
        self._provenance = loaded.provenance
        self._compiled = classes.compiled
        self._index = classes.index
        self._wall = wall
        self._explainer = Explainer(classes.compiled, classes.index, wall)
        self._check = CoverageCheck(self._explainer, classes)
        self._holes: dict[_Proof, Holes | None] = {}

    def open_names(self, expected: Mapping[int, ExpectationConfig]) -> dict[int, _Open]:
        """What is open in the first state of the hours in which anything is, where anything is."""
        opened_at: dict[int, _Open] = {}
        vlans = {place: self._vlans(expect) for place, expect in expected.items()}
        for (hours,) in hours_ahead(self._compiled, wall=self._wall):
            self._explainer.assume(in_force_with_hours(self._compiled, self._wall, hours))
            for place, expect in expected.items():
                opened = None if place in opened_at else self._open(expect, vlans[place])
                if opened is not None:
                    text = opened.text + while_text(self._compiled, hours)
                    opened_at[place] = opened._replace(text=text)
        return opened_at

    def _open(self, expect: ExpectationConfig, vlans: Iterable[str]) -> _Open | None:
        """What is open now on the first of the VLANs on which anything is; else None."""
        for view in map(self._explainer.vlan, vlans):
            holes = None if view is None else self._holes_of(expect, view)
            if view is not None and holes is not None:
                name = holes.shortest.of_class.name
                lists = lists_of_others(self._compiled, self._index, name)
                return _Open(self._described(expect, view, holes), lists)
        return None

    def _holes_of(self, expect: ExpectationConfig, view: View) -> Holes | None:
        """What is open; VLANs with one policy share the result."""
        services = members(self._compiled, expect.services)
        policy = self._compiled.vlans[view.vlan].policy
        proof = policy, view.effect.tiers, services, expect.except_, expect.outcome
        if proof not in self._holes:
            exceptions = exceptions_of(expect.except_)
            self._holes[proof] = self._check.holes(
                view, services, exceptions, Outcome[expect.outcome.upper()]
            )
        return self._holes[proof]

    def _vlans(self, expect: ExpectationConfig) -> list[str]:
        """The VLAN; or one VLAN that has the policy, and each that has rules of its own besides."""
        names: dict[int, str] = {}
        for vlan in self._compiled.vlans:
            of_policy = expect.policy == self._compiled.policies[vlan.policy].name
            if expect.vlan == vlan.name or (expect.policy and of_policy):
                names.setdefault(vlan.policy, vlan.name)
        return [*names.values()]

    def _described(self, expect: ExpectationConfig, view: View, holes: Holes) -> str:
        """What is open, why, and where the config opens it."""
        hole, more = holes
        vlan = self._compiled.vlans[view.vlan].name
        at = self._provenance.location(opened_by(hole, view.effect.policy, self._config))
        services = members(self._compiled, expect.services)
        lists = ", ".join(sorted(services.intersection(hole.covering)))
        others = f" and {count_text(more, 'other class', 'other classes')} of names" if more else ""
        return (
            f"every name of {' '.join(expect.services)} on VLAN {vlan}: expected {expect.outcome}, "
            f"got {hole.got.outcome} for {hole.of_class} ({lists}){others}: {hole.got.decided_by}, "
            f"at {at}"
        )
