"""A start with a config that is wrong, or whose expectations fail, from the last good snapshot."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, WRONG, darban
from tests.live.configs import edited, small
from tests.live.nsd import ANY_V4
from tests.live.reloading import BROKEN, DENY, EXPECT, OPEN, data, reload, restored, snapshots
from tests.live.server import Server
from tests.live.waiting import wait_for
from tests.programs.chaos.service_manager import ServiceManager, kill
from tests.snapshot.next_release import CHANGES, save_as_next_release

pytestmark = pytest.mark.core

MakeSmall = Callable[..., Server]


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

    edited(server.config, OPEN + EXPECT, DENY)
    assert "nothing has changed" in reload(server).out
    assert server.scrape().value("darban_config_ok") == 1


@pytest.mark.parametrize("output", [">/dev/full 2>&1", ">&- 2>&-"], ids=["full", "closed"])
def test_a_server_serves_though_nothing_it_says_can_be_written(server: Server, output: str) -> None:
    assert server.stop().code == 0
    good = server.config.read_text(encoding="utf-8")
    server.options = ["--last-good"]
    buffered = ["env", "-u", "PYTHONUNBUFFERED"]
    server.through = [*buffered, "sh", "-c", f'exec "$@" {output}', "sh"]
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


@pytest.mark.parametrize("what", CHANGES)
def test_where_the_next_release_has_saved_the_last_good_snapshot_the_config_is_compiled(
    server: Server, what: str
) -> None:
    assert server.stop().code == 0
    change, says = CHANGES[what]
    path = save_as_next_release(server.state, change)
    logged = len(server.err)
    server.options = ["--last-good"]
    server.start()
    told = server.err[logged:]
    said = rf"WARNING .*: {path}: .* another version of Darban wrote it \({says}\); the config was"
    assert re.search(said, told), told
    assert data(server, "web.telegram.org") == {"0.0.0.0"}
    assert server.scrape().value("darban_config_ok") == 1
    assert (server.state / "last-good").resolve() != path


def _harm(snapshot: Path) -> None:
    rules = snapshot / "index.rules"
    rules.write_bytes(rules.read_bytes()[:-1] + b"\x01")


def test_where_the_last_good_snapshot_was_harmed_an_older_one_is_served(
    make_small: MakeSmall,
) -> None:
    server = make_small().start()
    newest = (server.state / "last-good").resolve()
    for change in ('["first.example"]', '["second.example"]'):
        text = server.config.read_text(encoding="utf-8")
        at = text.index("deny = ")
        server.config.write_text(f"{text[:at]}deny = {change}{text[text.index(']', at) + 1 :]}")
        assert reload(server).code == GOOD
        older, newest = newest, (server.state / "last-good").resolve()
    assert server.stop().code == 0
    _harm(newest)
    edited(server.config, "deny = ", "denied = ")
    server.options = ["--last-good"]
    server.expect_error("the last good snapshot, .*, is served instead|an older one, .*, is served")
    server.start()
    assert data(server, "first.example") == {"0.0.0.0"}
    told = f"{newest}: the snapshot is damaged: its content has another hash; an older one, "
    told += f"{older.name}, is served"
    assert told in server.err
    assert server.scrape().value("darban_config_ok") == 0
    assert told in str(darban("status", "--json", at=server.directory).json["config_failure"])
    assert server.stop().code == 0

    for snapshot in snapshots(server):
        _harm(snapshot)
    server.launch()
    ended = server.ended()
    assert ended.code == WRONG
    assert "is damaged" in ended.err[ended.err.rindex(told) :]


def _compiler(server: Server) -> int:
    """The process ID of its compiler, which is stopped."""
    [compiler] = wait_for(
        lambda: server.children("resolver.compiler.compilation"), "it compiles", longest=0.002
    )
    os.kill(compiler, signal.SIGSTOP)
    return compiler


def test_a_start_answers_while_the_config_is_compiled(server: Server) -> None:
    os.kill(server.pid, signal.SIGKILL)
    server.ended()
    edited(server.config, DENY, OPEN)
    printed, server.options = len(server.out), ["--last-good"]
    server.launch()
    compiler = _compiler(server)
    wait_for(lambda: ask(server.port, "web.telegram.org", seconds=1) is not None, "it serves")
    assert data(server, "web.telegram.org") == {"0.0.0.0"}
    wait_for((server.state / "control.sock").exists, "it takes commands")
    status = wait_for(lambda: darban("status", "--json", at=server.directory).json, "its status")
    assert status["config_ok"] is False
    assert "is compiled since the start" in str(status["config_failure"])
    assert server.scrape().value("darban_config_ok") == 0
    assert not server.out[printed:]
    os.kill(compiler, signal.SIGCONT)
    wait_for(lambda: "\nmetrics " in server.out[printed:], "the config is in force")
    assert data(server, "web.telegram.org") == {ANY_V4}
    assert server.scrape().value("darban_config_ok") == 1
    entries = darban("history", "--json", at=server.directory).json["entries"]
    assert isinstance(entries, list)
    assert entries[-1]["event"] == "start"


def test_a_start_puts_settings_in_force_that_need_a_restart(
    make_small: MakeSmall, tmp_path: Path
) -> None:
    """The process begins again, and the service manager is to keep no socket of the first."""
    server = make_small().start()
    assert server.stop().code == 0
    edited(server.config, "workers = 1", "workers = 2")
    server.options = ["--last-good"]
    printed = len(server.out)
    with ServiceManager(server, tmp_path):
        assert "2 workers" in server.out[printed:]
        assert len(server.workers()) == 2
        assert server.scrape().value("darban_config_ok") == 1
        assert data(server, "web.telegram.org") == {"0.0.0.0"}
        kill(server)
        wait_for(lambda: ask(server.port, "agency.example") is not None, "it serves")
        assert data(server, "web.telegram.org") == {"0.0.0.0"}
    entries = darban("history", "--json", at=server.directory).json["entries"]
    assert isinstance(entries, list)
    assert [entry["event"] for entry in entries][:3] == ["start", "stop", "start"]


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
