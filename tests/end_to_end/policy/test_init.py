"""``darban init``: a config from the command line, which a server then serves."""

from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, WRONG, darban
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
    assert "errors 0, warnings 0, expectations: 6 of 6 hold" in check.out

    with servers(tmp_path) as make:
        text = config.read_text(encoding="utf-8")
        server: Server = make(f'{text}\n[metrics]\nlisten = "127.0.0.1:{metrics}"\n').start()
        for client, name, address in (
            ("127.0.10.5", "web.telegram.org", "0.0.0.0"),
            ("127.0.10.5", "eitaa.com", ANY_V4),
            ("127.0.20.5", "web.telegram.org", ANY_V4),
        ):
            answer = ask(server.port, name, client=client)
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
    assert 'directories = ["blocklists"]' in text
    assert 'mode = "audit"' in text


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
