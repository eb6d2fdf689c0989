"""An AdGuardHome.yaml becomes a config that answers as AdGuard Home did, client by client."""

import datetime as dt
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from darban_import.adguard import read_adguard
from darban_import.old_setup import OldSetup, OldSetupError
from tests.darban_import.adguard_texts import NO_SCHEDULE, OFFICE, UNEVEN, adguard, client
from tests.darban_import.imported import SERVICES, explainer, outcomes, text, vlan

YAML = Path("AdGuardHome.yaml")
STAFF = vlan("staff", "10.10.0.0/16")
RULES = (
    "! comment",
    "||tracker.example^",
    "@@||good.tracker.example^",
    "||bad.good.tracker.example^",
    "|alone.example^",
    "0.0.0.0 one.example two.example",
    "bare.example",
    "@@|allowed.ads.example^",
)
LISTED = ("ads.example", "allowed.ads.example")
"""Each with all below it."""
NAMES = (
    *("tracker.example", "www.tracker.example", "good.tracker.example", "bad.good.tracker.example"),
    *("alone.example", "www.alone.example", "one.example", "www.one.example", "two.example"),
    *("bare.example", "ads.example", "x.ads.example", "allowed.ads.example", "www.example.com"),
    *("x.allowed.ads.example", "telegram.org", "web.telegram.org", "whatsapp.com", "x.com"),
)
OPEN, MIXED, PLAIN = "10.20.0.9", "10.30.0.9", "10.10.0.9"


def _read(content: str) -> OldSetup:
    return read_adguard(content.encode(), YAML, SERVICES)


def _is_below(name: str, *others: str) -> bool:
    return any(name == other or name.endswith(f".{other}") for other in others)


def _was_blocked(address: str, name: str) -> bool:
    """As AdGuard Home decides it with ``RULES``, written out."""
    if address != OPEN:
        if _is_below(name, "good.tracker.example") or name == "allowed.ads.example":
            return False
        if name in ("alone.example", "one.example", "two.example", "bare.example"):
            return True
        if _is_below(name, "tracker.example", *LISTED):
            return True
    services = ("whatsapp.com",) if address == OPEN else ("telegram.org", "x.com")
    return _is_below(name, *services)


def test_each_client_gets_what_it_got_before(tmp_path: Path) -> None:
    filters = tmp_path / "filter.txt"
    filters.write_text("||ads.example^\n", encoding="utf-8")
    old = _read(
        adguard(
            rules=RULES,
            filters=f"- enabled: true\n  url: {filters}\n  name: ads\n  id: 1",
            services=f"{NO_SCHEDULE}ids:\n  - telegram\n  - twitter",
            clients=client(
                "Public relations",
                ["10.20.0.0/16", "aa:bb:cc:dd:ee:ff"],
                own_settings=True,
                own_services=True,
                services=f"{NO_SCHEDULE}ids:\n  - whatsapp",
            )
            + client("Printer", ["10.30.0.9", "fd00:30::9"]),
        )
    )
    asked = explainer(tmp_path, old, STAFF)
    clients = (OPEN, MIXED, PLAIN, "fd00:30::9")
    assert outcomes(asked, clients, NAMES) == {
        f"{item} {name} {'blocked' if _was_blocked(item, name) else 'passed'}"
        for item in clients
        for name in NAMES
    }
    assert [item for item in old.left if "aa:bb:cc:dd:ee:ff" in item]


def _pauses(schedule: str, moment: dt.datetime) -> bool:
    """Whether services pause at a local time, as written in the texts."""
    day, time = moment.strftime("%a").lower(), moment.strftime("%H:%M")
    if schedule == OFFICE:
        return day in ("sat", "sun") and "07:30" <= time < "14:30"
    if day == "sun":
        return True
    return (day == "sat" and "12:00" <= time < "13:00") or (
        day == "mon" and "12:00" <= time < "13:30"
    )


