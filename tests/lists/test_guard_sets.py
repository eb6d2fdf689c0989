"""What the shipped lists block and leave open, asked of the engine that answers queries.

One policy blocks every category, so that no list is left out, whoever uses it.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from resolver.analysis.explanation import Explainer
from resolver.dns import codes, names
from resolver.lists.adblock import AdblockReader
from resolver.policy.index import Index
from tests.lists.guard_sets import DATA, SHARED_TAKEN, TAKEN_SINCE, guard_sets, popular_below
from tests.snapshot.texts import compile_texts

BLOCKLISTS = Path(__file__).parents[2] / "blocklists"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in BLOCKLISTS.glob("*.txt")}
CONFIG = """
[policies.everything]
block = ["@messenger", "@workplace-chat", "@encrypted-dns"]
[vlans.guarded]
prefixes = ["192.0.2.0/24"]
policy = "everything"
"""
SETS = guard_sets()

Services = Callable[[Iterable[str]], dict[str, str]]


@pytest.fixture(scope="module")
def blocked() -> Services:
    """The service that blocks each of some names; names that pass are left out."""
    snapshot = compile_texts(CONFIG, TEXTS)
    explainer = Explainer(snapshot.terms, Index(snapshot.trie, snapshot.rules), 0.0)
    view = explainer.vlan("guarded")
    assert view is not None

    def services(asked: Iterable[str]) -> dict[str, str]:
        told = (explainer.for_view(view, names.parse(name), codes.A) for name in asked)
        return {each.name.rstrip("."): each.service for each in told if each.outcome == "blocked"}

    return services


@pytest.mark.parametrize("kind", SETS)
def test_a_guarded_name_stays_open(blocked: Services, kind: str) -> None:
    assert blocked(SETS[kind]) == {}


@pytest.mark.shared_data
def test_the_guards_are_many() -> None:
    assert DATA.is_dir()
    assert len(SETS["popular names"]) > 40_000
    assert len(SETS["names of shared domains"]) > 4_000
    assert len(SETS["popular Iranian names"]) > 900


def test_a_name_that_no_guard_has_is_blocked_by_its_own_service(blocked: Services) -> None:
    taken = popular_below(TAKEN_SINCE | SHARED_TAKEN)
    assert blocked(taken) == taken


@pytest.mark.parametrize("service", sorted(TEXTS))
def test_every_rule_of_a_list_blocks(blocked: Services, service: str) -> None:
    rules = AdblockReader.read(TEXTS[service], service, "").rules
    blocking = [rule for rule in rules if not rule.exception]
    exact = {rule.name for rule in rules if rule.exception and not rule.subtree}
    asked = [names.text(rule.name) for rule in blocking if rule.name not in exact]
    asked += [f"below.{names.text(rule.name)}" for rule in blocking if rule.subtree]
    assert blocked(asked) == dict.fromkeys(asked, service)
