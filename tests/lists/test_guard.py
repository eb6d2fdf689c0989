"""Which rules are refused as too wide, and which exceptions are not."""

import pytest

from resolver.lists.guard import too_wide
from resolver.lists.rules import Rule, read_rule

WIDE = {
    "||.^": "the root",
    "||com^": "a single label",
    "|com^": "a single label",
    "||ir^": "a single label",
    "||skype^": "a single label",
    "||localhost^": "a single label",
    "||co.uk^": "a public suffix",
    "||gov.ir^": "a public suffix",
    "|ac.ir^": "a public suffix",
    "||xn--55qx5d.cn^": "a public suffix",
    "||公司.cn^": "a public suffix",
    "||anything.ck^": "a public suffix",  # *.ck
    "||kawasaki.jp^": "a public suffix",  # what a wildcard hangs from
    "@@||.^": "the root",
}

NARROW = [
    "||telegram.org^",
    "||t.me^",
    "||example.co.uk^",
    "||www.ck^",  # !www.ck
    "||city.kawasaki.jp^",
    "||azureedge.net^",  # a suffix of the private section
    "||name.nosuchtld^",
    "||xn--999999999.example^",  # no U-label
    "@@||ir^",
    "@@||gov.ir^",
]


def _rule(text: str) -> Rule:
    rule = read_rule(text, 1)
    assert isinstance(rule, Rule)
    return rule


@pytest.mark.parametrize("text", WIDE)
def test_a_wide_rule_is_refused(text: str) -> None:
    assert WIDE[text] in (too_wide(_rule(text)) or "")


@pytest.mark.parametrize("text", NARROW)
def test_a_narrow_rule_and_a_wide_exception_pass(text: str) -> None:
    assert too_wide(_rule(text)) is None
