"""The policy hash: equal where the policy is equal, and only there."""

import re

import pytest

from tests.policy.networks import CONFIG, LISTS, compiled
from tests.policy.test_snapshots import CHANGES

HASH = compiled().terms.policy_hash
BOX_LOCAL = {"a local record's TTL", "a forwarded zone's server"}
"""The changes of ``CHANGES`` that are not policy."""
UNUSED = '[policies.unused]\nblock = ["@messenger"]\n'


def the_hash(config: str = CONFIG, lists: dict[str, str] = LISTS) -> str:
    return compiled(config, lists).terms.policy_hash


@pytest.mark.parametrize("change", CHANGES)
def test_only_a_change_of_the_policy_gives_another_hash(change: str) -> None:
    config, lists = CHANGES[change]
    assert (the_hash(config, lists) == HASH) == (change in BOX_LOCAL)


MORE = {
    "an exemption's clients": ("10.10.3.0/24", "10.10.4.0/24"),
    "an exemption's service": ('services = ["one"]', 'services = ["two"]'),
    "a name of the policy's own": ("|c.example^", "c.example"),
    "the sinkhole": ('allow = ["status', 'sinkhole = ["192.0.2.7"]\nallow = ["status'),
    "the answer": ('allow = ["status', 'answer = "nodata"\nallow = ["status'),
    "the directive's number": ('"1595/الف/م"', '"1596"'),
    "what the directive covers": ('covers = ["@messenger"]', 'covers = ["one"]'),
    "the contact": ('allow = ["status', 'contact = "noc@agency.example"\nallow = ["status'),
    "a VLAN's policy": ('id = 20\nprefixes = ["10.20.0.0/16"]\npolicy = "publicity"',
                        'id = 20\nprefixes = ["10.20.0.0/16"]\npolicy = "administrative"'),
}  # fmt: skip


@pytest.mark.parametrize("change", MORE)
def test_another_policy_has_another_hash(change: str) -> None:
    old, new = MORE[change]
    assert CONFIG.count(old) == 1
    assert the_hash(CONFIG.replace(old, new)) != HASH


SAME = {
    "where it listens": CONFIG + '[server]\nlisten = ["10.0.0.54:53"]\nworkers = 2\n',
    "its upstream": CONFIG + '[upstream]\nservers = ["192.0.2.1"]\n',
    "its limits": CONFIG + "[limits]\nqueries_per_address = 5\n",
    "who approved an exemption": CONFIG.replace("Head of PR", "Deputy"),
    "the order of its tables": "\n".join(reversed(re.split(r"\n(?=\[)", CONFIG))),
}


@pytest.mark.parametrize("change", SAME)
def test_what_belongs_to_the_server_alone_does_not_count(change: str) -> None:
    assert compiled(SAME[change]).hash() != compiled().hash()
    assert the_hash(SAME[change]) == HASH


def test_lines_and_order_of_a_list_do_not_count() -> None:
    header, _, rules = LISTS["one"].partition("||")
    lines = sorted(f"||{rules}".splitlines(), reverse=True)
    text = header + "! a remark\n\n" + "\n".join(lines) + "\n"
    assert the_hash(lists=LISTS | {"one": text}) == HASH
    assert compiled(CONFIG, LISTS | {"one": text}).hash() != compiled().hash()


def test_a_list_that_no_policy_uses_does_not_count() -> None:
    unused = {"zoom": "! Category: workplace-chat\n||zoom.example^\n"}
    assert the_hash(lists=LISTS | unused) == HASH
