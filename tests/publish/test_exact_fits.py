"""What an enforcer is said to enforce exactly, a test with the real program shows.

BIND, Unbound and PowerDNS Recursor are asked by ``tests.programs.parity``, so that the cells there
count; other programs have a test for each feature, by name.
"""

import ast
import itertools
from pathlib import Path

import pytest

from resolver.policy.features import Feature, features
from resolver.publish.enforcers import SUPPORTS, Enforcer, Fit
from tests.policy.networks import snapshot_of
from tests.programs.parity import exactness, policy_under_test
from tests.programs.parity.cells import COLD, QUESTIONS, SILENCE
from tests.programs.parity.comparison import SECONDARIES
from tests.programs.parity.differences import Cell

ROOT = Path(__file__).parents[2]
WALL = 1.8e9

_LOADED = "tests/publish/test_nftables.py::test_only_clients_of_a_blocked_vlan_are_rejected"
_FETCHED = (
    "tests/end_to_end/other_resolvers/test_feeds.py"
    "::test_policy_and_exemptions_open_and_close_it_with_the_next_fetch"
)
SHOWN_BY: dict[Enforcer, dict[Feature, str]] = {
    Enforcer.NFTABLES: {
        Feature.IPV4_RANGES: _LOADED,
        Feature.IPV6_RANGES: _LOADED,
        Feature.COUNT: _LOADED,
        Feature.VLAN_EXEMPTIONS: _LOADED,
        Feature.PREFIX_EXEMPTIONS: _LOADED,
    },
    Enforcer.FEEDS: {
        Feature.IPV4_RANGES: _FETCHED,
        Feature.IPV6_RANGES: _FETCHED,
        Feature.COUNT: _FETCHED,
        Feature.VLAN_EXEMPTIONS: _FETCHED,
        Feature.PREFIX_EXEMPTIONS: _FETCHED,
    },
}
"""The tests with a real firewall."""


def exact(target: Enforcer) -> set[Feature]:
    return {feature for feature, support in SUPPORTS[target].items() if support.fit is Fit.EXACT}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    """Those whose VLAN has each feature that the cell is said to show; no program has answered."""
    lists = policy_under_test.write_lists(tmp_path_factory.mktemp("parity"))
    texts = {path.name.removesuffix(".txt"): path.read_text("utf-8") for path in lists.iterdir()}
    compiled = snapshot_of(policy_under_test.config(1, 2, 3, lists), texts).compiled
    of_vlans = zip(compiled.vlans, features(compiled, WALL), strict=True)
    has = {vlan.name: of_vlan for vlan, of_vlan in of_vlans}
    asked = itertools.chain(*QUESTIONS.values())
    every = (Cell(question, COLD, SILENCE, SILENCE, SILENCE) for question in asked)
    return [cell for cell in every if exactness.features(cell) <= has[cell.question.client.vlan]]


@pytest.mark.parametrize("engine", SECONDARIES)
def test_a_cell_shows_each_feature_that_an_engine_has_exactly(
    engine: str, cells: list[Cell]
) -> None:
    found = exactness.Exactness(SECONDARIES[engine].target)
    for cell in cells:
        found.add(cell)
    assert [*found.faults()] == []


def test_every_enforcer_is_tested_and_zones_by_what_reads_them() -> None:
    readers = {secondary.target for secondary in SECONDARIES.values() if secondary.target}
    assert readers | SHOWN_BY.keys() == {*Enforcer} - {Enforcer.ZONES}
    assert exact(Enforcer.ZONES) <= set().union(*map(exact, readers))


@pytest.mark.parametrize("target", SHOWN_BY)
def test_a_test_shows_each_feature_that_a_firewall_has_exactly(target: Enforcer) -> None:
    assert SHOWN_BY[target].keys() == exact(target)
    for test in SHOWN_BY[target].values():
        file, _, name = test.partition("::")
        body = ast.parse((ROOT / file).read_text("utf-8")).body
        assert name in {item.name for item in body if isinstance(item, ast.FunctionDef)}, test
