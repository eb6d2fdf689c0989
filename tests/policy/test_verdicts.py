"""Verdicts against a slow reading of the rules' order, and that they do not change."""

from ipaddress import ip_address, ip_network
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import names
from resolver.policy.clauses import Action, Clause, DefaultRule, PolicyRules, Services
from resolver.policy.prefixes import packed
from resolver.policy.verdict import Outcome, Verdict
from tests.policy.networks import ALLOWING, CONFIG, COUNTING, LISTS, judge, snapshot_of, view

SNAPSHOT = snapshot_of()
JUDGE = judge(SNAPSHOT)
ADMINISTRATION = view(SNAPSHOT, "10.10.0.5")
EXEMPTED = view(SNAPSHOT, "10.10.3.5")
PUBLICITY = view(SNAPSHOT, "10.20.0.5")
REMEMBERING = {"10.10.0.5": ADMINISTRATION, "10.10.3.5": EXEMPTED, "10.20.0.5": PUBLICITY}

LABELS = st.sampled_from(["www", "x", "y", "z", "status", "a", "b", "c", "both", r"x\001a"])
"""The last looks in wire form like a label before the name a."""
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(
    lambda labels: names.parse(".".join([*labels, "example"]))
)


def below(name: bytes, zone: str) -> bool:
    return names.is_within(name, names.parse(zone))


def blocked(name: bytes, lifted: str = "") -> bool:
    """What the network's rules mean, written out."""
    if below(name, "status.a.example"):
        return False
    if below(name, "b.example") or name == names.parse("c.example"):
        return True
    one = below(name, "a.example") and not below(name, "x.a.example")
    two = name == names.parse("y.a.example")
    both = below(name, "both.example")
    return (lifted != "one" and (one or both)) or (lifted != "two" and (two or both))


@given(NAMES)
def test_a_name_is_blocked_where_its_rules_say_so(name: bytes) -> None:
    got = JUDGE.check_query(ADMINISTRATION, name).outcome
    assert got is (Outcome.BLOCKED if blocked(name) else Outcome.PASSED)


@given(NAMES)
def test_an_exemption_lifts_its_service_and_no_other(name: bytes) -> None:
    got = JUDGE.check_query(EXEMPTED, name).outcome
    if blocked(name, lifted="one"):
        assert got is Outcome.BLOCKED
    else:
        assert got is (Outcome.EXEMPTED if blocked(name) else Outcome.PASSED)


@given(NAMES)
def test_who_has_no_rules_passes(name: bytes) -> None:
    assert JUDGE.check_query(PUBLICITY, name).outcome is Outcome.PASSED


@given(NAMES)
def test_the_same_view_and_name_give_the_same_verdict(name: bytes) -> None:
    for client in ("10.10.0.5", "10.10.3.5", "10.20.0.5"):
        remembering, fresh = REMEMBERING[client], view(SNAPSHOT, client)
        first = facts(JUDGE.check_query(remembering, name))
        assert facts(JUDGE.check_query(remembering, name)) == first
        assert facts(JUDGE.check_query(fresh, name)) == first


def facts(verdict: Verdict) -> tuple[object, ...]:
    return (
        *(verdict.outcome, verdict.service, verdict.key, verdict.subtree, verdict.source),
        *(verdict.exemption, verdict.target, verdict.all_below, verdict.clause, verdict.reply_key),
    )


def test_verdicts_by_two_kinds_of_clauses_share_no_reply_template() -> None:
    clauses = (None, PolicyRules(()), Services(1, Action.BLOCK), DefaultRule(Action.BLOCK))
    assert {type(clause) for clause in clauses[1:]} == {*get_args(Clause)}
    keys = [Verdict(Outcome.BLOCKED, clause).reply_key for clause in clauses]
    assert len(set(keys)) == len(keys)


@given(NAMES)
def test_a_verdict_names_a_rule_that_covers_the_name(name: bytes) -> None:
    verdict = JUDGE.check_query(ADMINISTRATION, name)
    if verdict.outcome is Outcome.BLOCKED:
        assert verdict.target == b""
        assert verdict.rule == name or (verdict.subtree and names.is_within(name, verdict.rule))


