"""Lists of others that the server does not simply follow: held, pinned, kept from some names."""

import re

import pytest

from tests.fetch.source_server import Sources
from tests.live.commands import GOOD, NO, darban
from tests.live.server import Server
from tests.live.subscribed import CLIENT, blocked, hosts, run
from tests.live.waiting import wait_for


@pytest.fixture
def server(subscribed: Server) -> Server:
    return subscribed


def test_a_list_that_changes_a_lot_is_held_until_it_is_accepted(
    server: Server, sources: Sources
) -> None:
    sources.says["/ads"] = hosts("a.example", "b.example", "c.example")
    server.start()
    wait_for(lambda: blocked(server, "a.example"), "the list is in force")
    assert server.scrape().value("darban_list_held", list="ads") == 0
    sources.says["/ads"] = hosts("a.example", "d.example")
    names = "+ d.example\n{0}- b.example\n{0}- c.example\n{0}to use it: darban lists update ads"
    for _ in range(2):
        done = run(server, "lists", "update")
        assert (done.code, done.out) == (
            NO,
            "ads: held, 3 names: 2 names instead of 3: 1 comes, 2 go\n"
            f"  {names.format('  ')} --accept\n",
        )
    assert blocked(server, "c.example")
    assert not blocked(server, "d.example")
    assert server.scrape().value("darban_list_held", list="ads") == 1
    assert server.scrape().value("darban_list_failures_total", list="ads") == 0
    shown = run(server, "lists").out
    assert "held: 2 names instead of 3: 1 comes, 2 go\n" in shown
    assert names.format("    ") in shown
    status = " ".join(run(server, "status").out.split())
    assert re.search(r"ads: up to date \d[^;]* ago; a change is held: darban lists", status)
    server.stop()
    server.start()
    assert blocked(server, "c.example")
    assert server.scrape().value("darban_list_held", list="ads") == 1, "also after a start"
    done = run(server, "lists", "update", "ads", "--accept")
    assert (done.code, done.out) == (GOOD, "ads: updated, 2 names\n")
    assert not blocked(server, "c.example")
    assert blocked(server, "d.example")
    assert server.scrape().value("darban_list_held", list="ads") == 0
    assert "held" not in run(server, "lists").out


def test_a_list_of_others_does_not_block_the_time(server: Server, sources: Sources) -> None:
    """Until the operator says so."""
    sources.says["/ads"] = hosts("a.example", "time.windows.com")
    server.start()
    wait_for(lambda: blocked(server, "a.example"), "the list is in force")
    assert not blocked(server, "time.windows.com")
    shown = run(server, "lists").out
    why = "a name needed for time, which only a policy's deny or a list of your own blocks"
    assert f"1 skipped: {why}\n" in shown
    told = darban("explain", "--client", CLIENT, "time.windows.com", at=server.directory)
    assert told.code == GOOD
    assert f"/ads, line 2 is not used: {why} ('time.windows.com')" in " ".join(told.out.split())
    text = server.config.read_text(encoding="utf-8")
    denied = text.replace("[policies.strict]\n", '[policies.strict]\ndeny = ["time.windows.com"]\n')
    server.config.write_text(denied, encoding="utf-8")
    assert run(server, "reload").code == GOOD
    assert blocked(server, "time.windows.com")
