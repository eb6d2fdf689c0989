"""Every change between two snapshots is found, and outcomes change as explain says."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.analysis import diff_text
from resolver.analysis.changes import Change, ComparedPolicy, Detail, compare
from resolver.analysis.explanation import Explainer
from resolver.analysis.queries.query import ANY_REQUESTER, QueryCounts, Question, Requester
from resolver.analysis.replay import Replay
from resolver.dns import codes, names
from resolver.policy.compiled import CompiledConfig, FilterRange, RefusedRule
from resolver.policy.index import Index
from resolver.snapshot.snapshot import Snapshot
from tests.policy.networks import ALLOWING, CONFIG, HOURLY, LISTS, snapshot_of

T = TypeVar("T")
WALL = 1.8e9
OLD = snapshot_of()
OLD_HOURLY = snapshot_of(HOURLY)


def side(snapshot: Snapshot) -> ComparedPolicy:
    return ComparedPolicy("", snapshot.compiled, Index(snapshot.trie, snapshot.rules), None)


def changes(config: str = CONFIG, lists: dict[str, str] = LISTS) -> list[Change]:
    return compare(side(OLD), side(snapshot_of(config, lists)))


def edited(old: str, new: str) -> str:
    assert CONFIG.count(old) == 1
    return CONFIG.replace(old, new)


# ---- what they say ----


def test_a_snapshot_is_as_itself() -> None:
    assert changes() == []


PARTS = (
    *("services", "sources", "policies", "vlans", "prefixes", "exemptions", "local", "groups"),
    *("subscriptions", "ranges", "firewall_ranges", "filter_ranges", "hours"),
)
ELSEWHERE = {
    ("services", "entries"),  # the rules are compared themselves
    ("sources", "entries"),
    ("sources", "name"),  # which only metrics use
    ("sources", "refused"),  # no number; tested below
    ("ranges", "line"),
    ("ranges", "source"),  # a service has one file of ranges in a directory
    ("firewall_ranges", "line"),
    ("firewall_ranges", "source"),
    ("filter_ranges", "line"),
    ("policies", "cited_grounds"),  # they hang together, and change below
    ("policies", "grounds_by_service"),
    ("hours", "moments"),  # they follow from the text
    ("sources", "rules"),  # the rules themselves are compared
    ("exemptions", "hours"),  # no number; tested below
}


def mutated(value: object) -> Iterator[object]:
    match value:
        case bool():
            yield not value
        case int() | float():
            yield value + 1
        case None:
            yield 1
        case str():
            yield value + "x"
        case bytes():
            yield value[:1] + bytes([value[1] ^ 1]) + value[2:]
        case tuple() if value:
            yield value[:-1]
        case tuple():
            yield (1,)


def replaced(of: T, field: str, value: object) -> T:
    """A dataclass with another value of a field, whose name only the test knows."""
    other: T = dataclasses.replace(of, **{field: value})  # type: ignore[type-var]
    return other


def every_change_of(compiled: CompiledConfig) -> Iterator[tuple[str, CompiledConfig]]:
    for part in PARTS:
        things = getattr(compiled, part)
        thing = things[0]
        named = thing._fields if part == "prefixes" else [e.name for e in dataclasses.fields(thing)]
        for field in named:
            if (part, field) in ELSEWHERE:
                continue
            for value in mutated(getattr(thing, field)):
                other = (
                    thing._replace(**{field: value})
                    if part == "prefixes"
                    else replaced(thing, field, value)
                )
                yield (
                    f"{part}.{field}",
                    replaced(compiled, part, (other, *things[1:])),
                )
    for field in dataclasses.fields(compiled.settings):
        if ("settings", field.name) in ELSEWHERE:
            continue
        for value in mutated(getattr(compiled.settings, field.name)):
            settings = replaced(compiled.settings, field.name, value)
            yield f"settings.{field.name}", replaced(compiled, "settings", settings)


def test_every_part_of_the_config_is_compared() -> None:
    # ``excepted``, ``allowed_names``, ``protected`` and ``policy_hash`` follow from the rest, and
    # from the names that come with the program, as ``form`` does; what PARTS lacks is tested below.
    others = {
        "policy_hash",
        "form",
        "excepted",
        "allowed_names",
        "protected",
        "exempted_prefixes",
        "forward",
        "settings",
        "expectations",  # ``diff`` compares those of the configs
    }
    assert {field.name for field in dataclasses.fields(CompiledConfig)} == {*PARTS, *others}


WITH_HOLIDAY = snapshot_of(
    HOURLY.replace('to = "14:30"', 'to = "14:30"\nholidays = ["2027-03-20"]')
)
FOR_FIREWALLS = dataclasses.replace(
    WITH_HOLIDAY.compiled,
    firewall_ranges=WITH_HOLIDAY.compiled.ranges,
    filter_ranges=(FilterRange(b"\x0a\x0a\x22\x22", 31, "a page", "national.filter", 1),),
)
CHANGED = dict(every_change_of(FOR_FIREWALLS))


@pytest.mark.parametrize("what", CHANGED)
def test_no_field_changes_unseen(what: str) -> None:
    index = Index(OLD.trie, OLD.rules)
    other = CHANGED[what]
    before = ComparedPolicy("", FOR_FIREWALLS, index, None)
    assert compare(before, ComparedPolicy("", other, index, None)), what


@pytest.mark.parametrize("part", ["policies", "exemptions"])
def test_the_hours_of_a_part_do_not_change_unseen(part: str) -> None:
    new = HOURLY.replace('hours = "office", block', 'outside = "office", block')
    if part == "exemptions":
        new = HOURLY.replace('ticket = "PR-1"\nhours = "office"', 'ticket = "PR-1"')
    found = compare(side(OLD_HOURLY), side(snapshot_of(new)))
    assert [change.section for change in found] == [part]


def test_a_rule_that_is_not_used_any_more() -> None:
    refused = RefusedRule(names.parse("time.windows.com"), True, 1, "needed for time")
    source = dataclasses.replace(OLD.compiled.sources[0], refused=(refused,))
    compiled = dataclasses.replace(OLD.compiled, sources=(source, *OLD.compiled.sources[1:]))
    [change] = compare(side(OLD), ComparedPolicy("", compiled, Index(OLD.trie, OLD.rules), None))
    [detail] = change.details
    assert detail == Detail(f"{source.file}, not used", added=("||time.windows.com^",))


def test_a_policy_that_blocks_less() -> None:
    [change] = changes(edited('block = ["@messenger"]', 'block = ["one"]\nmode = "audit"'))
    assert change[:3] == ("policies", "administrative", "changed")
    assert set(change.details) == {
        Detail("block", gone=("one", "two")),
        Detail("count", added=("one",)),
        Detail("mode", "enforce", "audit"),
        Detail("cites", gone=("1595/الف/م for two",)),
    }


def test_what_a_policy_opens() -> None:
    change = changes(ALLOWING)[0]
    assert change[:3] == ("policies", "administrative", "changed")
    assert set(change.details) == {
        Detail("block", gone=("one",)),
        Detail("allow", added=("one",)),
        Detail("default", "pass", "block"),
        Detail("cites", gone=("1595/الف/م for one",)),
    }


def test_a_directive_that_covers_less_and_has_another_number() -> None:
    covers = edited('covers = ["@messenger"]', 'covers = ["one"]')
    [change] = changes(covers)
    assert change.details == (Detail("cites", gone=("1595/الف/م for two",)),)
    [change] = changes(edited("1595/الف/م", "1596"))
    directives, cites = sorted(change.details, key=lambda detail: detail.key, reverse=True)
    assert directives == Detail(
        "directives", gone=("1595/الف/م 2015-02-18",), added=("1596 2015-02-18",)
    )
    assert cites.key == "cites"


def test_vlans_that_come_and_go() -> None:
    found = changes(edited("[vlans.publicity]", "[vlans.guests]"))
    assert [change[:3] for change in found] == [
        ("vlans", "guests", "added"),
        ("vlans", "publicity", "gone"),
    ]
    assert Detail("prefixes", added=("10.20.0.0/16",)) in found[0].details


def test_upstreams_local_names_and_forwarded_zones() -> None:
    more = '[upstream]\nservers = ["192.0.2.1", "192.0.2.2:5353"]\n'
    config = edited('servers = ["10.0.0.10"]', 'servers = ["10.0.0.11"]') + more
    config = config.replace('"A 10.0.0.30"', '"A 10.0.0.31"')
    assert [(c.section, c.name, c.details) for c in changes(config)] == [
        (
            "upstreams",
            "default",
            (Detail("servers", "system", "192.0.2.1:53, 192.0.2.2:5353"),),
        ),
        ("forward", "agency.example", (Detail("servers", "10.0.0.10:53", "10.0.0.11:53"),)),
        (
            "local",
            "printer.agency.example",
            (Detail("records", gone=("A 10.0.0.30, TTL 300",), added=("A 10.0.0.31, TTL 300",)),),
        ),
    ]


def test_a_protection_that_lets_nothing_through() -> None:
    protecting = "[upstream]\nrebinding_protection = true\n"
    [change] = changes(CONFIG + protecting)
    assert change[:2] == ("upstreams", "default")
    assert change.details == (Detail("rebinding_protection", False, True),)


def test_expectations_are_compared_where_both_are_known() -> None:
    old, new = (
        dataclasses.replace(
            side(OLD), only_in_text={"expectations": {"t.me A": {"outcome": outcome}}}
        )
        for outcome in ("blocked", "passed")
    )
    assert compare(old, side(OLD)) == []
    assert compare(old, new) == [
        Change("expectations", "t.me A", "changed", (Detail("outcome", "blocked", "passed"),))
    ]


def test_a_list_that_lies_elsewhere_is_the_same_list() -> None:
    compiled = OLD.compiled
    sources = tuple(dataclasses.replace(s, file=f"/elsewhere/{s.file}") for s in compiled.sources)
    moved = dataclasses.replace(side(OLD), compiled=dataclasses.replace(compiled, sources=sources))
    details = {detail for change in compare(side(OLD), moved) for detail in change.details}
    assert {detail.key for detail in details} == {"lists"}


def test_a_service_that_is_new() -> None:
    three = "! Title: Three\n! Category: messenger\n||three.example^\n@@|x.three.example^\n"
    found = changes(lists={**LISTS, "three": three})
    service = next(change for change in found if change.name == "three")
    assert service.how == "added"
    rules = ("@@|x.three.example^", "||three.example^")
    assert Detail("rules of three.txt", added=rules) in service.details
    policy = next(change for change in found if change.section == "policies")
    assert Detail("block", added=("three",)) in policy.details


HEAD = "! Title: One\n! Category: messenger\n||kept.example^\n"
RULES = st.lists(
    st.builds(
        "{}{}.example^".format,
        st.sampled_from(["||", "|", "@@||", "@@|"]),
        st.sampled_from(["a", "b", "x.a", "y.b", r"x.a.b"]),
    ),
    unique=True,
)


@given(RULES, RULES)
def test_rules_that_come_and_go(before: list[str], after: list[str]) -> None:
    old, new = (
        side(snapshot_of(lists={**LISTS, "one": HEAD + "\n".join(group)}))
        for group in (before, after)
    )
    details = [
        detail
        for change in compare(old, new)
        for detail in change.details
        if detail.key == "rules of one.txt"
    ]
    gone, added = set(before) - set(after), set(after) - set(before)
    if gone or added:
        [detail] = details
        assert (detail.gone, detail.added) == (tuple(sorted(gone)), tuple(sorted(added)))
    else:
        assert details == []


def test_many_rules_are_told_by_their_number() -> None:
    many = HEAD + "".join(f"||n{number:03}.example^\n" for number in range(100))
    lines = list(diff_text.changes(changes(lists={**LISTS, "one": many})))
    assert "      rules of one.txt: 3 gone, 101 new" in lines
    assert "        + ||n000.example^" in lines
    assert "        + ... and 96 more (--all)" in lines
    whole = list(diff_text.changes(changes(lists={**LISTS, "one": many}), show_all=True))
    assert len(whole) == len(lines) - 1 + 96


# ---- replayed queries ----

NEW = snapshot_of(
    edited('deny = ["b.example", "|c.example^"]', 'deny = ["c.example"]').replace(
        'prefixes = ["10.20.0.0/16"]', 'prefixes = ["10.20.0.0/17"]'
    )
    + '[vlans.guests]\nprefixes = ["10.20.128.0/17"]\npolicy = "administrative"\n'
)
BEFORE, AFTER = (
    Explainer(snapshot.compiled, Index(snapshot.trie, snapshot.rules), WALL)
    for snapshot in (OLD, NEW)
)
CLIENTS = ["10.10.0.5", "10.10.3.5", "10.20.0.5", "10.20.200.5", "192.0.2.1", "fd00:10::5"]
LABELS = st.sampled_from(["www", "x", "y", "z", "a", "b", "c", "both", "printer", "agency"])
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(
    lambda labels: names.parse(".".join([*labels, "example"]))
)
QUESTIONS = st.builds(
    Question,
    st.builds(Requester, client=st.sampled_from(CLIENTS)),
    NAMES,
    st.sampled_from([codes.A, codes.AAAA]),
)


def replayed(asked: dict[Question, int], only: str | None = None) -> Replay:
    found = Replay(BEFORE, AFTER, only)
    found.run(asked)
    return found


@given(st.dictionaries(QUESTIONS, st.integers(1, 9)))
def test_an_outcome_changes_where_explain_says_two_things(asked: dict[Question, int]) -> None:
    expected: Counter[tuple[str, str, bytes, int]] = Counter()
    for (who, name, qtype), times in asked.items():
        old, new = (
            explainer.for_client(who.client, name, qtype).outcome for explainer in (BEFORE, AFTER)
        )
        if old != new:
            expected[old, new, name, qtype] += times
    got: Counter[tuple[str, str, bytes, int]] = Counter()
    found = replayed(asked)
    for change, questions in found.changes.items():
        for (name, qtype), times in questions.items():
            got[change.old, change.new, name, qtype] += times
    assert got == expected
    assert found.replayed.total() == sum(asked.values())


B = names.parse("www.b.example")


def test_a_client_that_changes_vlans_is_told_under_both() -> None:
    found = replayed(
        {Question(Requester(client="10.20.200.5"), names.parse("a.example"), codes.A): 2}
    )
    [(change, questions)] = found.changes.items()
    assert change == ("publicity → guests", "passed", "blocked", "one")
    assert questions == {(names.parse("a.example"), codes.A): 2}


def test_questions_of_anybody_are_tried_for_every_vlan_that_both_have() -> None:
    found = replayed({Question(ANY_REQUESTER, B, codes.A): 3})
    assert found.replayed == {"administration": 3, "publicity": 3}
    assert [change.vlan for change in found.changes] == ["administration"]
    assert replayed({Question(ANY_REQUESTER, B, codes.A): 3}, "publicity").replayed == {
        "publicity": 3
    }


def test_queries_of_a_vlan_that_one_lacks_are_left_out() -> None:
    found = replayed({Question(Requester(vlan="guests"), B, codes.A): 4})
    assert found.replayed == {}
    assert found.left_out == {"guests": 4}
    assert any("4 queries left out" in line for line in diff_text.replay(found))


def test_a_replay_shows_the_names_asked_most() -> None:
    asked = {
        Question(ANY_REQUESTER, names.parse(f"n{n}.b.example"), codes.A): n for n in range(1, 21)
    }
    lines = list(diff_text.replay(replayed(asked)))
    assert lines[0] == "  administration: 210 of 210 queries change"
    assert lines[1] == "    ~ blocked → passed: 210 queries, 20 names"
    assert lines[2].split() == ["20", "n20.b.example", "A"]
    assert "... and 10 more names (--json has them all)" in lines[12]
    whole = diff_text.replay_json(QueryCounts(), replayed(asked))
    changed = whole["changed"]
    assert isinstance(changed, list)
    [change] = changed
    assert len(change["names"]) == 20
    assert change["names"][0] == {"name": "n20.b.example", "questions": 20, "types": {"A": 20}}