@given(NAMES, NAMES)
def test_where_all_below_is_blocked_every_name_below_is(name: bytes, other: bytes) -> None:
    verdict = JUDGE.check_query(ADMINISTRATION, name)
    if verdict.all_below:
        lower = other[:-9] + name if other.endswith(b"\x07example\x00") else name
        assert JUDGE.check_query(ADMINISTRATION, lower).outcome is Outcome.BLOCKED


@given(st.lists(NAMES, max_size=4))
def test_an_answer_is_blocked_where_one_target_is(targets: list[bytes]) -> None:
    verdict = JUDGE.check_answer(ADMINISTRATION, names.parse("n.example"), tuple(targets), (), ())
    first = next((target for target in targets if blocked(target)), None)
    assert (verdict.outcome is Outcome.BLOCKED) == (first is not None)
    if first is not None:
        assert verdict.target == first
        assert not verdict.all_below


@given(st.binary(min_size=4, max_size=4) | st.just(packed("203.1.112.9")))
def test_an_answer_is_blocked_where_an_address_lies_in_a_range(address: bytes) -> None:
    inside = ip_address(address) in ip_network("203.1.112.0/22")
    found = [
        octets for octets in (address,) if JUDGE.ranges is not None and JUDGE.ranges.matches(octets)
    ]
    assert bool(found) == inside
    verdict = JUDGE.check_answer(ADMINISTRATION, names.parse("n.example"), (), (), tuple(found))
    assert (verdict.outcome is Outcome.BLOCKED) == inside


def test_the_longest_range_is_reported() -> None:
    address = packed("64:ff9b::203.1.112.9")
    verdict = JUDGE.check_answer(ADMINISTRATION, names.parse("n.example"), (), (), (address,))
    assert (verdict.rule_text, JUDGE.line(verdict)) == ("203.1.112.0/24", 2)
    assert verdict.target_text == str(ip_address(address))


@pytest.mark.parametrize(
    ("text", "service", "line"),
    [
        ("y.a.example", "two", 4),  # the longer rule
        ("both.example", "one", 4),  # of equals the first list by name
        ("www.b.example", None, 0),  # the policy's own
    ],
)
def test_the_most_specific_rule_is_told(text: str, service: str | None, line: int) -> None:
    verdict = JUDGE.check_query(ADMINISTRATION, names.parse(text))
    told = SNAPSHOT.compiled.services[verdict.service].name if verdict.service >= 0 else None
    assert (told, JUDGE.line(verdict)) == (service, line)


# ---- a policy whose default is to block ----

ALLOWED = snapshot_of(ALLOWING)
ALLOWING_JUDGE = judge(ALLOWED)
OPEN_TO_FEW = view(ALLOWED, "10.10.0.5")


def open_to_few(name: bytes) -> str:
    """What blocks a name: ``deny`` or ``default``; empty if it passes."""
    if below(name, "status.a.example"):
        return ""
    if below(name, "b.example") or name == names.parse("c.example"):
        return "deny"
    if below(name, "both.example") or (below(name, "a.example") and not below(name, "x.a.example")):
        return ""
    return "default"


@given(NAMES)
def test_where_the_default_blocks_only_what_allow_has_passes(name: bytes) -> None:
    verdict = ALLOWING_JUDGE.check_query(OPEN_TO_FEW, name)
    by = open_to_few(name)
    assert verdict.outcome is (Outcome.BLOCKED if by else Outcome.PASSED)
    assert isinstance(verdict.clause, DefaultRule) == (by == "default")
    assert (verdict.rule_text == "default") == (by == "default")
    assert not (by == "default" and verdict.all_below)


@pytest.mark.parametrize(
    ("name", "outcome", "by"),
    [
        ("www.both.example", Outcome.PASSED, Services),  # of an allowed service first
        ("x.a.example", Outcome.BLOCKED, DefaultRule),  # an exception allows nothing
        ("z.example", Outcome.BLOCKED, DefaultRule),
        ("www.agency.example", Outcome.PASSED, type(None)),  # forwarded
        ("printer.agency.example", Outcome.PASSED, type(None)),  # local
        ("localhost", Outcome.PASSED, type(None)),
        ("1.0.0.10.in-addr.arpa", Outcome.PASSED, type(None)),
        (".", Outcome.BLOCKED, DefaultRule),
        ("example", Outcome.BLOCKED, DefaultRule),
        ("www.b.example", Outcome.BLOCKED, PolicyRules),
    ],
)
def test_the_default_is_for_names_that_nothing_covers(
    name: str, outcome: Outcome, by: type
) -> None:
    verdict = ALLOWING_JUDGE.check_query(OPEN_TO_FEW, names.parse(name))
    assert (verdict.outcome, type(verdict.clause), verdict.service) == (outcome, by, -1)


