"""``darban export``: configs of other programs, made of the shipped config."""

import subprocess
from pathlib import Path

from tests.live.commands import GOOD, NO, WRONG, darban
from tests.live.configs import replaced_once, shipped
from tests.live.programs import needed


def test_the_firewall_s_rules_are_good(ip_program: Path, tmp_path: Path) -> None:
    assert ip_program, "it needs a network namespace"
    (tmp_path / "config.toml").write_text(shipped(["127.0.0.1:5353"]), encoding="utf-8")
    exported = darban("export", "nftables", at=tmp_path)
    assert (exported.code, exported.err) == (GOOD, "")
    assert "149.154.160.0/20" in exported.out
    rules = tmp_path / "rules.nft"
    rules.write_text(exported.out, encoding="utf-8")
    command = ["unshare", "--net", needed("nft"), "--check", "--file", rules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_cannot_be_exported_is_told(tmp_path: Path) -> None:
    text = shipped(["127.0.0.1:5353"])
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    unknown = darban("export", "dnsmasq", at=tmp_path)
    assert unknown.code == WRONG
    assert "found the program 'dnsmasq'; expected one of knot, nftables" in unknown.err
    without = darban("export", "knot", at=tmp_path)
    assert without.code == WRONG
    assert "found no [publish] listen" in without.err


def test_nothing_is_written_where_an_expectation_fails(tmp_path: Path) -> None:
    """The server does not put such a policy in force; dnsdist takes a database at once."""
    text = replaced_once(shipped(["127.0.0.1:5353"]), "deny = []", 'deny = ["www.agency.example"]')
    expected = '[[expect]]\nclient = "127.0.10.5"\nname = "www.agency.example"\n'
    expected += 'outcome = "passed"\n'
    (tmp_path / "config.toml").write_text(text + expected, encoding="utf-8")
    exported = darban("export", "dnsdist", "--to", "dnsdist", at=tmp_path)
    assert (exported.code, exported.out) == (NO, "")
    assert "expectations that do not hold:" in exported.err
    assert not (tmp_path / "dnsdist").exists()
