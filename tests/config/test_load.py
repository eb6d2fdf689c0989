"""Files, includes and what cannot be read."""

import pytest

from resolver.config.load import load
from resolver.config.model import Config
from tests.config.files_in_memory import InMemory, load_text, messages

BASE = """
include = ["m*.toml"]
[vlans.a]
prefixes = ["10.0.0.0/8"]
policy = "p"
[policies.p]
[[exemptions]]
id = "one"
vlan = "a"
services = ["telegram"]
until = 2027-03-20T23:59:59+03:30
approver = "a"
ticket = "t"
"""


def test_a_good_config_has_no_problems() -> None:
    loaded = load_text(BASE, more="")
    assert loaded.problems == []
    assert loaded.config.exemptions[0].until.isoformat() == "2027-03-20T23:59:59+03:30"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[server]\nworkers = = 1",
            "config.toml:2: found at column 11: Invalid value;"
            " expected a text in quotes, a number, true or false, a date, or several in [ ]",
        ),
        (
            '[server]\nlisten = [\n  "::1"\n',
            "config.toml:4: found at the end of the file: Unclosed array;"
            ' expected "," after each element and "]" after the last',
        ),
        (
            "a = 1\na = 2\n",
            "config.toml:2: found a second a; expected each table and each key once. "
            "It is also at config.toml:1.",
        ),
        (
            b"# \xff",
            "config.toml:1: found the byte 0xFF, which is not UTF-8; expected a text in UTF-8. "
            "Save the file as UTF-8 without a byte order mark (BOM).",
        ),
    ],
)
def test_what_is_no_toml_is_reported_alone(text: str | bytes, expected: str) -> None:
    loaded = load_text(text)
    assert messages(loaded) == [expected]
    assert loaded.config == Config()


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "{a=" * 100_000])
def test_nesting_without_end_is_reported(text: str) -> None:
    problems = load_text(text).problems
    assert [problem.expected for problem in problems] == ["valid TOML"]


@pytest.mark.parametrize(
    ("number", "found"),
    [("9" * 5000, "Exceeds the limit"), ("0x" + "f" * 5000, "a very large number")],
)
def test_numbers_that_python_does_not_print_are_reported(number: str, found: str) -> None:
    loaded = load_text(BASE + f"[server]\nworkers = {number}", more="")
    assert found in loaded.problems[0].found


def test_a_missing_file_is_reported() -> None:
    loaded = load("config.toml", InMemory({}))
    assert messages(loaded) == [
        "config.toml: found No such file or directory; expected a file that can be read"
    ]


def test_an_included_file_adds_tables_and_elements() -> None:
    more = """
    [vlans.b]
    prefixes = ["10.1.0.0/16"]
    policy = "q"
    [policies.q]
    [lists]
    directories = ["more"]
    [[exemptions]]
    id = "two"
    vlan = "b"
    services = ["telegram"]
    until = 2027-03-20T23:59:59+03:30
    approver = "a"
    ticket = "t"
    """
    loaded = load_text(BASE + '[lists]\ndirectories = ["first"]', more=more)
    assert loaded.problems == []
    assert list(loaded.config.vlans) == ["a", "b"]
    assert [exemption.id for exemption in loaded.config.exemptions] == ["one", "two"]
    assert loaded.config.lists.directories == ("first", "more")


def test_a_problem_names_the_included_file_and_its_own_line_and_path() -> None:
    exemption = '[[exemptions]]\nid = "one"\nvlan = "c"\nservices = ["Telegram", "telegram"]\n'
    loaded = load_text(BASE, more=exemption)
    assert messages(loaded) == [
        "more.toml:1: exemptions[0].until: found nothing; expected the moment it ends,"
        " with an offset from UTC: 2027-03-20T23:59:59+03:30",
        "more.toml:1: exemptions[0].approver: found nothing; expected who approved it",
        "more.toml:1: exemptions[0].ticket: found nothing; expected where it was asked for",
        'more.toml:3: exemptions[0].vlan: found "c"; expected a',
        'more.toml:4: exemptions[0].services[0]: found "Telegram"; expected a service such as'
        ' "telegram", or a category with @ such as "@messenger". Did you mean "telegram"?',
    ]


def test_later_layers_name_file_and_line_too() -> None:
    more = '[policies.q]\nblock = ["X", "@encrypted-dns",\n"telegrm"]\n[vlans.q]\npolicy = "q"'
    loaded = load_text(BASE, more=more)
    assert loaded.config.policies["q"].block == ("@encrypted-dns", "telegrm")
    path = ("policies", "q", "block", 1)
    problem = loaded.provenance.problem(path, '"telegrm"', "a service", "Look again.", "warning")
    assert str(problem) == (
        'more.toml:3: warning: policies.q.block[2]: found "telegrm"; expected a service.'
        " Look again."
    )


def test_nothing_is_said_twice() -> None:
    more = """
[vlans.a]
prefixes = ["10.1.0.0/16"]
policy = "p"
[server]
workers = 2
[cache]
max_bytes = 1
"""
    main = "cache = 5\n" + BASE + "[server]\nworkers = 1\n"
    assert messages(load_text(main, more=more)) == [
        "config.toml:1: cache: found 5; expected a table",
        "more.toml:2: vlans.a: found a second definition; expected one definition."
        " It is defined first at config.toml:4 (vlans.a).",
        "more.toml:6: server.workers: found a second definition; expected one definition."
        " It is defined first at config.toml:16 (server.workers).",
        "more.toml:7: cache: found a second definition; expected one definition."
        " It is defined first at config.toml:1 (cache).",
    ]


def test_an_include_inside_an_included_file_is_reported() -> None:
    assert messages(load_text(BASE, more='include = ["x.toml"]')) == [
        "more.toml:1: include: found an include; expected none in a file that is itself included."
        " Name the files in the include of config.toml."
    ]


def test_a_pattern_that_matches_nothing_is_a_warning() -> None:
    assert messages(load_text(BASE)) == [
        'config.toml:2: warning: include[0]: found "m*.toml"; expected a pattern that matches'
        " a file, relative to the file that names it"
    ]


def test_patterns_are_seen_from_the_file_that_names_them() -> None:
    files: dict[str, str | bytes] = {
        "/etc/darban/config.toml": BASE.replace("m*.toml", "*.toml", 1),
        "/etc/darban/more.toml": "[policies.q]",
        "/etc/other.toml": "[policies.r]",
    }
    loaded = load("/etc/darban/config.toml", InMemory(files))
    assert list(loaded.config.policies) == ["p", "q"]


def test_a_file_is_included_once() -> None:
    main = BASE.replace('["m*.toml"]', '["more.toml", "m*.toml"]')
    loaded = load_text(main, more="[policies.q]\n[vlans.q]\nprefixes = ['10.1.0.0/16']\npolicy='q'")
    assert loaded.problems == []


@pytest.mark.parametrize("more", ["[policies.q", b"\xff"])
def test_no_name_is_unknown_while_a_file_is_unreadable(more: str | bytes) -> None:
    main = BASE.replace('policy = "p"', 'policy = "q"')
    problems = load_text(main, more=more).problems
    assert [(problem.file, problem.path) for problem in problems] == [("more.toml", "")]
