"""Expectations: a failure shows what was got and why; a later failure is warned of."""

from pathlib import Path

import pytest

from resolver.compiler.compilation import CompileResult, compile_file

NOON = 1_800_000_000.0
"""2027-01-15T08:00:00Z."""
CONFIG = """
[policies.administrative]
block = ["telegram", "@encrypted-dns"]
[policies.publicity]
[vlans.administration]
prefixes = ["127.0.10.0/24"]
policy = "administrative"
[vlans.publicity]
prefixes = ["127.0.20.0/24"]
policy = "publicity"
"""
EXEMPTION = """
[[exemptions]]
id = "{id}"
prefixes = ["127.0.10.7/32"]
services = ["telegram"]
until = {until}
approver = "Director"
ticket = "IT-7"
"""
EXPECT = """
[[expect]]
client = "127.0.10.7"
name = "web.telegram.org"
outcome = "{outcome}"
{more}
"""
LATER, LAST = "2027-01-15T09:00:00Z", "2027-01-16T12:00:00+03:30"


def _compile(directory: Path, more: str, wall: float = NOON) -> CompileResult:
    lists = directory / "blocklists"
    lists.mkdir()
    (lists / "telegram.txt").write_text("! Category: messenger\n! a remark\n||telegram.org^\n")
    (lists / "dns.txt").write_text("! Category: encrypted-dns\n||dns.example^\n")
    path = directory / "config.toml"
    path.write_text(CONFIG + more)
    compiled = compile_file(path, wall)
    assert not compiled.errors
    return compiled


def _warnings(compiled: CompileResult) -> list[str]:
    assert all(problem.severity == "warning" for problem in compiled.problems)
    return [str(problem).partition("config.toml:")[2] for problem in compiled.problems]


def test_one_that_fails_says_what_it_got_and_why(tmp_path: Path) -> None:
    [failed] = _compile(tmp_path, EXPECT.format(outcome="passed", more="")).failed
    assert failed.place.endswith("config.toml:12 (expect[0])")
    assert failed.text == (
        "web.telegram.org A from 127.0.10.7 (VLAN administration, policy administrative): "
        "expected passed, got blocked as telegram: list blocklists/telegram.txt, line 3 "
        "(||telegram.org^)"
    )


def test_one_that_holds_in_outcome_but_not_in_service(tmp_path: Path) -> None:
    more = EXPECT.format(outcome="blocked", more='service = "dns"')
    [failed] = _compile(tmp_path, more).failed
    assert "expected blocked as dns, got blocked as telegram" in failed.text


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        ("2027-01-15T08:59:59Z", "exempted"),
        ("2027-01-15T09:00:00Z", "blocked"),
        ("2027-01-15T12:29:59+03:30", "exempted"),
        ("2030-01-01T00:00:00Z", "blocked"),
    ],
)
def test_one_for_a_moment_to_come_is_judged_then(tmp_path: Path, at: str, outcome: str) -> None:
    exemption = EXEMPTION.format(id="fair", until=LATER)
    wrong = {"exempted": "blocked", "blocked": "exempted"}[outcome]
    more = EXPECT.format(outcome=outcome, more=f"at = {at}")
    more += EXPECT.format(outcome=wrong, more=f"at = {at}")
    compiled = _compile(tmp_path, exemption + more)
    [failed] = compiled.failed
    assert "(expect[1])" in failed.place
    assert f"expected {wrong}, got {outcome}" in failed.text
    assert _warnings(compiled) == []


def test_one_that_an_exemption_s_end_will_break_is_told_once(tmp_path: Path) -> None:
    """Of two exemptions that lift the same, it is the end of the last that breaks it."""
    more = EXEMPTION.format(id="last", until=LAST) + EXEMPTION.format(id="first", until=LATER)
    more += EXPECT.format(outcome="exempted", more="")
    more += EXPECT.format(outcome="exempted", more=f"at = {LATER}")
    compiled = _compile(tmp_path, more)
    assert not compiled.failed
    [warning] = _warnings(compiled)
    assert warning == (
        "28: warning: expect[0]: found one that holds until exemption last ends "
        "(2027-01-16 12:00+03:30 (1405-10-26)); expected one that holds after it, or that has the "
        "moment it is for in 'at'. Then web.telegram.org A from 127.0.10.7 (VLAN administration, "
        "policy administrative): expected exempted, got blocked as telegram: list "
        "blocklists/telegram.txt, line 3 (||telegram.org^). No start or reload will succeed from "
        "then on."
    )


@pytest.mark.parametrize("more", ["", 'service = "telegram"'])
def test_one_without_a_moment_tests_the_policy_without_exemptions(
    tmp_path: Path, more: str
) -> None:
    exemption = EXEMPTION.format(id="fair", until=LATER)
    compiled = _compile(tmp_path, exemption + EXPECT.format(outcome="blocked", more=more))
    assert not compiled.failed
    assert _warnings(compiled) == []


def test_one_that_an_exemption_breaks_says_how_to_go_on(tmp_path: Path) -> None:
    more = EXEMPTION.format(id="fair", until=LATER)
    more += EXPECT.format(outcome="blocked", more="at = 2027-01-15T08:30:00Z")
    more += EXPECT.format(outcome="passed", more="")
    more += EXPECT.format(outcome="would_block", more="")
    at, passed, other = (failed.text for failed in _compile(tmp_path, more).failed)
    assert at.endswith(
        "expected blocked, got exempted as telegram: exemption fair (||telegram.org^). It has "
        "'at', so it is tested with the exemptions of that moment; without 'at' it tests the "
        "policy alone, which no exemption changes"
    )
    assert passed.endswith(
        "expected passed, got blocked as telegram: list blocklists/telegram.txt, line 3 "
        '(||telegram.org^). Exemption fair permits it: the outcome to expect is "exempted"'
    )
    assert other.endswith("(||telegram.org^)")


def test_an_exemption_that_has_ended_is_told(tmp_path: Path) -> None:
    more = EXEMPTION.format(id="old", until="2027-01-15T08:00:00Z")
    more += EXEMPTION.format(id="new", until="2027-01-15T08:00:01Z")
    [warning] = _warnings(_compile(tmp_path, more))
    assert warning == (
        "16: warning: exemptions[0].until: found 2027-01-15 11:30:00+03:30 (1405-10-25); "
        "expected a moment to "
        "come. Exemption old has ended and permits nothing; 'darban exempt --prune' removes it."
    )
