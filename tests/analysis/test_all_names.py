"""Every question falls into a class, and gets what a slow, obvious judge of its own gives it."""

import random
from collections.abc import Callable

import pytest

from resolver.analysis.explanation import Explainer
from resolver.analysis.name_classes import NameClasses
from resolver.analysis.name_groups import NameClass
from resolver.dns import codes, names
from tests.analysis.obvious_policy import ObviousPolicy, random_name, random_policy
from tests.compiler.texts import compile_texts

WALL = 1.8e9
QUESTIONS = 200
"""Of each of the policies; a run with 5,000 of each of 200 found no difference."""


def class_of(classes: set[NameClass]) -> Callable[[bytes], NameClass]:
    """Finds the class of a name: that of the name, or of all below the closest point."""

    def find(name: bytes) -> NameClass:
        if (found := NameClass(name, is_below=False)) in classes:
            return found
        above = (NameClass(zone, is_below=True) for zone in list(names.zones(name))[1:])
        return next(item for item in above if item in classes)

    return find


def differing(policy: ObviousPolicy, source: random.Random, questions: int) -> list[str]:
    """The names of random questions that get another outcome than their class."""
    snapshot = compile_texts(policy.toml(), policy.lists)
    compiled = snapshot.compiled
    classes = NameClasses(compiled, snapshot.index())
    explainer = Explainer(compiled, classes.index, WALL)
    view = explainer.vlan("office")
    assert view is not None
    zones = [names.ROOT, *(rule.name for rule in view.effect.policy.own_rules)]
    every = {item for zone in zones for item in classes.within(zone)}
    find, outcomes = class_of(every), dict[NameClass, str]()
    found = []
    for _ in range(questions):
        name = random_name(source, 7)
        of_class = find(names.parse(name))
        if of_class not in outcomes:
            verdict, _ = explainer.verdict(view, of_class.name, codes.A)
            outcomes[of_class] = verdict.outcome.label
        if outcomes[of_class] != policy.outcome(name):
            found.append(name)
    return found


@pytest.mark.parametrize("seed", range(100))
def test_a_question_gets_what_its_class_gets(seed: int) -> None:
    source = random.Random(seed)
    assert differing(random_policy(source), source, QUESTIONS) == []
