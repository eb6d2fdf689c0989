"""What the shipped lists block and leave open, asked of the engine that answers queries.

One policy blocks every category but social networks: these are popular, and no shipped policy
blocks them. Another blocks these alone.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from resolver.analysis.explanation import Explainer
from resolver.dns import codes, names
from resolver.lists.adblock import AdblockReader
from resolver.lists.rules import Rule
from resolver.policy.index import Index
from tests.compiler.texts import compile_texts
from tests.lists.guard_sets import (
    BESIDE_SOCIAL_NETWORKS,
    DATA,
    SHARED_TAKEN,
    TAKEN_SINCE,
    guard_sets,
    popular_below,
)

BLOCKLISTS = Path(__file__).parents[2] / "blocklists"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in BLOCKLISTS.glob("*.txt")}
CONFIG = """
[policies.everything]
block = ["@messenger", "@workplace-chat", "@encrypted-dns"]
[vlans.guarded]
prefixes = ["192.0.2.0/24"]
policy = "everything"
[policies.social]
block = ["@social-network"]
[policies.needed]
block = ["@updates", "@connectivity"]
[vlans.needed]
prefixes = ["203.0.113.0/24"]
policy = "needed"
[policies.servers]
default = "block"
allow = ["@updates"]
[vlans.servers]
prefixes = ["100.64.0.0/24"]
policy = "servers"
[vlans.social]
prefixes = ["198.51.100.0/24"]
policy = "social"
"""
SETS = guard_sets()
SOCIAL = [service for service, text in TEXTS.items() if "\n! Category: social-network\n" in text]
NEEDED = [
    service
    for service, text in TEXTS.items()
    if "\n! Category: updates\n" in text or "\n! Category: connectivity\n" in text
]

Services = Callable[[Iterable[str]], dict[str, str]]


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    snapshot = compile_texts(CONFIG, TEXTS)
    return Explainer(snapshot.compiled, Index(snapshot.trie, snapshot.rules), 0.0)


@pytest.fixture(scope="module")
def blocked(explainer: Explainer) -> Services:
    """The service that blocks each of some names; names that pass are left out."""
    return _services(explainer, "guarded")


@pytest.fixture(scope="module")
def blocked_as_social(explainer: Explainer) -> Services:
    """As ``blocked``, where social networks are blocked, and nothing else."""
    return _services(explainer, "social")


@pytest.fixture(scope="module")
def blocked_as_needed(explainer: Explainer) -> Services:
    """As ``blocked``, where what machines need is blocked, and nothing else."""
    return _services(explainer, "needed")


def _services(explainer: Explainer, vlan: str) -> Services:
    view = explainer.vlan(vlan)
    assert view is not None

    def services(asked: Iterable[str]) -> dict[str, str]:
        told = (explainer.for_view(view, names.parse(name), codes.A) for name in asked)
        return {
            explanation.name.rstrip("."): explanation.service
            for explanation in told
            if explanation.outcome == "blocked"
        }

    return services


@pytest.mark.parametrize("kind", SETS)
def test_a_guarded_name_stays_open(blocked: Services, kind: str) -> None:
    assert blocked(SETS[kind]) == {}


_POPULAR_SOCIAL = {"popular names", "names of shared domains", "shared with messengers"}


@pytest.mark.parametrize("kind", sorted(SETS.keys() - _POPULAR_SOCIAL))
def test_social_networks_leave_a_guarded_name_open(blocked_as_social: Services, kind: str) -> None:
    assert blocked_as_social(SETS[kind]) == {}


def test_social_networks_and_messengers_leave_each_other_open(
    blocked: Services, blocked_as_social: Services
) -> None:
    assert blocked_as_social(BESIDE_SOCIAL_NETWORKS) == {}
    sites = [f"www.{names.text(rule.name)}" for s in SOCIAL for rule in _blocking(s)]
    assert sites
    assert blocked(sites) == {}


@pytest.mark.shared_data
def test_the_guards_are_many() -> None:
    assert DATA.is_dir()
    assert len(SETS["popular names"]) > 40_000
    assert len(SETS["names of shared domains"]) > 4_000
    assert len(SETS["popular Iranian names"]) > 900


def test_a_name_that_no_guard_has_is_blocked_by_its_own_service(blocked: Services) -> None:
    taken = popular_below(TAKEN_SINCE | SHARED_TAKEN)
    assert blocked(taken) == taken


def _blocking(service: str) -> list[Rule]:
    """The rules of a list that block."""
    rules = AdblockReader.read(TEXTS[service], service, "").rules
    return [rule for rule in rules if not rule.exception]


@pytest.mark.parametrize("service", sorted(TEXTS))
def test_every_rule_of_a_list_blocks(
    blocked: Services, blocked_as_social: Services, blocked_as_needed: Services, service: str
) -> None:
    rules = AdblockReader.read(TEXTS[service], service, "").rules
    blocking = _blocking(service)
    exact = {rule.name for rule in rules if rule.exception and not rule.subtree}
    asked = [names.text(rule.name) for rule in blocking if rule.name not in exact]
    asked += [f"below.{names.text(rule.name)}" for rule in blocking if rule.subtree]
    by = blocked_as_social if service in SOCIAL else blocked
    by = blocked_as_needed if service in NEEDED else by
    assert by(asked) == dict.fromkeys(asked, service)


def test_servers_that_are_open_to_updates_get_these_and_no_more(explainer: Explainer) -> None:
    opened = ("security.debian.org", "ctldl.windowsupdate.com", "0.pool.ntp.org", "r10.o.lencr.org")
    closed = {
        **dict.fromkeys(("detectportal.firefox.com", "www.google.com"), "captive-portals"),
        "t.me": "telegram",
        "www.example.com": "",
        "debian.org": "",
    }
    assert _services(explainer, "servers")([*opened, *closed]) == closed
