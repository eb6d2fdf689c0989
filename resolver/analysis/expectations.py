"""The expectations of a config, run against the policy that was compiled from it.

An expectation tests the policy without exemptions, so that an exemption never makes a start or a
reload fail. One with the outcome ``exempted`` is tested with the exemptions of now, and one with
``at`` with those of that moment. Those that need an exemption are run again for the end of every
exemption, so that an expectation that will fail is reported before a start or reload fails. Pure,
as ``explanation`` is.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

from resolver.analysis.explanation import Explainer, Explanation
from resolver.config.load import LoadedConfig
from resolver.config.model import ExemptionConfig, ExpectationConfig
from resolver.config.problems import Problem
from resolver.dns import codes
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.moment import ended


@dataclass(frozen=True, slots=True)
class FailedExpectation:
    """An expectation that does not hold."""

    place: str
    text: str

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
    """The moment that it is for, in seconds since 1970; None for now."""
    expected: str
    got: str
    service: str
    """The service whose rule decided, if one did."""
    holds: bool


class ExpectationRun:
    """The expectations of a config, and the policy to run them against."""

    def __init__(
        self, loaded: LoadedConfig, terms: CompiledConfig, index: Index, wall: float
    ) -> None:
        """``wall`` is now, in seconds since 1970."""
        self._config = loaded.config
        self._provenance = loaded.provenance
        self._terms = terms
        self._index = index
        self._wall = wall
        self._now = self._at(wall)
        without = replace(terms, exemptions=(), exempted_prefixes=())
        self._without_exemptions = Explainer(without, index, wall)

    def results(self) -> Iterator[ExpectationResult]:
        """The results of all, in the order of the config."""
        for expect in self._config.expect:
            at = None if expect.at is None else expect.at.timestamp()
            got = _explain(expect, self._explainer(expect))
            yield ExpectationResult(
                *(str(expect.client), got.vlan, got.name, got.type, at),
                *(expect.outcome, got.outcome, got.service, _holds(expect, got)),
            )

    def failures(self) -> list[FailedExpectation]:
        """The expectations that do not hold."""
        failed = []
        for place, expect in enumerate(self._config.expect):
            if difference := _difference(expect, self._explainer(expect)):
                location = self._provenance.location(("expect", place))
                text = difference + self._advice(expect)
                failed.append(FailedExpectation(str(location), text))
        return failed

    def breaking_later(self) -> Iterator[Problem]:
        """Warnings for those that hold now and will fail when an exemption has ended."""
        holding = {
            place: expect
            for place, expect in enumerate(self._config.expect)
            if _needs_exemption(expect) and not _difference(expect, self._now)
        }
        to_end = [
            each
            for each in self._config.exemptions
            if not ended(each.until.timestamp(), self._wall)
        ]
        for exemption in sorted(to_end, key=lambda each: each.until) if holding else ():
            then = self._at(exemption.until.timestamp())
            for place, expect in list(holding.items()):
                if difference := _difference(expect, then):
                    del holding[place]
                    yield self._breaking(place, exemption, difference)

    def _explainer(self, expect: ExpectationConfig) -> Explainer:
        if expect.at is not None:
            return self._at(expect.at.timestamp())
        return self._now if _needs_exemption(expect) else self._without_exemptions

    def _advice(self, expect: ExpectationConfig) -> str:
        """How an expectation that fails can be made to hold, where an exemption is the reason."""
        explainer = self._now if expect.at is None else self._explainer(expect)
        exemption = _explain(expect, explainer).exemption
        if exemption and expect.outcome == "passed":
            return f'. Exemption {exemption} permits it: the outcome to expect is "exempted"'
        if exemption and expect.outcome != "exempted" and expect.at is not None:
            return (
                ". It has 'at', so it is tested with the exemptions of that moment; without 'at' "
                "it tests the policy alone, which no exemption changes"
            )
        return ""

    def _at(self, moment: float) -> Explainer:
        return Explainer(self._terms, self._index, moment)

    def _breaking(self, place: int, exemption: ExemptionConfig, difference: str) -> Problem:
        end = exemption.until.astimezone(dt.UTC)
        return self._provenance.problem(
            ("expect", place),
            f"one that holds until exemption {exemption.id} ends ({end:%Y-%m-%d %H:%M} UTC)",
            "one that holds after it, or that has the moment it is for in 'at'",
            f"Then {difference}. No start or reload will succeed from then on.",
            "warning",
        )


def _needs_exemption(expect: ExpectationConfig) -> bool:
    """Whether the expectation holds only while an exemption does."""
    return expect.outcome == "exempted" and expect.at is None


def _explain(expect: ExpectationConfig, explainer: Explainer) -> Explanation:
    qtype = codes.parse_type(expect.type) or 0
    return explainer.for_client(str(expect.client), expect.name, qtype)


def _holds(expect: ExpectationConfig, got: Explanation) -> bool:
    return got.outcome == expect.outcome and expect.service in (None, got.service)


def _difference(expect: ExpectationConfig, explainer: Explainer) -> str:
    """What was expected, what was got and why; empty where the expectation holds."""
    got = _explain(expect, explainer)
    if _holds(expect, got):
        return ""
    expected = expect.outcome + (f" as {expect.service}" if expect.service else "")
    outcome = got.outcome + (f" as {got.service}" if got.service else "")
    policy = f", policy {got.policy}" if got.policy else ""
    rule = f" ({got.rule})" if got.rule else ""
    return (
        f"{got.name} {got.type} from {expect.client} (VLAN {got.vlan}{policy}): "
        f"expected {expected}, got {outcome}: {got.decided_by}{rule}"
    )
