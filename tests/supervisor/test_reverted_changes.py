"""A file that takes the place of the config is compared with what others have put in force."""

import datetime as dt
from dataclasses import replace

import pytest

from resolver.audit.audit_log import AuditEntry
from resolver.supervisor.reverted_changes import lost_exemptions, reverted_changes
from resolver.system.time_zones import zone_or_utc
from tests.compiler.texts import compile_texts

CONFIG = """\
[policies.p]
block = ["one"]
deny = ["a.example"]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""
MORE = '[policies.q]\ndeny = ["b.example"]\n'
EXEMPTION = """\
[[exemptions]]
id = "{}"
prefixes = ["10.1.0.0/16"]
services = ["one"]
until = 2027-03-01T12:00:00Z
approver = "Head"
ticket = "T"
"""
LISTS = {"one": "! Category: messenger\n||one.example^\n"}
ALI, SARA, ME = ("uid 1 (ali)", "uid 2 (sara)", "uid 3 (me)")
UNTIL = "2027-03-01 15:30+03:30 (1405-12-10)"
WALL = 1.79e9


def reverted(steps: list[tuple[str, str]], new: str) -> list[str]:
    """What a file undoes; ``steps`` are who put which text in force, the oldest first."""
    changes = [
        (AuditEntry(float(at), "reload", who, "aa"), {"config.toml": text})
        for at, (who, text) in enumerate(steps)
    ]
    found = reverted_changes(changes[::-1], {"config.toml": new}, ME, dt.UTC)
    return [text.split(" put in force")[0] for text in found]


ALIS, SARAS = f"this undoes what {ALI}", f"this undoes what {SARA}"
DENIED = CONFIG.replace('"a.example"', '"c.example"')
BOTH = DENIED + MORE


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (BOTH, []),
        (BOTH + "# a comment\n", []),
        (BOTH.replace('"one"', '"one", "two"'), []),
        (BOTH.replace('"c.example"', '"c.example", "d.example"'), []),
        (BOTH.replace('"b.example"', '"d.example"'), [SARAS]),
        (DENIED, [SARAS]),
        (CONFIG, [SARAS, ALIS]),
        (CONFIG + '[policies.r]\ndeny = ["d.example"]\n', [SARAS, ALIS]),
        (CONFIG.replace('"one"', '"two"') + '[vlans.w]\npolicy = "p"\n', [SARAS, ALIS]),
        (CONFIG + MORE, []),
    ],
    ids=[
        *("same", "comment", "edit", "same-line", "same-line-undone", "before-sara", "before-both"),
        *("stale-and-edited", "stale-and-edited-more", "back-to-a-line-before-the-newest"),
    ],
)
def test_the_changes_since_the_copy_are_named(new: str, expected: list[str]) -> None:
    assert reverted([(ME, CONFIG), (ALI, DENIED), (SARA, BOTH)], new) == expected


def test_what_others_have_removed_comes_back_only_if_it_is_accepted() -> None:
    assert reverted([(ME, BOTH), (ALI, DENIED)], BOTH) == [ALIS]


def test_one_s_own_changes_are_not_named_and_those_before_them_are() -> None:
    assert reverted([(ME, CONFIG), (ALI, DENIED), (ME, BOTH)], CONFIG) == [ALIS]
    assert reverted([(ME, CONFIG), (ME, BOTH)], CONFIG) == []


def test_the_moment_of_a_change_is_local() -> None:
    changes = [
        (AuditEntry(at, "reload", ALI, "aa"), {"config.toml": text})
        for at, text in ((1_803_902_400.0, DENIED), (1.0, CONFIG))
    ]
    tehran = zone_or_utc("Asia/Tehran")
    [line] = reverted_changes(changes, {"config.toml": CONFIG}, ME, tehran)
    assert line.startswith(f"{ALIS} put in force on {UNTIL} (reload, ")


def test_a_second_exemption_does_not_hide_the_one_that_is_gone() -> None:
    given = [(ME, CONFIG), (ALI, CONFIG + EXEMPTION.format("x"))]
    assert reverted(given, CONFIG + EXEMPTION.format("y")) == [ALIS]


def test_an_exemption_that_is_gone_or_narrower_is_named() -> None:
    before = compile_texts(CONFIG + EXEMPTION.format("x"), LISTS).compiled
    [exemption] = before.exemptions
    until = exemption.until
    for change, named in (
        ({}, ""),
        ({"until": until + 1}, ""),
        ({"until": until - 1}, "shortens or narrows exemption x (one, until 2027-03-01 15:30"),
        ({"services": 0}, "shortens or narrows exemption x"),
        ({"from_": WALL}, "shortens or narrows exemption x"),
        ({"id": "y"}, f"ends exemption x (one, until {UNTIL}, approved by Head)"),
    ):
        now = replace(before, exemptions=(replace(exemption, **change),))
        found = list(lost_exemptions(before, now, WALL))
        assert bool(found) == bool(named)
        assert named in "".join(found)
    assert list(lost_exemptions(before, replace(before, exemptions=()), until)) == []
