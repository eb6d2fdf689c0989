"""``darban blocked`` at a real server: what it prints opens the name."""

import shlex
from collections.abc import Callable

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, WRONG, Done, darban
from tests.live.configs import edited, shipped
from tests.live.server import Server
from tests.live.waiting import wait_for

pytestmark = pytest.mark.real_clock

MORE = """
[policies.closed]
default = "block"
block = ["telegram"]
deny = ["denied.example"]
[vlans.closed]
prefixes = ["127.0.40.0/24"]
policy = "closed"
[policies.trial]
block = ["@messenger"]
mode = "audit"
[vlans.trial]
prefixes = ["127.0.30.0/24"]
policy = "trial"
[block_log]
enabled = true
client = "address"
"""


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(shipped([upstream], workers=1) + MORE)


def _asked(server: Server, client: str, *names: str) -> None:
    log = server.state / "blocks.jsonl"
    before = log.read_text("utf-8").count("\n") if log.exists() else 0
    for name in names:
        assert ask(server.port, name, client=client) is not None
    wait_for(
        lambda: log.exists() and log.read_text("utf-8").count("\n") == before + len(names),
        "the lines are written",
    )


def _blocked(server: Server, *words: str) -> Done:
    return darban("blocked", *words, at=server.directory)


def _opening(server: Server, client: str, name: str) -> str:
    rows = _blocked(server, client, "--json").json["names"]
    return str(next(row["open"] for row in rows if row["name"] == name))


@pytest.mark.parametrize("name", ["web.telegram.org", "alias.scene", "range.scene"])
def test_the_exemption_that_is_shown_opens_the_name(server: Server, name: str) -> None:
    client = "127.0.10.5"
    _asked(server, client, name)
    words = shlex.split(_opening(server, client, name))
    assert words[:4] == ["darban", "exempt", client, "telegram"]
    assert darban(*words[1:], at=server.directory).code == GOOD
    explained = darban("explain", client, name, "--live", "--json", at=server.directory).json
    assert explained["outcome"] == "exempted"
    assert _opening(server, client, name).startswith("not blocked now (exempted): exemption")


@pytest.mark.parametrize("name", ["a.denied.example", "other.example"])
def test_the_allow_that_is_shown_opens_the_name(server: Server, name: str) -> None:
    client = "127.0.40.5"
    _asked(server, client, name)
    line, _, rest = _opening(server, client, name).partition(" in ")
    assert rest == "[policies.closed], then darban reload"
    edited(server.config, "[policies.closed]\n", f"[policies.closed]\n{line}\n")
    assert darban("reload", at=server.directory).code == GOOD
    assert darban("explain", client, name, at=server.directory).code == GOOD


def test_what_deny_names_itself_is_to_be_taken_out(server: Server) -> None:
    _asked(server, "127.0.40.6", "denied.example")
    line = 'take "denied.example" out of deny in [policies.closed], or in what it extends, '
    line += "then darban reload"
    assert _opening(server, "127.0.40.6", "denied.example") == line
    edited(server.config, 'deny = ["denied.example"]', 'allow = ["denied.example"]')
    assert darban("reload", at=server.directory).code == GOOD
    assert darban("explain", "127.0.40.6", "denied.example", at=server.directory).code == GOOD


def test_what_is_only_counted_is_said_to_pass(server: Server) -> None:
    _asked(server, "127.0.30.5", "wa.me", "wa.me")
    done = _blocked(server, "trial")
    assert done.code == GOOD
    assert "     2  would_block  wa.me  whatsapp\n" in done.out
    assert "not blocked now (would_block): policy trial counts the service" in done.out
    assert "the block log begins " in done.err
    assert "0 queries" in _blocked(server, "127.0.30.9").out


def test_an_address_is_refused_where_the_log_has_vlans(server: Server) -> None:
    edited(server.config, 'client = "address"', 'client = "vlan"')
    assert darban("reload", at=server.directory).code == GOOD
    done = _blocked(server, "127.0.10.5")
    assert done.code == WRONG
    assert "of a client it has only the VLAN" in done.err
    assert "darban blocked administration" in done.err
    assert _blocked(server, "administration").code == GOOD


def test_where_it_is_off_it_says_how_to_turn_it_on(server: Server) -> None:
    edited(server.config, "enabled = true", "enabled = false")
    assert darban("reload", at=server.directory).code == GOOD
    done = _blocked(server, "administration")
    assert done.code == WRONG
    assert '"enabled = true" in [block_log]' in done.err
    assert "a record of persons" in done.err
    assert darban("explain", "127.0.10.5", "t.me", at=server.directory).code == NO
