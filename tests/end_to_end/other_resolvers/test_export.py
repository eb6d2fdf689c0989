"""``darban export``: configs of other programs, made of the shipped config."""

import datetime as dt
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.config.tables import FAR, exemption
from tests.live.commands import GOOD, NO, WRONG, darban
from tests.live.configs import replaced_once, shipped
from tests.live.programs import needed


def test_the_firewall_s_rules_are_good(ip_program: Path, tmp_path: Path) -> None:
    assert ip_program, "it needs a network namespace"
    (tmp_path / "config.toml").write_text(shipped(["127.0.0.1:5353"]), encoding="utf-8")
    exported = darban("export", "nftables", at=tmp_path)
    assert exported.code == GOOD
    assert "149.154.160.0/20" in exported.out
    [looser] = exported.err.splitlines()
    assert "[lists-in-nftables:administrative]: policies.administrative: found lists, " in looser
    assert looser.endswith(": looser: a firewall knows addresses and no names.")
    acknowledged = '[warnings]\nacknowledged = ["lists-in-nftables"]\n'
    with (tmp_path / "config.toml").open("a", encoding="utf-8") as config:
        config.write(acknowledged)
    assert not darban("export", "nftables", at=tmp_path).err
    rules = tmp_path / "rules.nft"
    rules.write_text(exported.out, encoding="utf-8")
    command = ("unshare", "--net", needed("nft"), "--check", "--file", rules)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_rules_that_reject_nothing_are_told_apart(tmp_path: Path) -> None:
    vlan = ("--vlan", "staff=127.0.10.0/24", "--listen", "127.0.0.1:5353")
    assert darban("init", "--audit", *vlan, tmp_path / "config.toml", at=tmp_path).code == GOOD
    exported = darban("export", "nftables", "--dns-server", "10.0.0.53", at=tmp_path)
    assert "ip saddr 127.0.10.0/24 accept" in exported.out
    told = "these rules reject nothing: no policy blocks anything now"
    assert told in exported.err.splitlines()


HOURS = """
[hours.office]
days = ["sat", "sun", "mon", "tue", "wed", "thu", "fri"]
from = "07:30"
to = "14:30"

[[exemptions]]
id = "office"
vlan = "administration"
services = ["whatsapp"]
hours = "office"
until = 2199-03-20T23:59:59+03:30
approver = "Head of PR"
ticket = "PR-1"
"""
VALID = r"valid until (.+) \([-0-9]+\): an exemption or hours begin or end then"


