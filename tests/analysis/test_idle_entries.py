"""Entries of ``allow`` and ``deny`` that decide nothing are named, and no others."""

import pytest

from resolver.analysis.idle_entries import idle_entries
from resolver.analysis.name_changes import without_exemptions
from resolver.analysis.name_classes import NameClasses
from tests.analysis.test_coverage import HOURS, LISTS, WALL, config
from tests.compiler.texts import compile_texts
from tests.config.files_in_memory import load_text
from tests.config.tables import vlan


def idle(policy: str, more: str = "") -> list[str]:
    text = config(policy, more)
    snapshot = compile_texts(text, LISTS)
    classes = NameClasses(without_exemptions(snapshot.compiled), snapshot.index())
    return [each.found.split(",")[0] for each in idle_entries(load_text(text), classes, WALL)]


BLOCK = 'block = ["@messenger"]\n'


@pytest.mark.parametrize(
    ("policy", "entries"),
    [
        ('allow = ["web.chat.example"]', []),
        ('allow = ["example"]', []),
        ('allow = ["other.example"]', ["other.example"]),
        ('allow = ["chat.example", "web.chat.example"]', ["web.chat.example"]),
        ('allow = ["chat.example", "|web.chat.example^"]', ["|web.chat.example^"]),
        ('allow = ["chat.example"]\ndeny = ["web.chat.example"]', []),
        ('deny = ["other.example"]', []),
        ('deny = ["web.chat.example"]', ["web.chat.example"]),
        ('deny = ["status.talk.example"]', []),
        ('deny = ["other.example", "a.other.example"]', ["a.other.example"]),
        ('default = "block"\ndeny = ["other.example"]', ["other.example"]),
        ('default = "block"\nallow = ["other.example"]', []),
    ],
)
def test_what_decides_nothing_is_named(policy: str, entries: list[str]) -> None:
    assert idle(BLOCK + policy) == entries


def test_an_entry_that_decides_at_some_hours_decides() -> None:
    hourly = 'during = [{ hours = "office", block = ["@messenger"] }]\nallow = ["web.chat.example"]'
    assert idle(hourly, HOURS) == []
    assert idle(hourly.replace("web.chat", "other"), HOURS) == ["other.example"]


def test_an_entry_of_a_vlan_is_compared_with_what_its_policy_does() -> None:
    policy = BLOCK + 'deny = ["other.example", "more.example"]'
    own = vlan(
        *("desk", "strict", "10.30.0.0/16"),
        allow="other.example,web.chat.example,far.example",
        deny="more.example,chat.example",
    )
    assert idle(policy, own) == ["more.example", "chat.example", "far.example"]


def test_an_entry_that_decides_on_one_vlan_of_its_policy_decides() -> None:
    own = vlan("desk", "strict", "10.30.0.0/16", deny="other.example")
    assert idle(BLOCK + 'allow = ["www.other.example"]', own) == ["www.other.example"]
    own = vlan("desk", "strict", "10.30.0.0/16", deny="|other.example^")
    assert idle(BLOCK + 'deny = ["other.example"]', own) == ["|other.example^"]


def test_the_warning_says_where_and_what_to_do() -> None:
    text = config(BLOCK + 'allow = ["other.example"]')
    snapshot = compile_texts(text, LISTS)
    classes = NameClasses(without_exemptions(snapshot.compiled), snapshot.index())
    [found] = idle_entries(load_text(text), classes, WALL)
    assert str(found) == (
        "config.toml:3: warning [idle-entry:strict]: policies.strict.allow[0]: found "
        "other.example, which decides no question; expected an entry without which some name would "
        "get another outcome. It still lets the targets and addresses of answers pass; else remove "
        "it."
    )