def test_a_name_of_a_blocked_service_keeps_it_where_the_default_blocks() -> None:
    lists = {**LISTS, "two": "! Category: messenger\n||two.example^\n||a.example^\n"}
    snapshot = snapshot_of(ALLOWING, lists)
    name, judging = names.parse("www.two.example"), judge(snapshot)
    found = judging.check_query(view(snapshot, "10.10.0.5"), name)
    assert (found.outcome, found.service, found.all_below) == (Outcome.BLOCKED, 1, True)
    exempted = judging.check_query(view(snapshot, "10.10.3.5"), name)
    assert (exempted.outcome, exempted.service) == (Outcome.EXEMPTED, 1)


def test_not_all_below_a_blocked_name_is_blocked_where_an_allowed_service_has_a_name() -> None:
    lists = {
        "one": "! Category: messenger\n||open.upper.example^\n",
        "two": "! Category: messenger\n||upper.example^\n",
    }
    snapshot = snapshot_of(ALLOWING, lists)
    judging, here = judge(snapshot), view(snapshot, "10.10.0.5")
    upper = judging.check_query(here, names.parse("upper.example"))
    beside = judging.check_query(here, names.parse("beside.upper.example"))
    assert (upper.outcome, upper.all_below) == (Outcome.BLOCKED, False)
    assert (beside.outcome, beside.all_below) == (Outcome.BLOCKED, True)
    assert judging.check_query(here, names.parse("open.upper.example")).outcome is Outcome.PASSED


@given(st.lists(NAMES, max_size=4))
def test_the_default_judges_no_target(targets: list[bytes]) -> None:
    question = names.parse("both.example")
    verdict = ALLOWING_JUDGE.check_answer(OPEN_TO_FEW, question, tuple(targets), (), ())
    denied = [target for target in targets if open_to_few(target) == "deny"]
    assert (verdict.outcome is Outcome.BLOCKED) == bool(denied)
    assert verdict.target == (denied[0] if denied else b"")


def test_ranges_of_blocked_services_judge_the_answer_of_an_allowed_name() -> None:
    address = packed("203.1.112.9")
    question = names.parse("a.example")
    verdict = ALLOWING_JUDGE.check_answer(OPEN_TO_FEW, question, (), (), (address,))
    assert (verdict.outcome, verdict.range_text) == (Outcome.BLOCKED, "203.1.112.0/24")


def test_a_forward_of_the_root_is_no_zone_that_passes_the_default() -> None:
    snapshot = snapshot_of(ALLOWING.replace('zones = ["agency.example"]', 'zones = ["."]'))
    verdict = judge(snapshot).check_query(view(snapshot, "10.10.0.5"), names.parse("n.example"))
    assert isinstance(verdict.clause, DefaultRule)


# ---- a policy that blocks one service and counts another ----

COUNTED = snapshot_of(COUNTING)
COUNTING_JUDGE = judge(COUNTED)
IN_TRIAL = {client: view(COUNTED, client) for client in ("10.10.0.5", "10.10.3.5")}


def in_trial(name: bytes, *, exempted: bool) -> Outcome:
    """What the rules mean where ``one`` is blocked and ``two`` is counted, written out."""
    if below(name, "status.a.example"):
        return Outcome.PASSED
    if below(name, "b.example") or name == names.parse("c.example"):
        return Outcome.BLOCKED
    both = below(name, "both.example")
    one = both or (below(name, "a.example") and not below(name, "x.a.example"))
    two = both or name == names.parse("y.a.example")
    if one and not exempted:
        return Outcome.BLOCKED
    if two:
        return Outcome.WOULD_BLOCK
    return Outcome.EXEMPTED if one else Outcome.PASSED