def test_the_firewall_s_rules_say_until_when_they_are_right(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(shipped(["127.0.0.1:5353"]) + HOURS, encoding="utf-8")
    exported = darban("export", "nftables", at=tmp_path)
    assert exported.code == GOOD, exported.err
    first, *rules = exported.out.splitlines()
    _is_a_boundary(first)
    (tmp_path / "config.toml").write_text(shipped(["127.0.0.1:5353"]), encoding="utf-8")
    always = darban("export", "nftables", at=tmp_path).out.splitlines()
    assert always == rules, "telegram has ranges, and WhatsApp none"


def _is_a_boundary(line: str) -> None:
    """Whether a line names the next moment at which the hours begin or end, or did just now."""
    found = re.fullmatch(f"# {VALID}", line)
    assert found, line
    moment = dt.datetime.fromisoformat(found[1])
    local = moment.astimezone(dt.timezone(dt.timedelta(hours=3.5)))
    assert local.time() in (dt.time(7, 30), dt.time(14, 30))
    assert abs(moment - dt.datetime.now(dt.UTC)) < dt.timedelta(hours=17)


def test_check_says_what_is_otherwise_in_the_zones(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    text = shipped(["127.0.0.1:5353"])
    config.write_text(text, encoding="utf-8")
    assert "-in-zones" not in darban("check", at=tmp_path).out
    config.write_text(text + '[publish]\nlisten = ["127.0.0.1:8053"]\n', encoding="utf-8")
    done = darban("check", at=tmp_path)
    assert done.code == GOOD
    assert "warning [ipv4-ranges-in-zones:administrative]: policies.administrative" in done.out
    assert "VLAN administration: zones: ipv4-ranges, ipv6-ranges: looser: addresses in" in done.out
    known = 'acknowledged = ["ipv4-ranges-in-zones:administrative"]'
    config.write_text(
        f'{text}[publish]\nlisten = ["127.0.0.1:8053"]\n[warnings]\n{known}\n', encoding="utf-8"
    )
    assert "ipv4-ranges" not in darban("check", at=tmp_path).out


@pytest.mark.parametrize(
    ("of", "kind"),
    [
        ({"prefixes": ("127.0.10.7/32",)}, "exemptions-by-prefix"),
        ({"vlan": "administration"}, "exemptions-by-vlan"),
    ],
)
def test_an_exemption_that_opens_aliases_for_others_on_unbound_is_named(
    tmp_path: Path, of: dict[str, Any], kind: str
) -> None:
    publish = '[publish]\nlisten = ["127.0.0.1:8053"]\n'
    granted = exemption("pr", "@messenger", until=FAR, **of)
    said = "passes for all clients of the policy, until its TTL ends"
    config = tmp_path / "config.toml"
    config.write_text(shipped(["127.0.0.1:5353"]) + publish, encoding="utf-8")
    assert said not in darban("check", at=tmp_path).out
    config.write_text(shipped(["127.0.0.1:5353"]) + publish + granted, encoding="utf-8")
    checked = darban("check", at=tmp_path)
    exported = darban("export", "unbound", "--to", "unbound", at=tmp_path)
    for text in (checked.out, exported.err):
        assert f"[{kind}-in-unbound:administrative]" in text
        assert said in text
    bind = '[publish.secondaries.tehran]\naddress = "10.0.0.9"\n'
    config.write_text(shipped(["127.0.0.1:5353"]) + publish + bind + granted, encoding="utf-8")
    assert "unbound" not in darban("check", at=tmp_path).out


def test_what_cannot_be_exported_is_told(tmp_path: Path) -> None:
    text = shipped(["127.0.0.1:5353"])
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    unknown = darban("export", "dnsmasq", at=tmp_path)
    assert unknown.code == WRONG
    assert "found the program 'dnsmasq'; expected one of knot, nftables" in unknown.err
    without = darban("export", "knot", at=tmp_path)
    assert without.code == WRONG
    assert "found no [publish] listen" in without.err


def test_what_is_exported_follows_no_link_of_the_directory(tmp_path: Path) -> None:
    """Its owner may be another service, and the one who exports is root."""
    (tmp_path / "config.toml").write_text(shipped(["127.0.0.1:5353"]), encoding="utf-8")
    feeds = ("export", "feeds", "--to", "feeds")
    assert darban(*feeds, at=tmp_path).code == GOOD
    assert darban(*feeds, at=tmp_path).out == "", "nothing has changed"
    of_root, file = tmp_path / "of-root", tmp_path / "feeds" / "telegram" / "ranges.txt"
    of_root.write_text("of root", encoding="utf-8")
    of_root.chmod(0o600)
    file.unlink()
    file.symlink_to(of_root)
    done = darban(*feeds, at=tmp_path)
    assert (done.code, "ranges.txt: it is a link" in done.err) == (WRONG, True)
    file.unlink()
    os.mkfifo(file)  # whose reader waits for ever
    assert darban(*feeds, at=tmp_path).out == "wrote feeds/telegram/ranges.txt\n"
    assert (of_root.read_text(), stat.S_IMODE(of_root.stat().st_mode)) == ("of root", 0o600)


def test_nothing_is_written_where_an_expectation_fails(tmp_path: Path) -> None:
    """The server does not put such a policy in force; an engine would take its files."""
    text = replaced_once(shipped(["127.0.0.1:5353"]), "deny = []", 'deny = ["www.agency.example"]')
    expected = '[[expect]]\nclient = "127.0.10.5"\nname = "www.agency.example"\n'
    expected += 'outcome = "passed"\n'
    publish = '[publish]\nlisten = ["127.0.0.1:8053"]\n'
    (tmp_path / "config.toml").write_text(text + publish + expected, encoding="utf-8")
    for program in (("unbound", "--to", "unbound"), ("nftables",)):
        exported = darban("export", *program, at=tmp_path)
        assert (exported.code, exported.out) == (NO, "")
        assert "expectations that do not hold:" in exported.err
    assert not (tmp_path / "unbound").exists()
