"""Decide the expectations of the config as a worker decides queries now.

The engine in force decides each question, with its views and its index. Nothing is counted, logged
or asked of an upstream. ``supervisor.wrong_decisions`` says which decisions are wrong.
"""

from collections.abc import Iterator

from resolver.engine.engine import Engine
from resolver.policy.prefixes import packed
from resolver.policy.verdict import NO_SERVICE, Outcome

Decision = tuple[str, str]
"""The outcome and the service whose rule decided, which may be empty."""


def decisions(engine: Engine) -> Iterator[Decision | None]:
    """The decision on each expectation of the snapshot in force, in its order.

    None for a local alias: what its target leads to is decided with the answer.
    """
    compiled = engine.compiled
    for expectation in compiled.expectations:
        view = engine.view_of(packed(expectation.client))
        if view is None:
            yield Outcome.REFUSED.label, ""
            continue
        zone, verdict = engine.check_question(
            view, expectation.question_name, expectation.question_type
        )
        if zone is not None and zone.alias:
            yield None
            continue
        index = verdict.service
        service = "" if index == NO_SERVICE else compiled.services[index].name
        yield verdict.outcome.label, service
