"""Another config in daylight: nobody is lost, and what is wrong changes nothing."""

import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG, darban
from tests.live.configs import edited
from tests.live.nsd import ANY_V4
from tests.live.reloading import BROKEN, DENY, EXPECT, OPEN, data, reload, snapshots
from tests.live.server import Server, group, without_heads
from tests.live.waiting import wait_for

pytestmark = pytest.mark.core

MakeSmall = Callable[..., Server]

SMALL_CACHE = '[cache]\nmax_bytes = "32MiB"\n'
BLOCK_PAGE = '[block_page]\nlisten = ["127.0.0.1:80"]\n'
MORE = """
[policies.third]
block = ["pager"]
[vlans.third]
id = 30
prefixes = ["127.0.30.0/24"]
policy = "third"
[[exemptions]]
id = "fair"
services = ["pager"]
prefixes = ["127.0.30.9/32"]
until = 2199-01-01T00:00:00Z
approver = "Director"
ticket = "IT-7"
"""


def _reloads(server: Server, result: str) -> float:
    return server.scrape().value("darban_reloads_total", result=result)


def _append(server: Server, more: str) -> None:
    with server.config.open("a", encoding="utf-8") as file:
        file.write(more)


def test_a_reload_puts_the_config_in_force(server: Server) -> None:
    assert data(server, "web.telegram.org") == {"0.0.0.0"}
    before = server.scrape()
    edited(server.config, DENY, 'deny = ["other.example"]')
    done = reload(server)
    assert done.code == GOOD, done.out + done.err
    assert "config.toml: in force, snapshot " in done.out
    assert data(server, "web.telegram.org") == {ANY_V4}
    assert data(server, "other.example") == {"0.0.0.0"}
    after = server.scrape()
    applied = {"result": "applied"}
    counted = before.value("darban_reloads_total", **applied)
    assert after.value("darban_reloads_total", **applied) == counted + 1
    assert after.value("darban_config_ok") == 1
    loaded = "darban_snapshot_loaded_timestamp_seconds"
    assert after.value(loaded) > before.value(loaded)
    assert after.total("darban_snapshot_info") == 1
    assert after.total("darban_snapshot_info", hash=done.out.split()[-1]) == 1
    assert "reload by uid" in server.err


def test_a_reload_of_what_is_in_force(server: Server) -> None:
    counted = _reloads(server, "unchanged")
    _append(server, "# a remark\n")
    told = reload(server, "--json")
    assert told.code == GOOD
    assert (told.json["ok"], told.json["result"], told.json["code"]) == (True, "unchanged", 0)
    assert set(told.json) == {"ok", "result", "code", "snapshot", "report"}
    assert _reloads(server, "unchanged") == counted + 1


def test_vlans_that_come_and_go_are_counted_on(server: Server) -> None:
    lists = server.directory / "lists"
    lists.mkdir()
    (lists / "pager.txt").write_text("! Category: encrypted-dns\n||third.example^\n")
    plain = server.config.read_text(encoding="utf-8")
    with_lists = plain.replace("directories = []", 'directories = ["lists"]') + MORE
    data(server, "web.telegram.org")
    counts = [server.scrape().counters()]
    for more in (True, False, True):
        server.config.write_text(with_lists if more else plain, encoding="utf-8")
        assert reload(server).code == GOOD
        assert data(server, "third.example", "127.0.30.5") == {"0.0.0.0" if more else ANY_V4}
        if more:
            assert data(server, "third.example", "127.0.30.9") == {ANY_V4}
        scrape = server.scrape()
        info = {"vlan": "third", "id": "30", "policy": "third", "mode": "enforce"}
        assert scrape.value("darban_vlan_info", **info) == more
        ends = scrape.value("darban_exemption_end_timestamp_seconds", exemption="fair")
        assert (ends > 0) == more
        counts.append(scrape.counters())
    for before, after in pairwise(counts):
        assert not {key for key, value in before.items() if after.get(key, 0) < value}
    blocked = {"vlan": "third", "outcome": "blocked", "service": "pager"}
    assert server.scrape().value("darban_queries_total", **blocked) == 48
    tried = {"vlan": "third", "kind": "provider"}
    assert server.scrape().value("darban_bypass_attempts_total", **tried) == 48


@pytest.mark.parametrize(
    ("old", "new", "code", "result", "said"),
    [
        (DENY, BROKEN, WRONG, "invalid", 'Did you mean "deny"?'),
        (DENY, OPEN + EXPECT, NO, "refused", "expected blocked, got passed: no rule of policy"),
    ],
    ids=["errors", "expectation"],
)
def test_what_is_wrong_changes_nothing(
    server: Server, old: str, new: str, code: int, result: str, said: str
) -> None:
    server.expect_error("reload by|Did you mean|config.toml|expectations")
    _check_that_nothing_changes(server, {old: new}, code, result, [said])