@pytest.mark.parametrize(("schedule", "hours"), [(OFFICE, 1), (UNEVEN, 4)])
def test_services_are_blocked_outside_of_their_schedule(
    tmp_path: Path, schedule: str, hours: int
) -> None:
    old = _read(adguard(services=f"{schedule}ids:\n  - telegram"))
    assert len(old.hours) == hours
    asked = explainer(tmp_path, old, STAFF)
    begin = dt.datetime(2026, 9, 12, tzinfo=ZoneInfo("Asia/Tehran"))
    found = set()
    for step in range(7 * 48):
        moment = begin + dt.timedelta(minutes=30 * step)
        asked.advance(moment.timestamp())
        paused = _pauses(schedule, moment)
        expected = f"10.10.0.9 telegram.org {'passed' if paused else 'blocked'}"
        assert outcomes(asked, ["10.10.0.9"], ["telegram.org"]) == {expected}, moment
        found.add(paused)
    assert found == {True, False}


def test_rewrites_and_upstreams() -> None:
    old = _read(
        adguard(
            upstream=[
                "https://dns.example/dns-query",
                "# comment",
                "9.9.9.10 149.112.112.10:5353",
                "[/agency.internal/10.in-addr.arpa/]10.0.0.10 10.0.0.11",
                "[/agency.internal/]10.0.0.12",
                "[//]10.0.0.13",
                "[/public.agency.internal/]#",
            ],
            rewrites="\n".join(
                f"- domain: '{domain}'\n  answer: {answer}\n  enabled: {enabled}"
                for domain, answer, enabled in (
                    ("printer.internal", "10.0.0.30", "true"),
                    ("printer.internal", "fd00::30", "true"),
                    ("*.apps.internal", "10.0.0.40", "true"),
                    ("wiki.internal", "web.internal", "true"),
                    ("off.internal", "10.0.0.50", "false"),
                    ("except.internal", "A", "true"),
                    ("self.internal", "self.internal", "true"),
                    ("*bad*.internal", "10.0.0.60", "true"),
                    ("printer.internal", "web.internal", "true"),
                )
            ),
            clients=client("Lab", ["10.50.0.0/24"], upstreams=["10.0.0.99", "[/a.b/]10.0.0.98"]),
        )
    )
    read = tomllib.loads(text(old, STAFF))
    assert read["upstream"] == {
        "servers": ["9.9.9.10", "149.112.112.10:5353"],
        "bootstrap": ["9.9.9.10", "2620:fe::10"],
    }
    assert {item["zones"][0]: item["servers"] for item in read["forward"]} == {
        "agency.internal": ["10.0.0.10", "10.0.0.11", "10.0.0.12"],
        "10.in-addr.arpa": ["10.0.0.10", "10.0.0.11"],
    }
    assert {item["name"]: item["records"] for item in read["local"]} == {
        "printer.internal": ["A 10.0.0.30", "AAAA fd00::30"],
        "*.apps.internal": ["A 10.0.0.40"],
        "wiki.internal": ["CNAME web.internal"],
    }
    assert read["upstreams"] == {"imported-1": {"servers": ["10.0.0.99"]}}
    assert read["policies"]["lab"]["upstream"] == "imported-1"
    for said in ("https://", "[//]", "]#", "except", "self", "*bad*", "stands alone", "[/a.b/]"):
        assert [item for item in old.left if said in item], said


@pytest.mark.parametrize(
    "rule",
    [
        "||x.example^$important",
        "||x.example^$client='10.0.0.1'",
        "||x.example^$dnsrewrite=10.0.0.1",
        "@@||x.example^$dnstype=A",
        "/ad[0-9]+/",
        "||x.*^",
        "||x.example",
        "10.0.0.1 x.example",
        "||com^",
        "@@||x y^",
    ],
)
def test_a_rule_that_is_none_here_is_left_and_said(rule: str) -> None:
    old = _read(adguard(rules=[rule]))
    assert (old.default.allow, old.default.deny) == ((), ())
    assert [item for item in old.left if item.startswith(f"user rule {rule}: ")]