@given(NAMES)
def test_a_counted_name_passes_unless_something_blocks_it(name: bytes) -> None:
    for client, seen_by in IN_TRIAL.items():
        verdict = COUNTING_JUDGE.check_query(seen_by, name)
        expected = in_trial(name, exempted=client == "10.10.3.5")
        assert verdict.outcome is expected
        if expected is Outcome.WOULD_BLOCK:
            assert verdict.clause == Services(0b10, Action.COUNT)


@given(NAMES, NAMES)
def test_below_a_blocked_name_nothing_is_only_counted(name: bytes, other: bytes) -> None:
    """RFC 8020: NXDOMAIN for a name says that none exists below it."""
    verdict = COUNTING_JUDGE.check_query(IN_TRIAL["10.10.0.5"], name)
    if verdict.outcome is Outcome.BLOCKED and verdict.all_below:
        lower = other[:-9] + name if other.endswith(b"\x07example\x00") else name
        outcome = COUNTING_JUDGE.check_query(IN_TRIAL["10.10.0.5"], lower).outcome
        assert outcome is Outcome.BLOCKED


# ---- what leads to an address, and which range of which service decides ----


@pytest.mark.parametrize(
    ("question", "aliases", "outcome"),
    [
        ("n.example", (), Outcome.BLOCKED),
        ("status.a.example", (), Outcome.PASSED),  # the policy's ``allow``
        ("n.example", ("status.a.example",), Outcome.PASSED),
        ("z.example", (), Outcome.PASSED),  # an exception of the list of the range's service
        ("z.example", ("n.example",), Outcome.PASSED),
        ("n.example", ("z.example", "www.n.example"), Outcome.PASSED),
        ("z.example", ("x.a.example",), Outcome.PASSED),  # and one of another list after it
    ],
)
def test_what_leads_to_an_address_may_except_it(
    question: str, aliases: tuple[str, ...], outcome: Outcome
) -> None:
    chain = tuple(map(names.parse, aliases))
    addresses = (packed("203.1.112.9"),)
    verdict = JUDGE.check_answer(ADMINISTRATION, names.parse(question), (), chain, addresses)
    assert verdict.outcome is outcome


def test_an_exempted_address_names_the_exemption_and_the_clause() -> None:
    snapshot = snapshot_of(lists={**LISTS, "one.ip": "91.108.4.0/22\n"})
    verdict = judge(snapshot).check_answer(
        view(snapshot, "10.10.3.5"), names.parse("n.example"), (), (), (packed("91.108.4.1"),)
    )
    assert (verdict.outcome, verdict.exemption) == (Outcome.EXEMPTED, 0)
    assert verdict.clause == Services(0b11, Action.BLOCK)


def test_of_two_ranges_that_of_the_deciding_service_is_reported() -> None:
    """The longer one is of a service that is only counted."""
    snapshot = snapshot_of(COUNTING, {**LISTS, "one.ip": "203.1.0.0/16\n"})
    verdict = judge(snapshot).check_answer(
        view(snapshot, "10.10.0.5"), names.parse("n.example"), (), (), (packed("203.1.112.9"),)
    )
    assert (verdict.outcome, verdict.service, verdict.range_text) == (
        Outcome.BLOCKED, 0, "203.1.0.0/16",
    )  # fmt: skip


def test_the_services_that_cover_a_name_begin_with_that_of_the_longest_rule() -> None:
    assert JUDGE.covering(names.parse("y.a.example")) == (1, 0)
    assert JUDGE.covering(names.parse("both.example")) == (0, 1)
    assert JUDGE.covering(names.parse("w.a.example")) == (0,)
    assert JUDGE.covering(names.parse("x.a.example")) == ()


