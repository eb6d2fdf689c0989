"""References to services and categories: what each means."""

import pytest

from resolver.compiler.policy import compile_snapshot
from resolver.lists.adblock import AdblockReader
from tests.config.files_in_memory import load_text

CONFIG = """
[policies.p]
block = ["{0}"]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
[[exemptions]]
id = "e"
vlan = "v"
services = ["{0}"]
until = 2027-03-20T23:59:59+03:30
approver = "a"
ticket = "t"
"""
PATHS = ["policies.p.block[0]", "exemptions[0].services[0]"]


def _problems(reference: str, *services: str) -> list[tuple[str, str, str]]:
    """Severity, path and advice of each, where all services are of one category, games."""
    return _all(CONFIG.format(reference), *services)


def _all(config: str, *services: str) -> list[tuple[str, str, str]]:
    loaded = load_text(config)
    text = "! Category: games\n||{}.example^\n"
    read = [
        AdblockReader.read(text.format(service), service, f"{service}.txt") for service in services
    ]
    _, problems = compile_snapshot(loaded, read)
    return [(problem.severity, problem.path, problem.advice) for problem in problems]


@pytest.mark.parametrize("reference", ["@games", "games", "chess"])
def test_a_known_reference_is_no_problem(reference: str) -> None:
    assert _problems(reference, "games", "chess") == []


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        *(("games", "@games"), ("ches", "chess"), ("@game", "@games")),
        *(("gamess", "@games"), ("@chess", "chess")),
    ],
)
def test_an_unknown_reference_is_an_error_that_names_the_one_meant(
    reference: str, meant: str
) -> None:
    advice = f'Did you mean "{meant}"?'
    assert _problems(reference, "chess", "go") == [("error", path, advice) for path in PATHS]


def test_an_expectation_names_a_service_and_no_category() -> None:
    expect = '[[expect]]\nclient = "10.0.0.1"\nname = "a.example"\noutcome = "passed"\n'
    text = CONFIG.format("chess") + expect + 'service = "games"\n'
    assert _all(text, "chess") == [("error", "expect[0].service", "")]


def test_a_config_whose_only_policy_has_an_invalid_name_is_compiled_as_far_as_it_is_valid() -> None:
    config = CONFIG.replace("[policies.p]", '[policies."p p"]').replace(
        'policy = "p"', 'policy = "p p"'
    )
    assert load_text(config.format("one")).problems
    assert _all(config.format("one"), "one") == []


ALLOWING = """
[policies.p]
default = "{0}"
allow = [{1}]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""


@pytest.mark.parametrize(
    ("default", "entry", "advice"),
    [
        ("block", "ches", 'Did you mean "chess"?'),
        ("block", "@game", 'Did you mean "@games"?'),
        ("block", "@chess", 'Did you mean "chess"?'),
        ("pass", "@games", None),
    ],
)
def test_an_unknown_service_that_a_policy_allows_is_an_error(
    default: str, entry: str, advice: str | None
) -> None:
    config = ALLOWING.format(default, f'"agency.example", "{entry}"')
    [(severity, path, told)] = _all(config, "games", "chess")
    assert (severity, path) == ("error", "policies.p.allow[1]")
    assert advice is None or advice in told


def test_allow_takes_services_categories_and_names_where_the_default_is_to_block() -> None:
    every = ALLOWING.format("block", '"chess", "@games", "agency.example", "||ir^"')
    assert _all(every, "tag", "chess") == []
