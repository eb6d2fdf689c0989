"""The names that no list of others may block: well formed, and what every network needs."""

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from resolver.analysis.explanation import Explainer
from resolver.compiler.compilation import compile_file
from resolver.compiler.protected_names import UPDATES
from resolver.dns import codes, names
from resolver.lists.guard import ProtectedName, ProtectedNames, too_wide_name
from resolver.lists.rules import Rule, read_rule
from resolver.policy.index import Index

ROOT = Path(__file__).parents[2]
GROUPS = tomllib.loads(UPDATES.read_text(encoding="utf-8"))["group"]
NAMES = [name for group in GROUPS for name in group["names"]]
NEEDED = (
    *("au.download.windowsupdate.com", "fe2cr.update.microsoft.com", "wdcp.microsoft.com"),
    *("swscan.apple.com", "ocsp.digicert.com", "r10.o.lencr.org", "ctldl.windowsupdate.com"),
    *("security.debian.org", "ir.archive.ubuntu.com", "downloads.upd.kaspersky.com"),
    *("0.pool.ntp.org", "ir.pool.ntp.org", "time.windows.com", "www.msftconnecttest.com"),
    *("captive.apple.com", "connectivitycheck.gstatic.com", "detectportal.firefox.com"),
)
PROTECTED = ProtectedNames([ProtectedName(names.parse(name), "needed") for name in NAMES])


def _rule(text: str) -> Rule:
    rule = read_rule(text, 1)
    assert isinstance(rule, Rule)
    return rule


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["for"])
def test_a_group_says_where_its_names_are_documented(group: dict[str, object]) -> None:
    required = {"for", "source", "reviewed", "names"}
    of_list = {"list", "title", "title-fa"} if "list" in group else set()
    assert group.keys() - {"category"} == required | of_list
    assert group["for"]
    assert group["source"]
    assert isinstance(group["reviewed"], dt.date)


def test_no_name_is_there_twice_or_covered_by_another() -> None:
    covered = [
        name
        for name in NAMES
        for other in NAMES
        if name != other and names.is_within(names.parse(name), names.parse(other))
    ]
    assert covered == []
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_has_one_owner(name: str) -> None:
    assert too_wide_name(name, exception=False) is None


@pytest.mark.parametrize("name", NEEDED)
def test_what_machines_need_is_among_them(name: str) -> None:
    assert PROTECTED.conflict(_rule(f"|{name}^"))
    assert PROTECTED.conflict(_rule(f"||{name}^"))
    assert PROTECTED.conflict(_rule(f"@@||{name}^")) is None


@pytest.mark.parametrize("text", ["||microsoft.com^", "||ntp.org^", "||org^"])
def test_a_rule_above_a_protected_name_is_refused(text: str) -> None:
    assert "it covers needed (" in (PROTECTED.conflict(_rule(text)) or "")


@pytest.mark.parametrize("text", ["|microsoft.com^", "||xwindowsupdate.com^", "||example.org^"])
def test_a_rule_beside_them_is_used(text: str) -> None:
    assert PROTECTED.conflict(_rule(text)) is None


def test_the_shipped_policies_block_none_of_them() -> None:
    snapshot = compile_file(ROOT / "config.toml", 1.8e9).snapshot
    explainer = Explainer(snapshot.compiled, Index(snapshot.trie, snapshot.rules), 1.8e9)
    view = explainer.vlan("administration")
    assert view is not None
    assert explainer.for_view(view, names.parse("web.telegram.org"), codes.A).outcome == "blocked"
    told = [explainer.for_view(view, names.parse(name), codes.A) for name in (*NAMES, *NEEDED)]
    assert [explanation.name for explanation in told if explanation.outcome != "passed"] == []
