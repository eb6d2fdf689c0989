"""The week of a Debian and of a Windows server becomes an ``allow``.

From the recording to the policy by the commands alone, as an operator does it.
docs/how-to/allow-lists.md says what is found here.
"""

import re
from pathlib import Path

import pytest

from tests.live.commands import GOOD, NO, darban, diff
from tests.live.configs import BLOCKLISTS
from tests.live.server_weeks import LATER, WEEKS, asked, noise

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


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With before.toml, week.tsv, and after.toml, in which each VLAN has its allow."""
    at = tmp_path_factory.mktemp("weeks")
    (at / "before.toml").write_text(BEFORE, encoding="utf-8")
    _record(at / "week.tsv", {vlan: dict(asked(week)) for vlan, week in WEEKS.items()})
    done = darban("lists", "suggest", "week.tsv", "--allow", "--config", "before.toml", at=at)
    assert done.code == GOOD, done.err
    parts = re.split(r"(?m)^# VLAN (\w+), .*$", done.out)[1:]
    after = BEFORE
    for vlan, allow in zip(parts[::2], parts[1::2], strict=True):
        after += f'[policies.{vlan}]\ndefault = "block"\n{allow}\n'
        after = re.sub(rf"(\[vlans.{vlan}\]\n.*\npolicy =) .*", rf'\1 "{vlan}"', after)
    (at / "after.toml").write_text(after, encoding="utf-8")
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


def test_it_can_be_pasted(directory: Path) -> None:
    done = darban("check", "--config", "after.toml", at=directory)
    assert done.code == GOOD, done.out


def test_what_the_week_has_passes_but_for_services_that_a_person_opens(directory: Path) -> None:
    assert _blocked(directory, "week.tsv") == {
        "debian": [],
        "windows": ["dns.msftncsi.com", "www.msftconnecttest.com"],
    }
    text = (directory / "after.toml").read_text(encoding="utf-8")
    assert '\n  # "captive-portals",  # 672 queries' in text
    assert '\n  # "telegram",  # 2 queries for 1 name: api.telegram.org' in text


def test_entries_are_few(directory: Path) -> None:
    done = darban(
        *("lists", "suggest", "week.tsv", "--allow", "--config", "before.toml", "--json"),
        at=directory,
    )
    found = {item["vlan"]: item for item in done.json["needed"]}
    assert {vlan: len(item["domains"]) for vlan, item in found.items()} == {
        "debian": 8,
        "windows": 15,
    }
    opened = {vlan: set(item["services"]) for vlan, item in found.items()}
    assert opened == {
        "debian": {"time", "clamav", "debian", "certificate-revocation"},
        "windows": {"windows-update", "microsoft-defender", "time", "certificate-revocation"},
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


def test_names_of_a_browser_need_lines_of_their_own_that_a_person_takes_out(
    directory: Path,
) -> None:
    week = {**dict.fromkeys(noise(), 1), **dict(asked(WEEKS["windows"]))}
    _record(directory / "browsed.tsv", {"windows": week})
    more = ("--allow", "--vlan", "windows", "--config", "before.toml", "--json")
    [found] = darban("lists", "suggest", "browsed.tsv", *more, at=directory).json["needed"]
    once = {entry for entry, names in found["domains"].items() if sum(names.values()) == 1}
    before = darban("lists", "suggest", "week.tsv", *more, at=directory).json["needed"]
    assert once
    assert once.isdisjoint(before[0]["domains"])


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