def test_what_does_not_exist_here_is_said() -> None:
    content = adguard(
        services=f"{NO_SCHEDULE}ids:\n  - netflix",
        clients=client("Guest", ["guest-id"], own_settings=True) + "  blocked_colours: []\n",
    )
    for what in ("tls", "dhcp"):
        content = content.replace(f"{what}:\n  enabled: false", f"{what}:\n  enabled: true")
    content = content.replace("safebrowsing_enabled: false\n\n", "safebrowsing_enabled: true\n\n")
    content = content.replace("blocking_mode: default", "blocking_mode: custom_ip")
    old = _read(content)
    for said in ("netflix", "guest-id", "blocked_colours", "tls", "DHCP", "browsing", "custom_ip"):
        assert [item for item in old.left if said in item], said


def test_limits_and_bogus_addresses_are_left_and_said() -> None:
    keys = "  ratelimit: 20\n  bogus_nxdomain:\n    - 198.51.100.7\n    - 10.10.34.0/24\n"
    old = _read(adguard().replace("  fallback_dns: []\n", f"  fallback_dns: []\n{keys}"))
    for said in ("dns.ratelimit 20 ", "dns.bogus_nxdomain 198.51.100.7, 10.10.34.0/24: "):
        assert [item for item in old.left if item.startswith(said)], said
    none = "  ratelimit: 0\n  bogus_nxdomain: []\n"
    assert _read(adguard().replace("  fallback_dns: []\n", none)).left == _read(adguard()).left


@pytest.mark.parametrize("form", ["file://{}", "{}"])
def test_a_list_whose_file_is_absent_is_left_and_the_others_come_over(
    tmp_path: Path, form: str
) -> None:
    there, absent = tmp_path / "there.txt", tmp_path / "absent.txt"
    there.write_text("||ads.example^\n", encoding="utf-8")
    filters = "\n".join(
        f"- enabled: true\n  url: {form.format(path)}\n  name: {path.stem}"
        for path in (absent, there)
    )
    old = _read(adguard(filters=filters))
    said = f"list {form.format(absent)}: there is no such file here. What it blocks passes here"
    assert [item for item in old.left if item.startswith(said)]
    asked = explainer(tmp_path, old, STAFF)
    assert outcomes(asked, [PLAIN], ["ads.example"]) == {f"{PLAIN} ads.example blocked"}


def test_protection_that_is_off_counts_and_blocks_nothing(tmp_path: Path) -> None:
    content = adguard(rules=["||tracker.example^"]).replace(
        "protection_enabled: true", "protection_enabled: false"
    )
    asked = explainer(tmp_path, _read(content), STAFF)
    found = outcomes(asked, [PLAIN], ["tracker.example"])
    assert found == {f"{PLAIN} tracker.example would_block"}


def test_the_blocking_mode_is_the_answer() -> None:
    content = adguard(rules=["||x.example^"]).replace("mode: default", "mode: nxdomain")
    read = tomllib.loads(text(_read(content), STAFF))
    assert read["policies"]["default"]["answer"] == "nxdomain"


def test_of_more_than_anybody_reads_the_number_is_said() -> None:
    old = _read(adguard(rules=[f"/{number}/" for number in range(1500)]))
    assert len(old.all_left) == 1001
    assert old.all_left[-1] == "500 more settings, which are not named here"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "expected an AdGuardHome.yaml"),
        ("- a\n- b\n", "expected an AdGuardHome.yaml"),
        ("a: [", "no YAML"),
        ("a: &x [1]\nb: *x\n", "line 2: an alias"),
        ("[" * 5000, "nested too deep"),
        ("a: 1", "no schema_version"),
        ("schema_version: 20", "too old"),
        ("schema_version: ٢٩", "no schema_version"),
        ("\x00", "no YAML"),
        (adguard(services="schedule:\n  sat:\n    start: 8h\n    end: 7h\nids: [x]"), "before"),
        (adguard(services="schedule:\n  sat:\n    start: 8x\n    end: 9h\nids: [x]"), "8x"),
        (adguard(services=f"{OFFICE}ids: [x]").replace("Asia/Tehran", "../x"), "no time zone"),
    ],
)
def test_what_cannot_be_read_is_refused(content: str, said: str) -> None:
    with pytest.raises(OldSetupError, match=said):
        _read(content)


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['false']", "!!binary aGk=", "!x y"]
)
def test_no_tag_makes_an_object(tag: str) -> None:
    old = _read(adguard().replace("port: 53", f"port: {tag}"))
    assert old.program == "AdGuard Home"
