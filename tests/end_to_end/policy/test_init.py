"""``darban init``: a config from the command line, which a server then serves."""

import re
from pathlib import Path

import pytest

from tests.darban_import.adguard_texts import adguard, client
from tests.darban_import.gravity import PiHole
from tests.live.clients import ask
from tests.live.commands import GOOD, NO, WRONG, darban
from tests.live.configs import BLOCKLISTS
from tests.live.nsd import ANY_V4
from tests.live.ports import free_port
from tests.live.server import Server, servers

VLANS = (
    *("--vlan", "administration=127.0.10.0/24,fd00:10::/64"),
    *("--vlan", "publicity=127.0.20.0/24,fd00:20::/64", "--open", "publicity"),
)


def test_a_server_with_the_new_config_blocks_and_passes(tmp_path: Path, upstream: str) -> None:
    config = tmp_path / "made.toml"
    port, metrics = free_port(), free_port()
    listen = ("--listen", f"127.0.0.1:{port}", "--contact", "noc@agency.example")
    done = darban("init", config, *VLANS, "--upstream", upstream, *listen, at=tmp_path)
    assert done.code == GOOD, done.err
    assert f"darban run --config {config}\n" in done.out
    assert f"dig @127.0.0.1 -b 127.0.10.5 -p {port} web.telegram.org\n" in done.out
    check = darban("check", config, at=tmp_path)
    assert check.code == GOOD
    assert "errors 0, warnings 0, expectations: 7 of 7 hold" in check.out

    opened = config.read_text(encoding="utf-8").replace("allow = []", 'allow = ["t.me"]')
    (tmp_path / "opened.toml").write_text(opened, encoding="utf-8")
    check = darban("check", "opened.toml", at=tmp_path)
    assert check.code == NO
    assert "every name of @messenger on VLAN administration: expected blocked" in check.out
    assert "expectations: 6 of 7 hold" in check.out

    with servers(tmp_path) as make:
        text = config.read_text(encoding="utf-8")
        server: Server = make(f'{text}\n[metrics]\nlisten = "127.0.0.1:{metrics}"\n').start()
        for source, name, address in (
            ("127.0.10.5", "web.telegram.org", "0.0.0.0"),
            ("127.0.10.5", "eitaa.com", ANY_V4),
            ("127.0.20.5", "web.telegram.org", ANY_V4),
        ):
            answer = ask(server.port, name, client=source)
            assert answer is not None
            assert [str(record.rdata) for record in answer.rr] == [address]
        assert server.stop().code == 0
        server.check_log()


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    done = darban("init", "config.toml", *VLANS, "--listen", "127.0.0.1", at=tmp_path)
    assert (done.code, (tmp_path / "config.toml").read_text("utf-8")) == (WRONG, "")
    assert done.err.startswith("config.toml exists, and stays as it is.")
    assert "add another file to this command, such as new.toml" in done.err


