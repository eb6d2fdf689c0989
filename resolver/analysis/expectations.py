"""The expectations of a config, run against what was compiled from it.

Each is judged now, or at the moment that it names; those that hold are judged once more at
the end of every exemption, so that nobody learns of a broken one from a start that fails.
Pure, as ``explanation`` is.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from resolver.analysis.explanation import Explainer, Explanation
from resolver.config.load import LoadedConfig
from resolver.config.model import ExemptionConfig, ExpectationConfig
from resolver.config.problems import Problem
from resolver.dns import codes
from resolver.policy.compiled import Terms
from resolver.policy.index import Index


@dataclass(frozen=True, slots=True)
class FailedExpectation:
    """An expectation that does not hold."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """An expectation with what came of it."""

    client: str
    vlan: str
    """``unknown`` where no VLAN holds the client."""
    name: str
    type: str
    at: float | None
    """The moment that it is for, in seconds since 1970; None where that is now."""
    expected: str
    got: str
    service: str
    """The service that a rule of decided, if one did."""
    holds: bool


class ExpectationRun:
    """A config's expectations and the policy that they are run against."""

    def __init__(self, loaded: LoadedConfig, terms: Terms, index: Index, wall: float) -> None:
        """``wall`` is now, in seconds since 1970."""
        self._loaded = loaded
        self._terms = terms
        self._index = index
        self._wall = wall

    def results(self) -> Iterator[ExpectationResult]:
        """All of them, in the order of the config."""
        now = self._at(self._wall)
        for expect in self._loaded.config.expect:
            at = None if expect.at is None else expect.at.timestamp()
            got = _ask(expect, now if at is None else self._at(at))
            yield ExpectationResult(
                *(str(expect.client), got.vlan, got.name, got.type, at),
                *(expect.outcome, got.outcome, got.service, _agrees(expect, got)),
            )

    def failures(self) -> list[FailedExpectation]:
        """Those that do not hold."""
        now = self._at(self._wall)
        failed = []
        for place, expect in enumerate(self._loaded.config.expect):
            engine = now if expect.at is None else self._at(expect.at.timestamp())
            wrong = _differs(expect, engine)
            if wrong:
                location = self._loaded.provenance.location(("expect", place))
                failed.append(FailedExpectation(str(location), wrong))
        return failed

    def breaking_later(self) -> Iterator[Problem]:
        """Warnings of those that hold now and will not when an exemption has ended."""
        now = self._at(self._wall)
        standing = {
            place: expect
            for place, expect in enumerate(self._loaded.config.expect)
            if expect.at is None and not _differs(expect, now)
        }
        for exemption in self._still_to_end() if standing else ():
            then = self._at(exemption.until.timestamp())
            for place, expect in list(standing.items()):
                wrong = _differs(expect, then)
                if wrong:
                    del standing[place]
                    yield self._warning(place, exemption, wrong)

    def ended_exemptions(self) -> Iterator[Problem]:
        """Warnings of exemptions that lift nothing any more."""
        for place, exemption in enumerate(self._loaded.config.exemptions):
            if exemption.until.timestamp() <= self._wall:
                yield self._loaded.provenance.problem(
                    ("exemptions", place, "until"),
                    exemption.until.isoformat(),
                    "a moment to come",
                    f"Exemption {exemption.id} has ended and lifts nothing; remove it.",
                    "warning",
                )

    def _at(self, moment: float) -> Explainer:
        return Explainer(self._terms, self._index, moment)

    def _still_to_end(self) -> list[ExemptionConfig]:
        exemptions = self._loaded.config.exemptions
        to_end = [each for each in exemptions if each.until.timestamp() > self._wall]
        return sorted(to_end, key=lambda each: each.until)

    def _warning(self, place: int, exemption: ExemptionConfig, wrong: str) -> Problem:
        end = exemption.until.astimezone(dt.UTC)
        return self._loaded.provenance.problem(
            ("expect", place),
            f"one that holds until exemption {exemption.id} ends ({end:%Y-%m-%d %H:%M} UTC)",
            "one that holds after it, or that has the moment it is for in 'at'",
            f"Then {wrong}. No start or reload will succeed from then on.",
            "warning",
        )


def _ask(expect: ExpectationConfig, engine: Explainer) -> Explanation:
    qtype = codes.parse_type(expect.type) or 0
    return engine.for_client(str(expect.client), expect.name, qtype)


def _agrees(expect: ExpectationConfig, got: Explanation) -> bool:
    return got.outcome == expect.outcome and expect.service in (None, got.service)


def _differs(expect: ExpectationConfig, engine: Explainer) -> str:
    """What was expected and what was got, and why; empty where they agree."""
    got = _ask(expect, engine)
    if _agrees(expect, got):
        return ""
    wanted = expect.outcome + (f" as {expect.service}" if expect.service else "")
    had = got.outcome + (f" as {got.service}" if got.service else "")
    return (
        f"{got.name} {got.type} from {expect.client} (VLAN {got.vlan}"
        f"{_policy(got)}): expected {wanted}, got {had}: {got.decided_by}{_rule(got)}"
    )


def _policy(got: Explanation) -> str:
    return f", policy {got.policy}" if got.policy else ""


def _rule(got: Explanation) -> str:
    return f" ({got.rule})" if got.rule else ""
