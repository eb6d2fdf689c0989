"""What opens a blocked name: services to exempt, or a change of ``allow`` or ``deny``."""

import pytest

from resolver.analysis.opening import Opening, Openings
from resolver.dns import names
from resolver.policy.index import Index
from resolver.policy.verdict import Outcome
from tests.compiler.texts import compile_texts

CONFIG = """
[policies.staff]
block = ["@messenger"]
deny = ["games.example", "||sites.example^"]
[policies.few]
default = "block"
allow = ["debian.example"]
[vlans.staff]
prefixes = ["10.70.0.0/16"]
policy = "staff"
deny = ["news.example"]
[[exemptions]]
id = "mail"
vlan = "staff"
services = ["mail"]
until = 2099-01-01T00:00:00Z
approver = "Head"
ticket = "T-1"
[vlans.few]
prefixes = ["10.80.0.0/16"]
policy = "few"
"""
LISTS = {
    "chat": "! Title: Chat\n! Category: messenger\n||chat.example^\n||both.example^\n"
    "||chat.vendor.example^\n@@||blog.mirror.example^\n",
    "forum": "! Title: Forum\n! Category: messenger\n||forum.example^\n||both.example^\n",
    "mail": "! Title: Mail\n! Category: messenger\n||mail.example^\n||both.example^\n",
}
SNAPSHOT = compile_texts(CONFIG, LISTS)
INDEX = Index(SNAPSHOT.trie, SNAPSHOT.rules)


def _opening(name: str, vlan: str = "staff", target: str = "") -> Opening:
    openings = Openings(SNAPSHOT.compiled, INDEX, 1.8e9)
    view = openings.explainer.vlan(vlan)
    assert view is not None
    return openings.of(view, names.parse(name), target)


@pytest.mark.parametrize(
    ("name", "services"),
    [
        ("www.chat.example", ("chat",)),
        ("both.example", ("chat", "forum")),
        ("mail.example", ()),
        ("agency.example", ()),
    ],
)
def test_services_to_exempt_are_all_that_block_the_name(
    name: str, services: tuple[str, ...]
) -> None:
    assert _opening(name).exempt == services


def test_what_no_exemption_opens_is_an_entry_of_the_config() -> None:
    denied, in_vlan = _opening("games.example"), _opening("news.example")
    assert (denied.section, denied.denied, denied.exempt) == ("policies.staff", "games.example", ())
    assert (in_vlan.section, in_vlan.denied) == ("vlans.staff", "news.example")
    below = _opening("a.sites.example")
    assert (below.section, below.allow) == ("policies.staff", "|a.sites.example^")
    unlisted = _opening("agency.example", "few")
    assert (unlisted.section, unlisted.allow) == ("policies.few", "agency.example")


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("www.one.example", "one.example"),
        ("www.vendor.example", "|www.vendor.example^"),  # whose chat is closed
        ("www.mirror.example", "mirror.example"),  # an exception is no name of its service
        ("4.4.8.8.in-addr.arpa", "in-addr.arpa"),
        ("1.0.0.2.ip6.arpa", "ip6.arpa"),
        ("com", "|com^"),  # asked by clients that validate DNSSEC themselves
        ("co.uk", "|co.uk^"),
        ("github.io", "|github.io^"),
        ("me.github.io", "me.github.io"),
        ("a\\.b.www.example.com", "example.com"),
        ("a\\.b.com", ""),
        (".", ""),
    ],
)
def test_the_entry_for_a_name_that_the_default_blocks(name: str, entry: str) -> None:
    assert _opening(name, "few").allow == entry


def test_a_name_that_leads_to_a_blocked_one_is_opened_by_the_service_of_that() -> None:
    opening = _opening("www.agency.example", target="chat.example")
    assert (opening.outcome, opening.exempt) == (Outcome.BLOCKED.label, ("chat",))
