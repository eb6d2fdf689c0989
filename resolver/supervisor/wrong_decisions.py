"""Say which decisions of a worker on the expectations are wrong. Pure.

An expectation tests the policy without exemptions. A worker decides with those in force: a name
that must be blocked is exempted where the client is exempted from the service that blocks it, and
nowhere else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from resolver.dns import codes, names
from resolver.policy.clauses import Action
from resolver.policy.compiled import CompiledConfig
from resolver.policy.expectation import Expectation
from resolver.policy.moment import in_force
from resolver.policy.prefixes import packed
from resolver.policy.services import services_in
from resolver.policy.verdict import Outcome
from resolver.policy.view import Views

_BLOCKING = (Outcome.BLOCKED.label, Outcome.WOULD_BLOCK.label)


def wrong_decisions(
    compiled: CompiledConfig, wall: float, decisions: Sequence[Sequence[str] | None]
) -> Iterator[str]:
    """What is wrong at a moment, in words; ``decisions`` are as in ``engine.decisions``.

    ``wall`` is in seconds since 1970. An expectation for hours that do not hold then is left out.
    """
    if len(decisions) != len(compiled.expectations):
        yield f"{len(decisions)} expectations are known, of {len(compiled.expectations)}"
        return
    now, views = in_force(compiled, wall), Views(compiled, wall)
    for expected, decision in zip(compiled.expectations, decisions, strict=True):
        is_for_now = expected.within is None or expected.within in now.hours
        if is_for_now and decision is not None:
            outcome, service = decision
            by_now = _with_exemptions(expected, compiled, views, decision)
            if outcome != by_now.outcome or by_now.service not in ("", service):
                yield _text(by_now, outcome, service)


def _with_exemptions(
    expected: Expectation, compiled: CompiledConfig, views: Views, decision: Sequence[str]
) -> Expectation:
    """What must be decided of a name for a client with exemptions, where this was decided."""
    view = views.of(packed(expected.client))
    if view is None or expected.outcome not in _BLOCKING or not view.effect.exempt:
        return expected
    outcome, service = decision
    exempted = _names(compiled, view.effect.exempt)
    if service in exempted:
        return replace(expected, outcome=Outcome.EXEMPTED.label, service="")
    if expected.service not in ("", *exempted):
        return expected
    # Another service may count the name, or block it all the same.
    counted = _names(compiled, view.effect.services.doing[Action.COUNT])
    counts = outcome == Outcome.WOULD_BLOCK.label and service in counted
    return replace(expected, outcome=outcome if counts else expected.outcome, service="")


def _names(compiled: CompiledConfig, services: int) -> set[str]:
    return {service.name for service in services_in(services, compiled.services)}


def _text(expected: Expectation, outcome: str, service: str) -> str:
    question = f"{names.text(expected.question_name)} {codes.type_text(expected.question_type)}"
    return (
        f"{question} from {expected.client}: expected "
        f"{_outcome(expected.outcome, expected.service)}, got {_outcome(outcome, service)}"
    )


def _outcome(outcome: str, service: str) -> str:
    return f"{outcome} as {service}" if service else outcome