def test_a_disk_that_takes_no_snapshot_is_no_error_in_the_config(server: Server) -> None:
    server.expect_error("reload by|cannot be written to")
    counted = _reloads(server, "failed")
    edited(server.config, DENY, OPEN)
    place = server.directory / ".darban" / "snapshots"
    aside = place.rename(place.with_name("aside"))
    place.touch()
    try:
        done = reload(server)
        status = darban("status", at=server.directory)
    finally:
        place.unlink()
        aside.rename(place)
    assert done.code == WRONG
    assert "the state directory cannot be written to" in done.out
    assert "not put in force, the reload failed; snapshot" in done.out
    assert "the config is not in force; " in status.out.replace("\n", " ")
    assert "darban check" not in status.out
    assert data(server, "web.telegram.org") == {"0.0.0.0"}
    assert _reloads(server, "failed") == counted + 1


def test_what_needs_a_restart_changes_nothing(server: Server) -> None:
    """Of each setting alone: tests/compiler/test_restart_settings.py."""
    server.expect_error("reload by|needs a restart")
    metrics = server.metrics_port
    edits = {
        "workers = 2": "workers = 3",
        f'["127.0.0.1:{server.port}"': f'["127.0.0.2:{server.port}"',
        "[metrics]": f"{SMALL_CACHE}{BLOCK_PAGE}[metrics]",
        f"127.0.0.1:{metrics}": f"127.0.0.2:{metrics}",
    }
    keys = ("server.workers", "server.listen", "cache.max_bytes", "block_page.listen")
    said = [f"{key} needs a restart" for key in (*keys, "metrics.listen")]
    _check_that_nothing_changes(server, edits, WRONG, "needs_restart", said)


def _check_that_nothing_changes(
    server: Server, edits: Mapping[str, str], code: int, result: str, said: Sequence[str]
) -> None:
    """Reload with edits that are not put in force; then undo them."""
    counted = _reloads(server, result)
    good = server.config.read_text(encoding="utf-8")
    before = darban("status", "--json", at=server.directory).json
    for old, new in edits.items():
        edited(server.config, old, new)
    done = reload(server)
    assert done.code == code
    assert all(text in done.out for text in said), done.out
    assert "stays\n" in done.out
    told = reload(server, "--json")
    assert told.code == code
    assert (told.json["ok"], told.json["result"], told.json["code"]) == (False, result, code)
    assert told.json["snapshot"] == before["hash"]
    report = "\n".join(told.json["report"])
    assert all(text in report for text in said), report
    assert data(server, "web.telegram.org") == {"0.0.0.0"}
    scrape = server.scrape()
    assert scrape.value("darban_reloads_total", result=result) == counted + 2
    assert scrape.value("darban_config_ok") == 0
    shown = " ".join(darban("status", at=server.directory).out.split())
    named = said if result == "needs_restart" else ["the config is not in force; see darban check"]
    assert all(text in shown for text in named), shown
    server.config.write_text(good, encoding="utf-8")
    assert reload(server).code == GOOD
    assert server.scrape().value("darban_config_ok") == 1


def test_a_compiler_that_is_killed_is_no_error_in_the_config(server: Server) -> None:
    """As the kernel does it where memory runs out."""
    server.expect_error("reload by|was ended")
    edited(server.config, DENY, OPEN)
    with ThreadPoolExecutor(1) as pool:
        reloading = pool.submit(reload, server)
        wait_for(
            lambda: server.children("resolver.compiler.compilation"),
            "it compiles the config",
            longest=0.002,
        )
        os.kill(server.children("resolver.compiler.compilation")[0], signal.SIGKILL)
        done = reloading.result()
    assert done.code == WRONG
    assert "the process that compiles it was ended (Killed)" in done.out
    assert "not put in force, the reload failed; snapshot" in done.out
    status = " ".join(darban("status", at=server.directory).out.split())  # it wraps by the path
    assert "was ended (Killed)" in status
    assert "darban check" not in status
    assert data(server, "web.telegram.org") == {"0.0.0.0"}
    assert reload(server).code == GOOD
    assert data(server, "web.telegram.org") == {ANY_V4}


def test_a_reload_without_a_server(make_small: MakeSmall) -> None:
    server = make_small()
    done = reload(server)
    assert done.code == UNREACHABLE
    assert "no server answers on" in done.err


