"""The lists of ``blocklists/``: well formed, and blocking what they say.

``test_guard_sets.py`` holds that they block nothing else.
"""

import functools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from publicsuffixlist import PublicSuffixList

from resolver.dns import names
from resolver.lists.adblock import AdblockReader
from resolver.lists.rules import BlockList, Rule
from tests.lists.guard_sets import DOMESTIC

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "blocklists").glob("*.txt"))
CATEGORIES = {
    *("messenger", "social-network", "workplace-chat", "encrypted-dns"),
    *("updates", "connectivity"),
}


def _list(path: Path) -> BlockList:
    return AdblockReader.read(path.read_text(encoding="utf-8"), path.stem, path.name)


LISTS = {path.stem: _list(path) for path in FILES}


class Matcher:
    """The obvious, slow way to match: every zone of the name, looked up in a set."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = {rule[:3] for rule in rules}

    def blocks(self, text: str) -> bool:
        name = names.parse(text)
        return self._covers(name, exception=False) and not self._covers(name, exception=True)

    def _covers(self, name: bytes, *, exception: bool) -> bool:
        subtrees = any((zone, True, exception) in self._rules for zone in names.zones(name))
        return subtrees or (name, False, exception) in self._rules


MATCHERS = {service: Matcher(tuple(read.rules)) for service, read in LISTS.items()}


def _blocking(name: str) -> list[str]:
    return [service for service, matcher in MATCHERS.items() if matcher.blocks(name)]


each_list = pytest.mark.parametrize("service", LISTS)


def test_the_named_services_are_shipped() -> None:
    assert {"telegram", "whatsapp", "viber", "line", "tango"} <= LISTS.keys()


def test_no_messenger_is_called_like_the_category() -> None:
    assert "messenger" not in LISTS


@each_list
def test_a_list_has_its_headers_and_no_skipped_line(service: str) -> None:
    read = LISTS[service]
    assert read.title
    assert read.persian
    assert read.category in CATEGORIES
    assert read.source
    assert read.reviewed
    assert read.skipped == ()
    assert read.rules


def test_only_canary_names_ask_for_an_answer() -> None:
    assert [read.service for read in LISTS.values() if read.answer] == ["encrypted-dns-canaries"]


@each_list
def test_no_rule_is_covered_by_another(service: str) -> None:
    rules = {rule[:3] for rule in LISTS[service].rules}
    covered = [rule.text for rule in LISTS[service].rules if rules & set(_wider(rule))]
    assert covered == []


def _wider(rule: Rule) -> Iterator[tuple[bytes, bool, bool]]:
    zones = list(names.zones(rule.name))
    for zone in zones[1:] if rule.subtree else zones:
        yield zone, True, rule.exception


@each_list
def test_every_exception_lifts_something(service: str) -> None:
    ranges = ROOT / "blocklists" / f"{service}.ip"
    if ranges.exists():
        return  # an exception permits what leads to its addresses
    blocked = {rule.name for rule in LISTS[service].rules if not rule.exception}
    for rule in LISTS[service].rules:
        assert not rule.exception or blocked & set(names.zones(rule.name)), rule.text


@pytest.mark.parametrize("domestic", DOMESTIC)
def test_no_list_has_a_domestic_messenger(domestic: str) -> None:
    assert _blocking(domestic) == []
    assert _blocking("web." + domestic) == []
    zone = names.parse(domestic)
    every = [rule for read in LISTS.values() for rule in read.rules]
    assert [rule.text for rule in every if names.is_within(rule.name, zone)] == []


NAMED = {
    "telegram": ["telegram.org", "t.me", "telegram.me", "telesco.pe", "stel.com"],
    "whatsapp": ["whatsapp.com", "whatsapp.net", "wa.me"],
    "viber": ["viber.com"],
    "line": ["line.me", "line-apps.com", "line-scdn.net", "line.naver.jp"],
    "tango": ["tango.me"],
}


@pytest.mark.parametrize("service", NAMED)
def test_a_named_service_is_blocked_at_its_apex_and_below(service: str) -> None:
    for name in NAMED[service]:
        assert MATCHERS[service].blocks(name)
        assert MATCHERS[service].blocks("web." + name)
        assert not MATCHERS[service].blocks("x" + name)


ACCOUNTS = (
    *("nextdns.io", "dns.nextdns.io", "d.adguard-dns.com", "dns.controld.com"),
    *("cloudflare-dns.com", "cloudflare-gateway.com", "dns.google", "max.rethinkdns.com"),
    *("cloud.blokada.org", "dns.dnswarden.com", "dot.cleanbrowsing.org", "dns.dnsfilter.com"),
    *("doh.threatdefense.infoblox.com", "alidns.com", "doh.umbrella.com", "dns.mullvad.net"),
)
"""Zones where a provider of encrypted DNS gives each account a name, or may give one."""


@pytest.mark.parametrize("zone", ACCOUNTS)
def test_encrypted_dns_with_an_account_is_blocked(zone: str) -> None:
    account = f"{random.randrange(16**6):06x}"
    assert _blocking(f"{account}.{zone}") == ["encrypted-dns"]
    assert _blocking(f"phone.{account}.{zone}") == ["encrypted-dns"]


@each_list
def test_only_a_whole_domain_is_a_single_name(service: str) -> None:
    """Other sites may lie below a domain; below a service's host there is nothing else."""
    single = [rule for rule in LISTS[service].rules if not (rule.subtree or rule.exception)]
    hosts = [rule.text for rule in single if not _is_domain(names.text(rule.name))]
    assert hosts == []


def _is_domain(name: str) -> bool:
    return _suffixes().privatesuffix(name) == name


@functools.cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@pytest.mark.parametrize("name", ["www.opendns.com", "adguard.com", "www.quad9.net", "alidns.com"])
def test_a_provider_s_other_sites_stay_open(name: str) -> None:
    assert _blocking(name) == []


@pytest.mark.parametrize(
    "name", ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"]
)
def test_a_canary_is_blocked(name: str) -> None:
    assert _blocking(name) == ["encrypted-dns-canaries"]


def test_an_exception_of_a_list_lets_pass() -> None:
    assert MATCHERS["dingtalk"].blocks("im.dingtalk.com")
    assert not MATCHERS["dingtalk"].blocks("adashx.ut.dingtalk.com")
