"""Names that pass on a VLAN whose policy blocks other names of the same owner."""

import pytest

from resolver.analysis.explanation import Explainer
from resolver.analysis.queries.query import Question, Requester
from resolver.analysis.suggestions import suggestions
from resolver.dns import codes, names
from resolver.lists.guard import registrable_domain
from resolver.policy.index import Index
from tests.compiler.texts import compile_texts

CONFIG = """
[policies.administrative]
block = ["@messenger", "canary"]
allow = ["status.chat.example"]
deny = ["denied.agency.example"]
[policies.publicity]
[vlans.administration]
prefixes = ["10.10.0.0/16"]
policy = "administrative"
[vlans.publicity]
prefixes = ["10.20.0.0/16"]
policy = "publicity"
[[local]]
name = "local.chat.example"
records = ["A 10.0.0.30"]
"""
LISTS = {
    "chat": "! Title: Chat\n! Category: messenger\n||web.chat.example^\n||chat.github.io^\n"
    "||whole.example^\n||up.chat.example^\n@@||help.up.chat.example^\n",
    "other": "! Title: Other\n! Category: workplace-chat\n||web.other.example^\n",
    "canary": "! Title: C\n! Category: encrypted-dns\n! Answer: nxdomain\n||mask.icloud.com^\n",
}
SNAPSHOT = compile_texts(CONFIG, LISTS)


def _suggested(*asked: str, vlan: str = "administration") -> list[tuple[str, str, dict[str, int]]]:
    index = Index(SNAPSHOT.trie, SNAPSHOT.rules)
    counts = {
        Question(Requester(vlan=vlan), names.parse(name), codes.A): 10 - place
        for place, name in enumerate(asked)
    }
    found = suggestions(Explainer(SNAPSHOT.compiled, index, 1.8e9), index, counts)
    return [
        (
            suggestion.domain,
            " ".join(suggestion.blocked_by),
            dict(suggestion.queries),
        )
        for suggestion in found
    ]


def test_a_name_beside_a_blocked_one_is_suggested() -> None:
    asked = ("new.chat.example", "web.chat.example", "chat.example", "a.b.chat.example")
    assert _suggested(*asked) == [
        ("chat.example", "chat", {"new.chat.example": 10, "chat.example": 8, "a.b.chat.example": 7})
    ]


def test_a_name_beside_one_that_the_policy_denies_is_suggested() -> None:
    assert _suggested("www.agency.example") == [
        ("agency.example", "deny", {"www.agency.example": 10})
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("web.chat.example", "x.web.chat.example", "www.whole.example"),  # blocked
        *("status.chat.example", "help.up.chat.example"),  # by allow, by the list's exception
        "local.chat.example",
        *("www.example.org", "chat.example.org", "xchat.example"),  # of another owner
        *("else.github.io", "github.io", "io", "."),
        "web.other.example",  # of a service that the policy does not block
        *("www.icloud.com", "new.icloud.com"),  # beside a canary
    ],
)
def test_no_other_name_is_suggested(name: str) -> None:
    assert _suggested(name) == []


def test_nothing_is_suggested_where_nothing_is_blocked() -> None:
    assert _suggested("new.chat.example", vlan="publicity") == []
    assert _suggested("new.chat.example", vlan="nowhere") == []


def test_the_domains_with_the_most_queries_are_first() -> None:
    asked = ("www.chat.github.io", "a.chat.example", "www.agency.example", "b.agency.example")
    assert [domain for domain, *_ in _suggested(*asked)] == ["agency.example", "chat.example"]


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("a.b.example.co.uk", "example.co.uk"),
        ("x.me.github.io", "me.github.io"),
        ("example.org", "example.org"),
        ("www.example.nosuchtld", "example.nosuchtld"),
        *(("co.uk", None), ("github.io", None), ("org", None), (".", None), ("a\\.b.org", None)),
    ],
)
def test_the_domain_of_one_owner(name: str, domain: str | None) -> None:
    found = registrable_domain(names.parse(name))
    assert (found if found is None else names.text(found)) == domain