def test_beside_a_config_the_new_one_is_served_and_not_reloaded(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    (tmp_path / "blocklists").symlink_to(BLOCKLISTS)
    done = darban("init", "new.toml", *VLANS, "--listen", "127.0.0.1", "--audit", at=tmp_path)
    assert done.code == GOOD, done.err
    assert "darban run --config new.toml\n" in done.out
    text = (tmp_path / "new.toml").read_text("utf-8")
    schema, path = text.partition("\n")[0].split(" ", 1)
    assert (schema, Path(path).is_file()) == ("#:schema", True)
    assert 'directories = ["blocklists"]' in text
    assert 'mode = "audit"' in text
    assert '\n# services = ["@messenger"]\n' in text, "nothing is blocked yet"


def test_a_config_under_audit_enforces_after_the_edits_that_the_page_names(tmp_path: Path) -> None:
    """docs/how-to/switch-vlan.md, "Enforce"."""
    done = darban("init", "new.toml", *VLANS, "--listen", "127.0.0.1", "--audit", at=tmp_path)
    assert done.code == GOOD, done.err
    text = (tmp_path / "new.toml").read_text("utf-8")
    text = text.replace('mode = "audit"', 'mode = "enforce"').replace('"would_block"', '"blocked"')
    text = re.sub(r"^# (?=.* every messenger|vlan =|services =|outcome =)", "", text, flags=re.M)
    (tmp_path / "ali.toml").write_text(text, encoding="utf-8")
    check = darban("check", "ali.toml", at=tmp_path)
    assert "errors 0, warnings 0, expectations: 7 of 7 hold" in check.out
    assert check.code == GOOD


def test_a_vlan_inside_of_another_has_its_own_policy(tmp_path: Path) -> None:
    nested = ("--vlan", "staff=10.10.0.0/16", "--vlan", "press=10.10.0.0/24", "--open", "press")
    done = darban("init", "new.toml", *nested, "--listen", "127.0.0.1", at=tmp_path)
    assert done.code == GOOD, done.err
    assert "warning [nested-open-vlan:press]" in done.out


def test_it_listens_where_this_host_reaches_the_vlans(tmp_path: Path) -> None:
    done = darban("init", "new.toml", "--vlan", "staff=127.0.10.0/24", at=tmp_path)
    assert done.code == GOOD, done.err
    assert 'listen = ["127.0.0.1:53"]' in (tmp_path / "new.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--vlan", "staff"), "--vlan staff: the VLAN has no prefix"),
        (("--vlan", "a=10.0.0.0/8", "--vlan", "a=10.0.0.0/8"), "the VLAN is given twice"),
        (("--vlan", "a=10.0.0.1/8"), "--vlan a: 10.0.0.1/8 has host bits set"),
        (("--vlan", "staff=10.0.0.0/8", "--open", "stuff"), 'Did you mean "staff"?'),
        (("--vlan", "a b=10.0.0.0/8"), 'darban init: vlans."a b": found "a b"; expected'),
        (("--vlan", "a=10.0.0.0/8", "--vlan", "b=10.0.0.0/8"), "darban init: vlans.b.prefixes"),
        (("--vlan", "a=10.0.0.0/8", "--contact", "a\nb"), "policies.administrative.contact"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = darban("init", "new.toml", *arguments, "--listen", "127.0.0.1", at=tmp_path)
    assert done.code == WRONG
    assert said in done.err
    assert list(tmp_path.iterdir()) == []


def _gravity(path: Path) -> None:
    PiHole(
        groups={1: ("guests", True)},
        domains=[(1, "tracker.example", [0]), (3, r"^ad[0-9]+\.", [0])],
        clients=[("10.20.0.0/16", [1]), ("aa:bb:cc:dd:ee:ff", [1])],
    ).save(path)


@pytest.mark.parametrize("option", ["--from-pihole", "--from-adguard"])
def test_a_config_from_another_resolver(tmp_path: Path, option: str) -> None:
    old = tmp_path / "old"
    if option == "--from-pihole":
        _gravity(old)
    else:
        guests = client("guests", ["10.20.0.0/16", "aa:bb:cc:dd:ee:ff"], own_settings=True)
        rules = ["|tracker.example^", r"/^ad[0-9]+\./"]
        old.write_text(adguard(rules=rules, clients=guests), encoding="utf-8")
    given = ("--vlan", "staff=10.10.0.0/16", "--listen", "127.0.0.1")
    done = darban("init", "new.toml", option, old, *given, at=tmp_path)
    assert done.code == GOOD, done.err
    for said in (r"^ad[0-9]+\.", "aa:bb:cc:dd:ee:ff"):
        assert said in done.out
        assert said in (tmp_path / "new.toml").read_text("utf-8")
    check = darban("check", "new.toml", at=tmp_path)
    assert check.code == GOOD
    assert "errors 0" in check.out
    for address, code in (("10.10.0.9", 1), ("10.20.0.9", 0)):
        asked = ("explain", address, "tracker.example", "--config", "new.toml")
        assert darban(*asked, at=tmp_path).code == code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say --vlan NAME=PREFIX,..."),
        (("--from-pihole", "a", "--from-adguard", "b"), "say one of --from-pihole and"),
        (("--from-pihole", "missing.db"), "missing.db cannot be read (No such file or directory)"),
        (("--from-adguard", "."), ". cannot be read"),
    ],
)
def test_what_is_wrong_about_old_settings_is_said(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = darban("init", "new.toml", *arguments, "--listen", "127.0.0.1", at=tmp_path)
    assert done.code == WRONG
    assert said in done.err


def test_a_gravity_db_that_is_written_now_is_refused(tmp_path: Path) -> None:
    _gravity(tmp_path / "gravity.db")
    (tmp_path / "gravity.db-wal").write_bytes(b"x")
    done = darban("init", "new.toml", "--from-pihole", "gravity.db", at=tmp_path)
    assert done.code == WRONG
    assert "Pi-hole writes it now (gravity.db-wal)" in done.err
