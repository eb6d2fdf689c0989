"""The expectations of a config, run against the policy that was compiled from it.

An expectation tests the policy without exemptions, so that an exemption never makes a start or a
reload fail. One with the outcome ``exempted`` is tested with the exemptions of now, and one with
``at`` with those of that moment. One without ``at`` must hold at all hours, or at those that it
names. Those that need an exemption are run again for the end of every exemption, so that an
expectation that will fail is reported before a start or reload fails. Pure, as ``explanation`` is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from resolver.analysis.explanation import Explainer, Explanation
from resolver.config.exemption_model import ExemptionConfig
from resolver.config.expectation_model import ExpectedAnswer
from resolver.config.load import LoadedConfig
from resolver.config.problems import Problem
from resolver.dns import codes
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.moment import all_hours, ended, in_force, in_force_with_hours
from resolver.system.english import moment_text
from resolver.system.time_zones import zone_or_utc


@dataclass(frozen=True, slots=True)
class FailedExpectation:
    """An expectation that does not hold."""

    place: str
    text: str
    lists: tuple[str, ...] = ()
    """The lists of others with a rule or an exception for the name that is decided otherwise."""

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """An expectation and its result."""

    client: str
    vlan: str
    """``unknown`` where no VLAN holds the client."""
    name: str
    type: str
    at: float | None
    """The moment that it is for, in seconds since 1970; None for all hours, or for ``hours``."""
    expected: str
    got: str
    service: str
    """The service whose rule decided, if one did."""
    holds: bool
    hours: str
    """The hours that it is for; empty for all."""


class _InState(NamedTuple):
    """How a question is answered in a state of the hours."""

    got: Explanation
    when: str = ""
    """The state, in words."""


class ExpectationRun:
    """The expectations of a config, and the policy to run them against."""

    def __init__(
        self, loaded: LoadedConfig, compiled: CompiledConfig, index: Index, wall: float
    ) -> None:
        """``wall`` is now, in seconds since 1970."""
        self._config = loaded.config
        self._provenance = loaded.provenance
        self._compiled = compiled
        self._index = index
        self._wall = wall
        self._all = Explainer(compiled, index, wall)
        without = replace(compiled, exemptions=(), exempted_prefixes=())
        self._without_exemptions = Explainer(without, index, wall)
        self._hours = all_hours(compiled)

    def results(self) -> Iterator[ExpectationResult]:
        """The results of all, in the order of the config."""
        for _, expect in self._config.questions():
            at = None if expect.at is None else expect.at.timestamp()
            got = self._decisive(expect).got
            yield ExpectationResult(
                *(str(expect.client), got.vlan, got.name, got.type, at),
                *(expect.outcome, got.outcome, got.service, _holds(expect, got)),
                expect.hours or "",
            )

    def failures(self) -> list[FailedExpectation]:
        """The expectations that do not hold."""
        failed = []
        for place, expect in self._config.questions():
            decisive = self._decisive(expect)
            if not _holds(expect, decisive.got):
                location = self._provenance.location(("expect", place))
                text = _difference(expect, decisive.got) + decisive.when + self._advice(expect)
                lists = lists_of_others(self._compiled, self._index, expect.name)
                failed.append(FailedExpectation(str(location), text, lists))
        return failed

    def breaking_later(self) -> Iterator[Problem]:
        """Warnings for those that hold now and will fail when an exemption has ended."""
        now = self._at(self._wall)
        holding = {
            place: expect
            for place, expect in self._config.questions()
            if _needs_exemption(expect) and _holds(expect, _explain(expect, now))
        }
        to_end = [
            exemption
            for exemption in self._config.exemptions
            if not ended(exemption.until.timestamp(), self._wall)
        ]
        for exemption in sorted(to_end, key=lambda exemption: exemption.until) if holding else ():
            then = self._at(exemption.until.timestamp())
            for place, expect in list(holding.items()):
                got = _explain(expect, then)
                if not _holds(expect, got):
                    del holding[place]
                    yield self._breaking(place, exemption, _difference(expect, got))

    def _decisive(self, expect: ExpectedAnswer) -> _InState:
        """The first state in which an expectation must hold and does not; else the last.

        Where one for all hours holds in no state, they are not the reason, and none is named.
        """
        states = list(self._states(expect))
        failed = [state for state in states if not _holds(expect, state.got)]
        if expect.hours is None and len(failed) == len(states):
            return failed[0]._replace(when="")
        return failed[0] if failed else states[-1]

    def _states(self, expect: ExpectedAnswer) -> Iterator[_InState]:
        """The states in which an expectation must hold: with ``at`` that of the moment.

        Otherwise those of all hours, or of those that it names, so that no start or reload depends
        on the time of the day.
        """
        if expect.at is not None:
            yield _InState(_explain(expect, self._at(expect.at.timestamp())))
            return
        explainer = self._all if _needs_exemption(expect) else self._without_exemptions
        for hours in self._tested(expect.hours):
            explainer.assume(in_force_with_hours(explainer.compiled, self._wall, hours))
            yield _InState(_explain(expect, explainer), while_text(self._compiled, hours))

    def _tested(self, name: str | None) -> list[frozenset[int]]:
        """The sets of hours that hold together, with those of this name in them."""
        if name is None:
            return self._hours
        place = next(p for p, hours in enumerate(self._compiled.hours) if hours.name == name)
        return [hours for hours in self._hours if place in hours] or [frozenset({place})]

    def _advice(self, expect: ExpectedAnswer) -> str:
        """How an expectation that fails can be made to hold, where an exemption is the reason."""
        moment = self._wall if expect.at is None else expect.at.timestamp()
        exemption = _explain(expect, self._at(moment)).exemption
        if exemption and expect.outcome == "passed":
            return f'. Exemption {exemption} permits it: the outcome to expect is "exempted"'
        if exemption and expect.outcome != "exempted" and expect.at is not None:
            return (
                ". It has 'at', so it is tested with the exemptions of that moment; without 'at' "
                "it tests the policy alone, which no exemption changes"
            )
        return ""

    def _at(self, moment: float) -> Explainer:
        self._all.assume(in_force(self._compiled, moment))
        return self._all

    def _breaking(self, place: int, exemption: ExemptionConfig, difference: str) -> Problem:
        zone = zone_or_utc(self._compiled.settings.report.time_zone)
        end = moment_text(exemption.until.timestamp(), zone)
        return self._provenance.problem(
            ("expect", place),
            f"one that holds until exemption {exemption.id} ends ({end})",
            "one that holds after it, or that has the moment it is for in 'at'",
            f"Then {difference}. No start or reload will succeed from then on.",
            "warning",
        )


def lists_of_others(compiled: CompiledConfig, index: Index, name: bytes) -> tuple[str, ...]:
    """The lists of others that have a rule or an exception for a name."""
    sources = (compiled.sources[match.source] for match in index.match(name))
    return tuple(dict.fromkeys(source.name for source in sources if source.of_others))


def _needs_exemption(expect: ExpectedAnswer) -> bool:
    """Whether the expectation holds only while an exemption does."""
    return expect.outcome == "exempted" and expect.at is None


def _explain(expect: ExpectedAnswer, explainer: Explainer) -> Explanation:
    qtype = codes.parse_type(expect.type) or 0
    return explainer.for_client(str(expect.client), expect.name, qtype)


def _holds(expect: ExpectedAnswer, got: Explanation) -> bool:
    return got.outcome == expect.outcome and expect.service in (None, got.service)


def while_text(compiled: CompiledConfig, hours: frozenset[int]) -> str:
    """A state of the hours, in words after a comma; empty where the config has none."""
    if not compiled.hours:
        return ""
    named = ", ".join(compiled.hours[place].name for place in sorted(hours))
    return f", while the hours {named} hold" if named else ", while no hours hold"


def _difference(expect: ExpectedAnswer, got: Explanation) -> str:
    """What was expected, what was got and why."""
    expected = expect.outcome + (f" as {expect.service}" if expect.service else "")
    outcome = got.outcome + (f" as {got.service}" if got.service else "")
    policy = f", policy {got.policy}" if got.policy else ""
    rule = f" ({got.rule})" if got.rule else ""
    return (
        f"{got.name} {got.type} from {expect.client} (VLAN {got.vlan}{policy}): "
        f"expected {expected}, got {outcome}: {got.decided_by}{rule}"
    )
