"""Say which decisions of a worker on the expectations are wrong. Pure.

An expectation tests the policy without exemptions. A worker decides with those in force: a name
that must be blocked may be exempted then.
"""

from collections.abc import Iterator, Sequence

from resolver.dns import codes, names
from resolver.policy.compiled import CompiledConfig, Expectation
from resolver.policy.moment import in_force
from resolver.policy.verdict import Outcome

_BLOCKING = (Outcome.BLOCKED.label, Outcome.WOULD_BLOCK.label)


def wrong_decisions(
    compiled: CompiledConfig, wall: float, decisions: Sequence[Sequence[str] | None]
) -> Iterator[str]:
    """What is wrong at a moment, in words; ``decisions`` are as in ``engine.self_test``.

    ``wall`` is in seconds since 1970. An expectation for hours that do not hold then is left out.
    """
    if len(decisions) != len(compiled.expectations):
        yield f"{len(decisions)} expectations are known, of {len(compiled.expectations)}"
        return
    now = in_force(compiled, wall)
    for expected, decision in zip(compiled.expectations, decisions, strict=True):
        is_for_now = expected.within is None or expected.within in now.hours
        if is_for_now and decision is not None:
            outcome, service = decision
            if not _holds(expected, outcome, service, may_be_exempted=bool(now.exemptions)):
                yield _text(expected, outcome, service)


def _holds(expected: Expectation, outcome: str, service: str, *, may_be_exempted: bool) -> bool:
    if may_be_exempted and outcome == Outcome.EXEMPTED.label:
        return expected.outcome in _BLOCKING
    return outcome == expected.outcome and expected.service in ("", service)


def _text(expected: Expectation, outcome: str, service: str) -> str:
    question = f"{names.text(expected.question_name)} {codes.type_text(expected.question_type)}"
    return (
        f"{question} from {expected.client}: expected "
        f"{_outcome(expected.outcome, expected.service)}, got {_outcome(outcome, service)}"
    )


def _outcome(outcome: str, service: str) -> str:
    return f"{outcome} as {service}" if service else outcome
