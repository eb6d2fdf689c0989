"""The policy hash: equal where the policy is equal, and only there."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, cast

import pytest

from resolver.lists.rules import Rule
from resolver.policy.compiled import CompiledConfig
from resolver.policy.facets import FIELDS, Facet, Row, deciding
from resolver.policy.policy_hash import VERSION, policy_hash, rules_digest
from tests.policy.networks import ALLOWING, CONFIG, HOURLY, LISTS, snapshot_of
from tests.snapshot.policy_changes import CHANGES
from tests.snapshot.stored_form import FILE, stored_form

HASH = snapshot_of().compiled.policy_hash
WITH_CONTACT = CONFIG.replace(
    'allow = ["status', 'contact = "noc@agency.example"\nallow = ["status'
)
BOX_LOCAL = {"a local record's TTL", "a forwarded zone's server", "an address of a filter"}
"""The changes of ``CHANGES`` that are not policy."""


def the_hash(config: str = CONFIG, lists: dict[str, str] = LISTS) -> str:
    return snapshot_of(config, lists).compiled.policy_hash


def test_a_change_of_what_counts_raises_the_version() -> None:
    """Where this hash changes, ``VERSION`` rises: a release before gives equal policies another."""
    assert (VERSION, the_hash(FULL)) == (4, "4:f51c02faef4277ba")


# ---- every field of the compiled policy ----

FULL = (
    HOURLY.replace('allow = ["status', 'sinkhole = ["192.0.2.7", "2001:db8::7"]\nallow = ["status')
    + '[[exemptions]]\nid = "all"\nvlan = "publicity"\nservices = ["two"]\n'
    + 'until = 2027-03-20T23:59:59+03:30\napprover = "A"\nticket = "T"\n'
    + '[block_page]\nlisten = ["192.0.2.9:80"]\n'
    + '[hours.night]\ndays = ["fri"]\nfrom = "22:00"\nto = "06:00"\n'
)
NOT_COUNTED = {
    field for field, row in FIELDS.items() if row.not_compared and not field.startswith("Settings.")
}
RULES = (Rule(b"\1a\0", True, False, 1), Rule(b"\1b\0", False, True, 2))


def mutated(value: object) -> object:
    """Another value of the same type; an index, and a set of services, still means something."""
    match value:
        case bool() | int():
            return type(value)(value ^ 1)
        case float():
            return value + 1
        case str():
            return value + "1"
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])
        case (int() as first, *others):
            return (first ^ 1, *others)
        case None:
            return 1
        case ():
            return (1,)
        case tuple():
            return value[:-1]
    raise TypeError(value)


def changes(of: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401 - a dataclass or a rule
    """The same value with one field changed, for each field, by the name of the field.

    Of several values of a dataclass, the fields of the first are changed.
    """
    is_rule = isinstance(of, Rule)
    names = of._fields if is_rule else [field.name for field in dataclasses.fields(of)]
    for name in names:
        field, value = f"{type(of).__name__}.{name}", getattr(of, name)
        others: Iterable[tuple[str, object]]
        if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            others = ((text, (other, *value[1:])) for text, other in changes(value[0]))
        elif dataclasses.is_dataclass(value):
            others = changes(value)
        else:
            others = [(field, mutated(value))]
        for text, other in others:
            replaced = {name: other}
            what = field if field in NOT_COUNTED else text
            yield what, of._replace(**replaced) if is_rule else dataclasses.replace(of, **replaced)


def hash_of(compiled: object) -> str:
    assert isinstance(compiled, CompiledConfig)
    return policy_hash(compiled)


def with_rules(compiled: CompiledConfig, rules: tuple[Rule, ...]) -> CompiledConfig:
    """The same config, where each list has these rules."""
    sources = [
        dataclasses.replace(source, rules=rules_digest(rules)) for source in compiled.sources
    ]
    return dataclasses.replace(compiled, sources=tuple(sources))


def test_every_field_of_the_policy_counts_but_those_that_are_named() -> None:
    compiled = snapshot_of(FULL).compiled
    compiled = dataclasses.replace(compiled, firewall_ranges=compiled.ranges)
    seen: dict[str, bool] = {}
    for field, other in changes(compiled):
        seen[field] = seen.get(field, False) or hash_of(other) != hash_of(compiled)
    for field, rule in changes(RULES[0]):
        assert isinstance(rule, Rule)
        other = with_rules(compiled, (rule, RULES[1]))
        seen[field] = hash_of(other) != hash_of(with_rules(compiled, RULES))
    assert {field for field, counts in seen.items() if not counts} == NOT_COUNTED


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
    "the default": ('allow = ["status', 'default = "block"\nallow = ["status'),
    "what it counts": ('block = ["@messenger"]', 'block = ["one"]\ncount = ["two"]'),
    "a default that counts": ('allow = ["status', 'default = "count"\nallow = ["status'),
    "the contact": ('allow = ["status', 'contact = "noc@agency.example"\nallow = ["status'),
    "a VLAN's policy": ('id = 20\nprefixes = ["10.20.0.0/16"]\npolicy = "publicity"',
                        'id = 20\nprefixes = ["10.20.0.0/16"]\npolicy = "administrative"'),
}  # fmt: skip


@pytest.mark.parametrize("change", MORE)
def test_another_policy_has_another_hash(change: str) -> None:
    old, new = MORE[change]
    assert CONFIG.count(old) == 1
    assert the_hash(CONFIG.replace(old, new)) != HASH


# ---- a field that a later release adds ----


def with_row(monkeypatch: pytest.MonkeyPatch, field: str, row: Row) -> None:
    """As if the table had another row of a field."""
    monkeypatch.setitem(cast("dict[str, Row]", FIELDS), field, row)
    deciding.cache_clear()


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Row], None]]:
    """Gives a field another row."""
    yield partial(with_row, monkeypatch)
    monkeypatch.undo()
    deciding.cache_clear()


Rows = Callable[[str, Row], None]
SINKHOLES = ("Policy.sinkhole_v4", "Policy.sinkhole_v6")
ABSENT = "00000000"


def with_sinkholes(v4: str, v6: str) -> CompiledConfig:
    """The config with a first policy of other sinkholes."""
    compiled = snapshot_of().compiled
    first, *others = compiled.policies
    octets = bytes.fromhex(v4), bytes.fromhex(v6)
    first = dataclasses.replace(first, sinkhole_v4=octets[0], sinkhole_v6=octets[1])
    return dataclasses.replace(compiled, policies=(first, *others))


def test_a_policy_that_does_not_use_a_new_field_keeps_its_hash(rows: Rows) -> None:
    """A release without the field and one with it, where its value stands for its absence."""
    unused, used = (snapshot_of(text).compiled for text in (CONFIG, WITH_CONTACT))
    rows("Policy.contact", Row(Facet(0), "a release before lacks it"))
    before = policy_hash(unused)
    assert policy_hash(used) == before
    rows("Policy.contact", Row(Facet.TEXT, absent=""))
    assert policy_hash(unused) == before
    assert policy_hash(used) != before
    rows("Policy.contact", Row(Facet.TEXT))
    assert policy_hash(unused) != before


def test_two_fields_that_may_be_absent_do_not_stand_for_each_other(rows: Rows) -> None:
    for field in SINKHOLES:
        rows(field, Row(Facet.REPLY, absent=ABSENT))
    one, other = with_sinkholes("c0000207", ABSENT), with_sinkholes(ABSENT, "c0000207")
    assert policy_hash(one) != policy_hash(other)


def test_what_stands_for_the_absence_of_a_field_is_written_once() -> None:
    """A new field needs ``absent`` in ``policy/facets.py``; no value of it changes later."""
    before, now = json.loads(FILE.read_text(encoding="utf-8"))["hashed"], stored_form()["hashed"]
    assert now["VERSION"] >= before["VERSION"]
    if now["VERSION"] == before["VERSION"]:
        new = now["fields"].keys() - before["fields"].keys()
        assert [field for field in sorted(new) if "absent" not in now["fields"][field]] == []
        assert {field: now["fields"].get(field) for field in before["fields"]} == before["fields"]


# ---- what belongs to one server ----

SAME = {
    "where it listens": CONFIG + '[server]\nlisten = ["10.0.0.54:53"]\nworkers = 2\n',
    "its upstream": CONFIG + '[upstream]\nservers = ["192.0.2.1"]\n',
    "its limits": CONFIG + "[limits]\nqueries_per_address = 5\n",
    "who approved an exemption": CONFIG.replace("Head of PR", "Deputy"),
    "the order of its tables": "\n".join(reversed(re.split(r"\n(?=\[)", CONFIG))),
}


@pytest.mark.parametrize("change", SAME)
def test_what_belongs_to_the_server_alone_does_not_count(change: str) -> None:
    assert snapshot_of(SAME[change]).hash() != snapshot_of().hash()
    assert the_hash(SAME[change]) == HASH


def paged(sinkhole: str, *page: str) -> str:
    """The hash of a server with a sinkhole, and a block page on these addresses."""
    listen = [f"{address}:80" for address in page]
    old = 'allow = ["status'
    config = CONFIG.replace(old, f'sinkhole = ["{sinkhole}"]\n{old}')
    return the_hash(config + f"[block_page]\nlisten = {listen}\n")


def test_the_block_page_of_each_server_of_a_pair_is_the_same_sinkhole() -> None:
    pair = paged("10.0.0.54", "10.0.0.54"), paged("10.0.0.55", "10.0.0.55", "10.0.0.56")
    assert pair[0] == pair[1]
    others = {paged("10.0.0.54", "10.0.0.56"), paged("10.0.0.55"), paged("10.0.0.55", "0.0.0.0")}
    assert len({*others, *pair}) == 3


def test_lines_and_order_of_a_list_do_not_count() -> None:
    header, _, rules = LISTS["one"].partition("||")
    lines = sorted(f"||{rules}".splitlines(), reverse=True)
    text = header + "! a remark\n\n" + "\n".join(lines) + "\n"
    assert the_hash(lists=LISTS | {"one": text}) == HASH
    assert snapshot_of(CONFIG, LISTS | {"one": text}).hash() != snapshot_of().hash()


def test_the_services_that_are_open_count() -> None:
    more = {"zoom": "! Category: workplace-chat\n||zoom.example^\n"}
    both = ALLOWING.replace('"one"]', '"one", "zoom"]', 1)
    assert the_hash(both, LISTS | more) != the_hash(ALLOWING, LISTS | more)
    changed = {"one": LISTS["one"] + "||more.example^\n"}
    assert the_hash(ALLOWING, LISTS | changed) != the_hash(ALLOWING)


def test_a_list_that_no_policy_uses_does_not_count() -> None:
    unused = {"zoom": "! Category: workplace-chat\n||zoom.example^\n"}
    assert the_hash(lists=LISTS | unused) == HASH


def test_names_of_the_network_count_where_a_default_blocks_what_is_not_open() -> None:
    more = '[[forward]]\nzones = ["other.example"]\nservers = ["10.0.0.11"]\n'
    assert the_hash(CONFIG + more) == HASH
    assert the_hash(ALLOWING + more) != the_hash(ALLOWING)
    everything = more.replace("other.example", ".")
    assert the_hash(ALLOWING + everything) == the_hash(ALLOWING)


def test_audit_mode_counts_what_a_policy_would_block() -> None:
    """The two texts mean the same: so they have one hash, and the same reports."""
    audited = CONFIG.replace('block = ["@messenger"]', 'mode = "audit"\nblock = ["@messenger"]')
    counted = CONFIG.replace('block = ["@messenger"]', 'count = ["@messenger"]')
    counted = re.sub(r"deny = .*\n", "", counted)
    assert the_hash(re.sub(r"deny = .*\n", "", audited)) == the_hash(counted)
