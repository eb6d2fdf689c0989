"""The week of a Debian and of a Windows server becomes an ``allow``.

From the recording to the policy by the commands alone, as an operator does it.
docs/how-to/allow-lists.md says what is found here.
"""

import json
import re
from pathlib import Path

import pytest

from tests.live.commands import GOOD, NO, darban, diff
from tests.live.configs import BLOCKLISTS
from tests.live.server_weeks import LATER, WEEKS, asked

pytestmark = pytest.mark.core

BEFORE = f"""
[lists]
directories = ["{BLOCKLISTS}"]
[upstream]
servers = ["192.0.2.53"]
[[forward]]
zones = ["agency.internal", "10.in-addr.arpa"]
servers = ["10.0.0.10"]
[policies.servers]
block = ["@messenger", "@encrypted-dns"]
[vlans.debian]
prefixes = ["10.70.0.0/24"]
policy = "servers"
[vlans.windows]
prefixes = ["10.80.0.0/24"]
policy = "servers"
"""


SERVICES = {
    "debian": ["time", "clamav", "debian", "certificate-revocation"],
    "windows": ["windows-update", "microsoft-defender", "time", "certificate-revocation"],
}
"""Those of updates that each week has."""
DOMAINS = {
    "debian": "agency.example in-addr.arpa postgresql.org fastlydns.net docker.com letsencrypt.org "
    "raw.githubusercontent.com github.com",
    "windows": "windows.com msn.com bing.com |v10.events.data.microsoft.com^ |login.live.com^ "
    "|self.events.data.microsoft.com^ |umwatson.events.data.microsoft.com^ |go.microsoft.com^ "
    "|settings-win.data.microsoft.com^ |edge.microsoft.com^ |licensing.mp.microsoft.com^ "
    "|displaycatalog.mp.microsoft.com^ |config.edge.skype.com^ "
    "|activation-v2.sls.microsoft.com^ |validation-v2.sls.microsoft.com^",
}
"""What a person makes of the other names."""


def _allowing(allow: dict[str, list[str]]) -> str:
    """The config in which each VLAN has a policy with this ``allow``."""
    text = BEFORE
    for vlan, entries in allow.items():
        text = text.replace(
            f"[vlans.{vlan}]",
            f'[policies.{vlan}]\ndefault = "block"\nallow = {json.dumps(entries)}\n[vlans.{vlan}]',
        )
        text = re.sub(rf"(\[vlans.{vlan}\]\n.*\npolicy =) .*", rf'\1 "{vlan}"', text)
    return text


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With before.toml, week.tsv, closed.toml, which opens nothing, and after.toml."""
    at = tmp_path_factory.mktemp("weeks")
    (at / "before.toml").write_text(BEFORE, encoding="utf-8")
    (at / "closed.toml").write_text(_allowing({vlan: [] for vlan in WEEKS}), encoding="utf-8")
    allow = {vlan: [*SERVICES[vlan], *DOMAINS[vlan].split()] for vlan in WEEKS}
    (at / "after.toml").write_text(_allowing(allow), encoding="utf-8")
    _record(at / "week.tsv", {vlan: dict(asked(week)) for vlan, week in WEEKS.items()})
    return at


def _record(file: Path, vlans: dict[str, dict[str, int]]) -> None:
    head = '# darban record 1 {"began": "2026-11-21T08:00:00Z", "minutes": 10080.0, "vlans": []}'
    rows = [f"{vlan}\t{n}\tA\t{times}" for vlan, of in vlans.items() for n, times in of.items()]
    file.write_text("\n".join([head, *rows, ""]), encoding="utf-8")


def _blocked(directory: Path, file: str) -> dict[str, list[str]]:
    """The names of a recording that passed before and do not afterwards, by VLAN."""
    found = diff("before.toml", "after.toml", "--queries", file, at=directory)["questions"]
    return {
        vlan: [
            name["name"]
            for change in found["changed"]
            if (change["vlan"], change["old"]) == (vlan, "passed")
            for name in change["names"]
        ]
        for vlan in WEEKS
    }


def test_the_config_is_good(directory: Path) -> None:
    done = darban("check", "--config", "after.toml", at=directory)
    assert done.code == GOOD, done.out


def test_the_diff_shows_services_and_other_names(directory: Path) -> None:
    changed = diff("before.toml", "closed.toml", "--queries", "week.tsv", at=directory)[
        "questions"
    ]["changed"]
    shown = {(item["vlan"], item["service"]): len(item["names"]) for item in changed}
    by_vlan = {vlan: {service for of, service in shown if of == vlan and service} for vlan in WEEKS}
    assert by_vlan["debian"] == set(SERVICES["debian"])
    assert by_vlan["windows"] == {*SERVICES["windows"], "captive-portals"}
    assert (shown["debian", ""], shown["windows", ""]) == (10, 15)


def test_what_the_week_has_passes_but_for_services_that_a_person_opens(directory: Path) -> None:
    assert _blocked(directory, "week.tsv") == {
        "debian": [],
        "windows": ["dns.msftncsi.com", "www.msftconnecttest.com"],
    }


def test_what_updates_ask_later_passes_and_other_names_do_not(directory: Path) -> None:
    later = {vlan: dict.fromkeys(names.split(), 1) for vlan, names in LATER.items()}
    _record(directory / "later.tsv", later)
    assert _blocked(directory, "later.tsv") == {
        "debian": [
            *("deb.nodesource.com", "popcon.debian.org", "objects.githubusercontent.com"),
            *("metadata.ftp-master.debian.org", "packages.debian.org", "snapshot.debian.org"),
        ],
        "windows": ["aka.ms", "download.visualstudio.microsoft.com", "officecdn.microsoft.com"],
    }


def test_audit_shows_what_would_be_blocked(directory: Path) -> None:
    text = (directory / "after.toml").read_text(encoding="utf-8")
    audited = text.replace('default = "block"', 'default = "block"\nmode = "audit"')
    (directory / "audited.toml").write_text(audited, encoding="utf-8")
    asked = ("--config", "audited.toml", "--vlan", "windows", "--json")
    told = darban("explain", *asked, "unlisted.example.org", at=directory)
    assert (told.code, told.json["outcome"], told.json["rule"]) == (GOOD, "would_block", "default")
    (directory / "enforced.toml").write_text(text, encoding="utf-8")
    asked = ("--config", "enforced.toml", "--vlan", "windows", "--json")
    told = darban("explain", *asked, "unlisted.example.org", at=directory)
    assert (told.code, told.json["outcome"], told.json["rule"]) == (NO, "blocked", "default")