def test_a_counted_address_is_reported_whatever_comes_after_it() -> None:
    ranges = {"one.ip": "91.108.4.0/22\n", "other.ip": "185.60.216.0/22\n"}
    snapshot = snapshot_of(COUNTING, {**LISTS, **ranges})
    judging = judge(snapshot)
    trial, exempted = (view(snapshot, client) for client in IN_TRIAL)
    counted, passing, blocked_one = map(packed, ("203.1.112.9", "185.60.216.1", "91.108.4.1"))
    for seen_by, addresses, outcome, reported in (
        (trial, (counted, passing), Outcome.WOULD_BLOCK, counted),
        (trial, (passing, counted), Outcome.WOULD_BLOCK, counted),
        (exempted, (counted, blocked_one), Outcome.WOULD_BLOCK, counted),
        (exempted, (blocked_one, counted), Outcome.EXEMPTED, blocked_one),
        (trial, (counted, passing, blocked_one), Outcome.BLOCKED, blocked_one),
    ):
        verdict = judging.check_answer(seen_by, names.parse("n.example"), (), (), addresses)
        assert (verdict.outcome, verdict.address) == (outcome, reported)


@pytest.mark.parametrize("targets", [("both.example", "z.example"), ("z.example", "both.example")])
def test_a_counted_target_is_reported_whatever_comes_after_it(targets: tuple[str, ...]) -> None:
    snapshot = snapshot_of(COUNTING, {**LISTS, "other.ip": "185.60.216.0/22\n"})
    led_to = tuple(map(names.parse, targets))
    verdict = judge(snapshot).check_answer(
        view(snapshot, "10.10.3.5"), names.parse("n.example"), led_to, (), (packed("185.60.216.1"),)
    )
    assert (verdict.outcome, verdict.target_text) == (Outcome.WOULD_BLOCK, "both.example")


@pytest.mark.parametrize(
    ("policy", "lists", "outcome"),
    [
        ('block = ["one"]', {"one.others": "||ads.test^\n"}, Outcome.PASSED),
        ('block = ["one"]', {"one": "||ads.test^\n"}, Outcome.BLOCKED),
        (
            'default = "block"\nallow = ["two"]',
            {"one": "||ads.test^\n", "two.others": "||ads.test^\n"},
            Outcome.PASSED,
        ),
        (
            'block = ["one", "two"]',
            {"one": "||ads.test^\n", "two.others": "||ads.test^\n"},
            Outcome.BLOCKED,
        ),
    ],
    ids=["of others", "of the agency", "of others that passes", "of both"],
)
def test_what_a_protected_name_leads_to_is_blocked_by_the_agency_alone(
    policy: str, lists: dict[str, str], outcome: Outcome
) -> None:
    config = CONFIG.replace('block = ["@messenger"]', policy).replace(
        'allow = ["status.a.example"]\n', ""
    )
    snapshot = snapshot_of(config, {"three": "! Category: messenger\n||n.test^\n", **lists})
    judging, seen_by = judge(snapshot), view(snapshot, "10.10.0.5")
    protected = snapshot.compiled.protected[0]
    verdict = judging.check_answer(seen_by, protected, (names.parse("ads.test"),), (), ())
    assert verdict.outcome is outcome


def test_a_verdict_names_the_exemption_of_its_service() -> None:
    first = CONFIG[CONFIG.index("[[exemptions]]") : CONFIG.index("[[local]]")]
    other = first.replace('"pr"', '"archive"').replace('["one"]', '["two"]')
    snapshot = snapshot_of(CONFIG.replace(first, other + first))
    judging, seen_by = judge(snapshot), view(snapshot, "10.10.3.5")
    for name, exemption in (("www.a.example", "pr"), ("y.a.example", "archive")):
        verdict = judging.check_query(seen_by, names.parse(name))
        assert verdict.outcome is Outcome.EXEMPTED
        assert snapshot.compiled.exemptions[verdict.exemption].id == exemption


def test_ranges_without_a_list_of_names_are_excepted_by_no_list() -> None:
    lists = {**LISTS, "a": "! Category: messenger\n||n.test.example^\n", "zz.ip": "91.108.4.0/22\n"}
    snapshot = snapshot_of(lists=lists)
    assert [source.file for source in snapshot.compiled.sources][:2] == ["a.txt", "one.txt"]
    excepted = names.parse("x.a.example")  # by one.txt
    for client, outcome in (("10.10.0.5", Outcome.BLOCKED), ("10.20.0.5", Outcome.PASSED)):
        verdict = judge(snapshot).check_answer(
            view(snapshot, client), excepted, (), (), (packed("91.108.4.1"),)
        )
        assert verdict.outcome is outcome
