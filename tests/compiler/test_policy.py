"""What is wrong with a policy is found where it is compiled."""

import pytest

from resolver.compiler.policy import compile_snapshot
from resolver.lists.adblock import AdblockReader
from tests.config.files_in_memory import load_text

VLAN = '[vlans.v]\nprefixes = ["10.0.0.0/8"]\npolicy = "p"\n'
HOURS = '[hours.office]\ndays = ["sat"]\nfrom = "07:30"\nto = "14:30"\ntime_zone = "Tehran"\n'


def test_an_unknown_time_zone_of_hours_that_a_policy_uses_is_one_error() -> None:
    policy = '[policies.p]\nduring = [{ outside = "office", block = [] }]\n'
    _, (problem,) = compile_snapshot(load_text(HOURS + policy + VLAN), [])
    assert str(problem) == (
        'config.toml:5: hours.office.time_zone: found "Tehran"; '
        'expected a time zone such as "Asia/Tehran"'
    )


def test_a_vlan_with_names_of_its_own_and_an_unknown_policy_is_one_error() -> None:
    own = '[vlans.own]\nprefixes = ["10.0.0.0/8"]\npolicy = "pp"\ndeny = ["a.example"]\n'
    other = '[vlans.other]\nprefixes = ["10.1.0.0/16"]\npolicy = "p"\ndeny = ["b..example"]\n'
    loaded = load_text("[policies.p]\n" + own + other)
    _, problems = compile_snapshot(loaded, [])
    unknown, wrong = (str(e) for e in (*loaded.problems, *problems) if e.severity == "error")
    assert unknown == 'config.toml:4: vlans.own.policy: found "pp"; expected p. Did you mean "p"?'
    assert wrong.startswith('config.toml:9: vlans.other.deny[0]: found "b..example"')


def test_an_unknown_time_zone_of_reports_is_one_error() -> None:
    report = '[report]\ntime_zone = "Asia/Teheran"\n'
    _, (problem,) = compile_snapshot(load_text(report + "[policies.p]\n" + VLAN), [])
    assert str(problem) == (
        'config.toml:2: report.time_zone: found "Asia/Teheran"; '
        'expected a time zone such as "Asia/Tehran"'
    )


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (
            'allow = ["@updates"]',
            'a category, which \'allow\' of a policy takes where default is "block" or "count"',
        ),
        ('deny = ["@messenger"]', "a category, which belongs in 'block' of a policy"),
        (
            'deny = ["."]',
            "the root; default = \"block\" blocks all names that 'allow' does not have",
        ),
    ],
)
def test_what_is_meant_for_another_key_is_led_there(rule: str, reason: str) -> None:
    _, problems = compile_snapshot(load_text(f"[policies.p]\n{rule}\n{VLAN}"), [])
    assert [problem.advice for problem in problems if problem.severity == "error"] == [
        f"Here: {reason}."
    ]


def test_a_service_among_the_names_of_a_vlan_is_led_to_its_policy() -> None:
    lists = [AdblockReader.read("! Category: messenger\n||zoom.example^\n", "zoom", "zoom.txt")]
    loaded = load_text(f'[policies.p]\n{VLAN}deny = ["zoom", "zom", "zoom.example"]\n')
    _, problems = compile_snapshot(loaded, lists)
    service, name = (problem.advice for problem in problems if problem.severity == "error")
    assert service == "Here: a service, which belongs in 'block' of a policy."
    assert name == "Here: 'zom' is a single label: a whole top-level domain."


@pytest.mark.parametrize(
    ("allow", "deny", "same"),
    [
        ("a.example", "a.example", True),
        ("A.example.", "||a.EXAMPLE^", True),
        ("||a.example^", "a.example", True),
        ("|a.example^", "|A.example.^", True),
        ("|a.example^", "a.example", False),
        ("b.a.example", "a.example", False),
    ],
)
def test_a_name_is_not_allowed_and_denied_however_it_is_written(
    allow: str, deny: str, same: bool
) -> None:
    """The name alone, and the name with all below it, are two things."""
    rules = f'allow = ["x.example", "{allow}", "{allow}"]\ndeny = ["{deny}", "y.example"]\n'
    on_policy = f"[policies.p]\n{rules}{VLAN}"
    on_vlan = f"[policies.p]\n{VLAN}{rules}"
    for text, line, at in ((on_policy, 3, "policies.p"), (on_vlan, 6, "vlans.v")):
        _, problems = compile_snapshot(load_text(text), [])
        said = (
            f'config.toml:{line}: {at}.deny[0]: found "{deny}"; expected each name once. '
            f"It is also at config.toml:{line - 1} ({at}.allow[1])."
        )
        assert [str(problem) for problem in problems if problem.severity == "error"] == [
            said
        ] * same


def test_an_alias_stands_alone() -> None:
    local = '[[local]]\nname = "a.example"\nrecords = ["CNAME b.example", "A 10.0.0.1"]\n'
    _, (problem,) = compile_snapshot(load_text(local + "[policies.p]\n" + VLAN), [])
    assert "expected a CNAME alone" in str(problem)


DURING = 'during = [{{ hours = "office", {} = ["one"] }}]'
"""Of a service that another key has: a clause of all hours goes before it."""
LISTS = (("one", "messenger"), ("two", "messenger"), ("three", "updates"))


@pytest.mark.parametrize(
    ("policy", "place", "both"),
    [
        ('block = ["@messenger"]\ncount = ["three", "one"]', "count[1]", "one"),
        ('block = ["one"]\ncount = ["@messenger"]', "count[0]", "one"),
        ('default = "count"\nallow = ["@messenger"]\ncount = ["two"]', "count[0]", "two"),
        ('block = ["one"]\n' + DURING.format("count"), "during[0].count[0]", "one"),
        ('count = ["one"]\n' + DURING.format("count"), "during[0].count[0]", "one"),
        (
            'default = "count"\nallow = ["one"]\n' + DURING.format("block"),
            "during[0].block[0]",
            "one",
        ),
    ],
)
def test_a_service_is_counted_or_blocked_or_allowed(policy: str, place: str, both: str) -> None:
    lists = [
        AdblockReader.read(f"! Category: {category}\n||{name}.example^\n", name, f"{name}.txt")
        for name, category in LISTS
    ]
    office = HOURS.replace("Tehran", "Asia/Tehran") if "office" in policy else ""
    loaded = load_text(f"[policies.p]\n{policy}\n{VLAN}{office}")
    _, problems = compile_snapshot(loaded, lists)
    (problem,) = (problem for problem in problems if problem.severity == "error")
    assert f"policies.p.{place}: found" in str(problem)
    done = "blocked" if "block[" in place else "counted"
    assert str(problem).endswith(f"A service of both is not {done}: {both}.")