def test_reloads_at_once_are_done_one_by_one(server: Server) -> None:
    applied, unchanged = _reloads(server, "applied"), _reloads(server, "unchanged")
    edited(server.config, DENY, OPEN)
    with ThreadPoolExecutor(4) as pool:
        done = [future.result() for future in [pool.submit(reload, server) for _ in range(4)]]
    assert [item.code for item in done] == [GOOD] * 4
    assert sum("in force, snapshot" in item.out.split(":")[1] for item in done) >= 1
    assert _reloads(server, "applied") == applied + 1
    assert _reloads(server, "unchanged") == unchanged + 3


@pytest.mark.parametrize("which", [0, 1])
def test_a_worker_that_dies_during_a_reload(server: Server, which: int) -> None:
    """It stands still when it is told of the new snapshot, and is killed while it is waited for."""
    victim = server.workers()[which]
    applied, known = _reloads(server, "applied"), set(snapshots(server))
    edited(server.config, DENY, f'deny = ["dies-{which}.example"]')
    with ThreadPoolExecutor(1) as pool:
        os.kill(victim, signal.SIGSTOP)
        server.expect_error("no heartbeat")
        reloading = pool.submit(reload, server)
        wait_for(lambda: set(snapshots(server)) - known, "the new one is compiled")
        with suppress(ProcessLookupError):  # the compiler was slow: it has been replaced already
            os.kill(victim, signal.SIGKILL)
        assert reloading.result().code == GOOD
    assert _reloads(server, "applied") == applied + 1
    wait_for(lambda: len(set(server.workers()) - {victim}) == 2, "it is replaced")
    wait_for(lambda: server.scrape().value("darban_workers") == 2, "its successor serves")
    assert data(server, "web.telegram.org") == {ANY_V4}


def test_all_workers_die_during_a_reload(server: Server) -> None:
    workers = server.workers()
    edited(server.config, DENY, OPEN)
    server.expect_error("no heartbeat|reload by|no worker lived")
    with ThreadPoolExecutor(1) as pool:
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        reloading = pool.submit(reload, server)
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        code = reloading.result().code
    wait_for(lambda: server.scrape().value("darban_workers") == 2, "their successors serve")
    assert code in (GOOD, WRONG)
    answered = data(server, "web.telegram.org")
    assert answered == ({ANY_V4} if code == GOOD else {"0.0.0.0"})
    assert reload(server).code == GOOD
    assert data(server, "web.telegram.org") == {ANY_V4}


def test_an_upstream_by_name_is_known_when_the_reload_is_done(
    server: Server, upstream: str
) -> None:
    port = upstream.rpartition(":")[2]
    named = f'servers = ["ns.scene:{port}"]\nbootstrap = ["{upstream}"]'
    edited(server.config, f'servers = ["{upstream}"]', named)
    done = reload(server)
    assert done.code == GOOD, done.out
    answer = ask(server.port, "fresh.agency.example", seconds=3)
    assert answer is not None
    assert answer.header.rcode == 0
    assert str(answer.rr[0].rdata) == ANY_V4
    labels = {"upstream": f"ns.scene:{port}", "result": "answered"}
    assert server.scrape().value("darban_upstream_queries_total", **labels) >= 1
    edited(server.config, named, f'servers = ["{upstream}"]')
    assert reload(server).code == GOOD
    scrape = server.scrape()
    assert scrape.value("darban_upstream_queries_total", **labels) >= 1
    assert scrape.value("darban_upstream_up", upstream=upstream) == 1
    assert scrape.total("darban_upstream_up") == 1, "those that are asked no more are not told of"


@pytest.mark.parametrize("how", [signal.SIGHUP, None], ids=["signal", "command"])
def test_it_ends_when_it_is_told_to_during_a_reload(
    server: Server, how: signal.Signals | None
) -> None:
    server.expect_error("no heartbeat")
    edited(server.config, DENY, f'deny = ["{how}.example"]')
    log, known = server.err, set(snapshots(server))
    os.kill(server.workers()[0], signal.SIGSTOP)  # so that the reload does not come to its end
    if how is None:
        with socket.socket(socket.AF_UNIX) as end:
            end.connect(str(server.state / "control.sock"))
            end.sendall(b'{"command": "reload"}\n')
            wait_for(lambda: set(snapshots(server)) - known, "the new one is compiled")
            ended = server.stop()
    else:
        server.signal(how)
        ended = server.stop()
    assert ended.code == 0
    said = without_heads(ended.err[len(log) :])
    assert not said or "no heartbeat" in said  # on a busy machine that worker is replaced meanwhile
    assert not group(server.pid)
