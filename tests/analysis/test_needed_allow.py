"""The ``allow`` that recorded names need under ``default = "block"``."""

import pytest

from resolver.analysis.explanation import Explainer
from resolver.analysis.needed_allow import NeededAllow, Recorded, needed_allow
from resolver.analysis.queries.query import Question, Requester
from resolver.dns import codes, names
from resolver.policy.index import Index
from tests.compiler.texts import compile_texts

CONFIG = """
[policies.servers]
block = ["@messenger"]
allow = ["agency.example"]
deny = ["games.example"]
[policies.few]
default = "block"
mode = "audit"
allow = ["debian", "|www.agency.example^"]
[vlans.servers]
prefixes = ["10.70.0.0/16"]
policy = "servers"
[vlans.few]
prefixes = ["10.80.0.0/16"]
policy = "few"
[[exemptions]]
id = "chat"
vlan = "servers"
services = ["chat"]
until = 2099-01-01T00:00:00Z
approver = "Head"
ticket = "T-1"
[[forward]]
zones = ["inside.example", "10.in-addr.arpa"]
servers = ["10.0.0.10"]
[[forward]]
zones = ["."]
servers = ["10.0.0.11"]
[[local]]
name = "printer.office.example"
records = ["A 10.0.0.30"]
"""
LISTS = {
    "debian": "! Title: Debian\n! Category: updates\n||deb.debian.example^\n"
    "||mirror.example^\n@@||blog.mirror.example^\n",
    "windows": "! Title: Windows\n! Category: updates\n||update.vendor.example^\n",
    "chat": "! Title: Chat\n! Category: messenger\n||chat.vendor.example^\n||chat.example^\n",
    "ads.others": "||ads.example^\n||deb.debian.example^\n",
}
SNAPSHOT = compile_texts(CONFIG, LISTS)


def _needed(*asked: str, vlan: str = "servers") -> NeededAllow:
    index = Index(SNAPSHOT.trie, SNAPSHOT.rules)
    counts = {
        Question(Requester(vlan=vlan), names.parse(name), codes.A): len(asked) - place
        for place, name in enumerate(asked)
    }
    [found] = needed_allow(Explainer(SNAPSHOT.compiled, index, 1.8e9), index, counts)
    assert found.queries == sum(counts.values())
    return found


def _plain(recorded: Recorded) -> dict[str, dict[str, int]]:
    return {entry: dict(queries) for entry, queries in recorded.items()}


def test_services_of_updates_then_registrable_domains() -> None:
    found = _needed("deb.debian.example", "www.one.example", "a.deb.debian.example", "one.example")
    assert (found.vlan, found.policy, found.present) == ("servers", "servers", ("agency.example",))
    assert _plain(found.services) == {
        "debian": {"deb.debian.example": 4, "a.deb.debian.example": 2}
    }
    assert _plain(found.domains) == {"one.example": {"www.one.example": 3, "one.example": 1}}


def test_other_services_are_named_and_not_opened_whatever_is_exempted_now() -> None:
    found = _needed("web.chat.example", "www.ads.example")
    assert _plain(found.closed) == {
        "chat": {"web.chat.example": 2},
        "ads": {"www.ads.example": 1},
    }
    assert not found.services
    assert not found.domains


def test_a_domain_with_names_of_another_service_is_not_opened_as_a_whole() -> None:
    found = _needed("www.vendor.example", "vendor.example", "chat.vendor.example")
    assert _plain(found.domains) == {
        "|www.vendor.example^": {"www.vendor.example": 3},
        "|vendor.example^": {"vendor.example": 2},
    }
    assert list(found.closed) == ["chat"]


def test_an_exception_of_a_list_is_no_name_of_its_service() -> None:
    found = _needed("blog.mirror.example", "mirror.example")
    assert (list(found.services), list(found.domains)) == (["debian"], ["mirror.example"])


@pytest.mark.parametrize(
    "name",
    [
        *("www.agency.example", "printer.office.example", "a.inside.example", "inside.example"),
        *("1.2.3.10.in-addr.arpa", "localhost", "printer.local", "whoami.darban.internal"),
    ],
)
def test_a_name_that_passes_anyway_needs_no_entry(name: str) -> None:
    found = _needed(name)
    assert dict(found.open) == {name: 1}
    assert not {**found.services, **found.domains, **found.closed}


def test_what_the_policy_has_by_this_default_needs_no_other_entry() -> None:
    found = _needed("deb.debian.example", "www.agency.example", "x.agency.example", vlan="few")
    assert found.present == ("debian", "|www.agency.example^")
    assert dict(found.open) == {"deb.debian.example": 3, "www.agency.example": 2}
    assert list(found.domains) == ["agency.example"]


def test_a_name_without_a_dot_is_a_rule_since_it_would_mean_a_service() -> None:
    config = CONFIG.replace('["agency.example"]', '["windows", "agency.example"]')
    snapshot = compile_texts(config, LISTS)
    explainer = Explainer(snapshot.compiled, snapshot.index(), 1.8e9)
    asked = {Question(Requester(vlan="servers"), names.parse("www.windows"), codes.A): 1}
    [found] = needed_allow(explainer, snapshot.index(), asked)
    assert found.present == ("||windows^", "agency.example")
    assert found.open == {"www.windows": 1}


def test_a_name_that_the_policy_denies_is_not_suggested() -> None:
    found = _needed("www.games.example")
    assert dict(found.denied) == {"www.games.example": 1}
    assert not found.domains


@pytest.mark.parametrize(
    ("name", "entry"),
    [
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
def test_the_entry_for_a_name(name: str, entry: str) -> None:
    found = _needed(name)
    assert "".join(found.domains) == entry
    assert dict(found.unopened) == ({} if entry else {name: 1})


def test_a_vlan_that_the_config_lacks_is_left_out() -> None:
    index = Index(SNAPSHOT.trie, SNAPSHOT.rules)
    asked = {Question(Requester(vlan="nowhere"), names.parse("one.example"), codes.A): 1}
    assert needed_allow(Explainer(SNAPSHOT.compiled, index, 1.8e9), index, asked) == []
