"""The lists of ``blocklists/``: well formed, blocking what they say, and nothing else.

The large tests against popular names need ``../shared/data``, which is not part of the
repository; they are left out where it is absent.
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

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
UNLABELLED_RESOLVERS = (
    *("fxj8pd39z5.cloudflare-gateway.com", "dns.sse.cisco.com", "familyshield.sse.cisco.com"),
)
"""Popular names that the labels of the popular names do not know as resolvers."""
FILES = sorted((ROOT / "blocklists").glob("*.txt"))
CATEGORIES = {"messenger", "workplace-chat", "encrypted-dns"}
DOMESTIC = ("eitaa.com", "bale.ai", "ble.ir", "rubika.ir", "splus.ir", "gap.im", "igap.net")


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


MATCHERS = {service: Matcher(read.rules) for service, read in LISTS.items()}


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


OPEN = {
    "captive portal checks": [
        "www.msftconnecttest.com",
        "ipv6.msftconnecttest.com",
        "dns.msftncsi.com",
        "www.msftncsi.com",
        "captive.apple.com",
        "www.apple.com",
        "connectivitycheck.gstatic.com",
        "connectivitycheck.android.com",
        "clients3.google.com",
        "www.gstatic.com",
        "www.google.com",
        "play.googleapis.com",
        "detectportal.firefox.com",
        "connectivity-check.ubuntu.com",
        "nmcheck.gnome.org",
        "conn-service-eu-05.allawnos.com",
    ],
    "notifications": [
        "mtalk.google.com",
        "alt1-mtalk.google.com",
        "mtalk4.google.com",
        "fcm.googleapis.com",
        "firebaseinstallations.googleapis.com",
        "firebaseremoteconfig.googleapis.com",
        "courier.push.apple.com",
        "1-courier.push.apple.com",
        "api.push.apple.com",
        "init-p01st.push.apple.com",
        "client.wns.windows.com",
        "updates.push.services.mozilla.com",
        "push.services.mozilla.com",
    ],
    "clocks": [
        "pool.ntp.org",
        "0.pool.ntp.org",
        "2.android.pool.ntp.org",
        "time.windows.com",
        "time.apple.com",
        "time.google.com",
        "time.cloudflare.com",
        "ntp.ubuntu.com",
        "time.nist.gov",
    ],
    "revocation of certificates": [
        "ocsp.digicert.com",
        "crl3.digicert.com",
        "crl4.digicert.com",
        "o.lencr.org",
        "r3.o.lencr.org",
        "r10.c.lencr.org",
        "ocsp.pki.goog",
        "c.pki.goog",
        "ocsp.sectigo.com",
        "crl.sectigo.com",
        "ocsp.globalsign.com",
        "ocsp2.globalsign.com",
        "ocsp.apple.com",
        "ocsp2.apple.com",
        "crl.apple.com",
        "ocsp.entrust.net",
        "ctldl.windowsupdate.com",
        "www.microsoft.com",
    ],
    "shared with messengers": [
        "facebook.com",
        "www.facebook.com",
        "graph.facebook.com",
        "star.c10r.facebook.com",
        "scontent.xx.fbcdn.net",
        "www.qq.com",
        "accounts.kakao.com",
        "dapi.kakao.com",
        "www.naver.jp",
        "config.edge.skype.com",
        "edge.skype.net",
        "secure.skypeassets.com",
        "github.githubassets.com",
        "pinterest.com",
        "www.redditstatic.com",
        "firestore.googleapis.com",
        "software-download.microsoft.com",
        "mail.google.com",
        "opencdn.jomodns.com",
        "www.line-website.com",
    ],
    "answered by the server itself": ["resolver.arpa", "_dns.resolver.arpa"],
}


@pytest.mark.parametrize("kind", OPEN)
def test_what_every_network_needs_stays_open(kind: str) -> None:
    assert {name: hits for name in OPEN[kind] if (hits := _blocking(name))} == {}


def _column(file: str, column: int) -> list[str]:
    lines = (DATA / file).read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[column] for line in lines if line and not line.startswith("#")]


def _false_positives(benign: list[str]) -> dict[str, list[str]]:
    return {name: hits for name in benign if (hits := _blocking(name))}


@pytest.mark.shared_data
def test_a_name_that_only_ends_alike_stays_open() -> None:
    near = _column("near-miss.tsv", 1)
    assert near
    assert _false_positives(near) == {}


@pytest.mark.shared_data
def test_popular_names_stay_open() -> None:
    labelled = {*_column("popular-names.labels.tsv", 0), *UNLABELLED_RESOLVERS}
    benign = [name for name in _column("popular-names.txt", 0) if name not in labelled]
    assert len(benign) > 40_000
    assert _false_positives(benign) == {}


@pytest.mark.shared_data
def test_popular_iranian_names_stay_open() -> None:
    iranian = _column("popular-ir-names.txt", 0)
    assert len(iranian) > 900
    assert _false_positives(iranian) == {}


@pytest.mark.shared_data
def test_names_behind_messengers_at_shared_hosts_stay_open() -> None:
    targets = _column("cname-targets.tsv", 0)
    assert targets
    assert _false_positives(targets) == {}
