"""A start with a config that is wrong, or whose expectations fail, from the last good snapshot."""

from collections.abc import Callable, Iterator

import pytest

from tests.live.clients import ask
from tests.live.commands import NO, WRONG, darban
from tests.live.configs import edited, small
from tests.live.nsd import ANY_V4
from tests.live.reloading import BROKEN, DENY, OPEN, data, reload, restored
from tests.live.server import Server
from tests.live.waiting import wait_for

MakeSmall = Callable[..., Server]

EXPECT = """
[[expect]]
client = "127.0.10.5"
name = "web.telegram.org"
outcome = "blocked"
"""


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(small([upstream]))


@pytest.fixture
def server(lasting: Server) -> Iterator[Server]:
    """A server that runs with its first config; a test may end it, and start it otherwise."""
    with restored(lasting) as server:
        yield server
        server.options = []


def test_the_last_good_snapshot_is_served_where_the_config_is_broken(server: Server) -> None:
    good, logged = reload(server, "--json").json["snapshot"], len(server.err)
    assert server.stop().code == 0
    edited(server.config, DENY, OPEN + EXPECT)
    server.launch()
    ended = server.ended()
    assert ended.code == NO
    who = "127.0.10.5 (VLAN administration, policy administrative)"
    said = f"web.telegram.org A from {who}: expected blocked, got passed: no rule of policy"
    assert said in ended.err[logged:]
    assert darban("check", at=server.directory).code == NO

    printed = len(server.out)
    server.options = ["--last-good"]
    server.expect_error("the last good snapshot, .*, is served instead")
    server.start()
    new = server.err[len(ended.err) :]
    assert "config.toml is not put in force" in new
    assert said in new
    assert "NOT in force" in server.out[printed:]
    assert data(server, "web.telegram.org") == {"0.0.0.0"}
    assert server.scrape().value("darban_config_ok") == 0
    assert server.scrape().value("darban_snapshot_info", hash=str(good)) == 1

    edited(server.config, OPEN + EXPECT, DENY + EXPECT)
    assert "nothing has changed" in reload(server).out
    assert server.scrape().value("darban_config_ok") == 1


@pytest.mark.parametrize("output", [">/dev/full 2>&1", ">&- 2>&-"], ids=["full", "closed"])
def test_a_server_serves_though_nothing_it_says_can_be_written(server: Server, output: str) -> None:
    assert server.stop().code == 0
    good = server.config.read_text(encoding="utf-8")
    server.options = ["--last-good"]
    server.through = ["sh", "-c", f'exec "$@" {output}', "sh"]
    for config in (good, BROKEN):
        server.config.write_text(config, encoding="utf-8")
        server.launch()
        wait_for(lambda: ask(server.port, "agency.example", seconds=1) is not None, "it serves")
        assert data(server, "web.telegram.org") == {"0.0.0.0"}
        assert server.stop().code == 0
    server.through = []
    server.config.write_text(good, encoding="utf-8")


def test_no_last_good_snapshot(make_small: MakeSmall) -> None:
    server = make_small()
    server.options = ["--last-good"]
    edited(server.config, DENY, BROKEN)
    server.launch()
    ended = server.ended()
    assert ended.code == WRONG
    assert 'Did you mean "deny"?' in ended.err
    assert "there is no last good snapshot" in ended.err


def test_last_good_of_a_config_that_is_good_is_a_plain_start(server: Server) -> None:
    assert server.stop().code == 0
    server.options = ["--last-good"]
    edited(server.config, DENY, OPEN)
    server.start()
    assert data(server, "web.telegram.org") == {ANY_V4}
    assert server.scrape().value("darban_config_ok") == 1


def test_a_last_good_snapshot_that_was_harmed_is_not_served(server: Server) -> None:
    assert server.stop().code == 0
    logged, terms = len(server.err), server.state / "last-good" / "terms.json"
    terms.write_bytes(terms.read_bytes().replace(b"web", b"wob"))
    edited(server.config, DENY, BROKEN)
    server.options = ["--last-good"]
    server.launch()
    ended = server.ended()
    assert ended.code == WRONG
    assert "is damaged" in ended.err[logged:]


def test_a_policy_turned_around_is_refused_everywhere(make_shipped: Callable[..., Server]) -> None:
    """The shipped config has an expectation for each clause of the directives."""
    server = make_shipped(workers=1)
    server.start()
    text = server.config.read_text(encoding="utf-8")
    table = "[vlans.administration]"
    before, _, after = text.partition(table)
    turned = after.replace('policy = "administrative"', 'policy = "publicity"', 1)
    server.config.write_text(before + table + turned, encoding="utf-8")
    server.expect_error("reload by|expectations that|config.toml|the last good snapshot")
    who = "web.telegram.org A from 127.0.10.5 (VLAN administration, policy publicity)"
    why = f"{who}: expected blocked as telegram, got passed: no rule of policy publicity covers"
    for command in ("check", "reload"):
        done = darban(command, at=server.directory)
        assert done.code == NO
        assert why in done.out
        assert done.out.count("expected blocked") == 5
    assert data(server, "web.telegram.org") == {"0.0.0.0"}
    server.stop()
    server.launch()
    ended = server.ended()
    assert ended.code == NO
    assert why in ended.err
    server.options = ["--last-good"]
    server.start()
    assert server.err.count(why) == 3
    assert "the last good snapshot" in server.err
    assert data(server, "web.telegram.org") == {"0.0.0.0"}
