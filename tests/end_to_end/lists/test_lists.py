"""Lists of others, fetched by the real server over TLS: put in force, kept, told."""

import json
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.fetch.source_server import Authority, Sources, response
from tests.live.commands import GOOD, NO, WRONG
from tests.live.configs import replaced_once, small
from tests.live.reloading import restored
from tests.live.server import Server
from tests.live.subscribed import PASSES_OPEN, SUBSCRIBED, blocked, hosts, run
from tests.live.waiting import wait_for

_GUESTS = """
[vlans.guests]
prefixes = ["127.0.40.0/24"]
policy = "publicity"
"""
_OWN = "! Category: advertising\n||own.example^\n"


@pytest.fixture
def server(subscribed: Server) -> Server:
    """A server that has not been started, and has fetched nothing."""
    return subscribed


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str, list_server: Sources) -> Server:
    more = SUBSCRIBED.replace("URL", list_server.url("/ads")) + PASSES_OPEN
    text = replaced_once(small([upstream], more=more), "directories = []", 'directories = ["own"]')
    server = make_lasting('include = ["vlans.d/*.toml"]\n' + text)
    server.expect_error("list ads: ")
    for name, text in (("vlans.d/guests.toml", _GUESTS), ("own/banners.txt", _OWN)):
        path = server.directory / name
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
    return server


@pytest.fixture
def running(lasting: Server, sources: Sources) -> Iterator[Server]:
    """A server that runs, whose fetched list blocks a.example.

    It has a list of its own too, another file of its config, and an expectation.
    """
    sources.says["/ads"] = hosts("a.example")
    with restored(lasting) as server:
        update = ("lists", "update", "--accept")  # a list of fewer names, too
        wait_for(lambda: run(server, *update).code == GOOD, "it is fetched")
        wait_for(lambda: blocked(server, "a.example"), "the list is in force")
        yield server


def test_a_list_is_fetched_after_the_start_and_put_in_force(
    server: Server, sources: Sources
) -> None:
    sources.says["/ads"] = hosts("a.example", "b.example", ETag='"one"')
    server.start()
    assert "There is no copy of it, and it blocks nothing" in server.err
    wait_for(lambda: blocked(server, "a.example"), "the list is in force")
    assert not blocked(server, "w.a.example")
    updated = "darban_list_updated_timestamp_seconds"
    wait_for(lambda: server.scrape().value(updated, list="ads") > 1.7e9, "the update is over")
    scrape = server.scrape()
    assert scrape.value("darban_list_entries", list="ads") == 2
    assert scrape.value("darban_list_failures_total", list="ads") == 0
    assert scrape.value("darban_config_ok") == 1
    done = run(server, "lists", "update", "ads")
    assert (done.code, done.out) == (GOOD, "ads: unchanged, 2 names\n")
    done = run(server, "lists", "update", "adds")
    assert (done.code, done.err) == (
        *(WRONG, "the config in force fetches no list 'adds'; it fetches ads\n"),
    )
    assert sources.asked[-1][1]["if-none-match"] == '"one"'


def test_a_failure_never_empties_a_list(running: Server, sources: Sources) -> None:
    server = running
    sources.says["/ads"] = hosts("a.example", "b.example", "c.example")
    assert run(server, "lists", "update").code == GOOD
    failures = server.scrape().value("darban_list_failures_total", list="ads")
    for said, reason in (
        (response(b"<!DOCTYPE html>\n<p>Log in</p>\n"), "refused: a web page (HTML), not a list"),
        (response(b"", status="503 Busy"), "the server answers 503 Busy"),
    ):
        sources.says["/ads"] = said
        done = run(server, "lists", "update")
        assert done.code == NO
        assert done.out.startswith("ads: failed, 3 names: ")
        assert reason in done.out
        assert blocked(server, "c.example")
    assert server.scrape().value("darban_list_failures_total", list="ads") == failures + 2
    sources.says["/ads"] = hosts("a.example", "b.example", "c.example", "d.example")
    assert run(server, "lists", "update").out == "ads: updated, 4 names\n"
    server.stop()
    sources.says["/ads"] = response(b"", status="503 Busy")
    server.start()
    assert blocked(server, "a.example"), "from the copy, before anything is fetched"


def test_a_damaged_copy_gives_way_to_the_one_before_and_is_fetched_again(
    running: Server, sources: Sources
) -> None:
    server = running
    sources.says["/ads"] = hosts("a.example", "b.example")
    assert run(server, "lists", "update").code == GOOD
    server.stop()
    logged = len(server.err)
    (server.state / "lists" / "ads.list").write_bytes(b"0.0.0.0 b.exa")
    sources.says["/ads"] = response(b"", status="503 Busy")
    server.start()
    assert blocked(server, "a.example")
    assert not blocked(server, "b.example")
    failed = "darban_list_failures_total"
    wait_for(lambda: server.scrape().value(failed, list="ads"), "it was tried again at once")
    scrape = server.scrape()
    assert scrape.value("darban_list_fallback", list="ads") == 1
    assert "The copy before it is used until the list is fetched again" in server.err[logged:]
    sources.says["/ads"] = hosts("a.example", "b.example")
    assert run(server, "lists", "update").code == GOOD
    assert blocked(server, "b.example")
    assert server.scrape().value("darban_list_fallback", list="ads") == 0


def test_a_damaged_first_copy_is_fetched_again_while_the_last_good_policy_serves(
    server: Server, sources: Sources
) -> None:
    server.options = ["--last-good"]
    server.expect_error("the last good snapshot")
    sources.says["/ads"] = hosts("a.example")
    server.start()
    wait_for(lambda: "list ads: updated" in server.err, "the list is in force")
    server.stop()
    (server.state / "lists" / "ads.list").write_bytes(b"0.0.0.0 b.exa")
    server.start()
    assert blocked(server, "a.example"), "by the last good snapshot"
    assert "Its copy is damaged. Fetch it again: darban lists update ads" in server.err
    wait_for(lambda: server.scrape().value("darban_config_ok") == 1, "it was fetched again")
    assert blocked(server, "a.example")


def test_a_list_with_which_an_expectation_fails_is_not_put_in_force(
    running: Server, sources: Sources
) -> None:
    server = running
    server.expect_error("")
    sources.says["/ads"] = hosts("a.example", "b.example", "open.example")
    done = run(server, "lists", "update")
    assert done.code == NO
    assert "ads: held, 1 name: expectations that do not hold:" in done.out
    assert "open.example" in done.out
    assert not blocked(server, "open.example")
    assert not blocked(server, "b.example")
    wait_for(lambda: server.scrape().value("darban_config_ok") == 1, "the old list is good")
    assert run(server, "check").code == GOOD
    assert "held, since what was fetched last breaks the policy: " in run(server, "lists").out
    assert server.scrape().value("darban_list_held", list="ads") == 1
    sources.says["/ads"] = hosts("a.example", "b.example")
    assert run(server, "lists", "update").out == "ads: updated, 2 names\n"
    assert server.scrape().value("darban_list_held", list="ads") == 0


def test_what_was_edited_does_not_go_in_force_with_a_list(
    running: Server, sources: Sources
) -> None:
    server, included, logged = running, running.directory / "vlans.d", len(running.err)
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text(text.replace('block = ["@advertising"]', "block = []"), "utf-8")
    (included / "guests.toml").write_text("broken", encoding="utf-8")
    (included / "more.toml").write_text(_GUESTS.replace("guests", "more"), encoding="utf-8")
    sources.says["/ads"] = hosts("a.example", "b.example")
    done = run(server, "lists", "update")
    assert (done.code, done.out) == (GOOD, "ads: updated, 2 names\n")
    assert blocked(server, "a.example")
    assert blocked(server, "b.example")
    assert server.scrape().value("darban_config_ok") == 1
    *_, last = json.loads(run(server, "history", "--json").out)["entries"]
    assert (last["event"], last["diff"]) == ("lists", "")
    for edited in ("config.toml", "guests.toml", "more.toml"):
        assert f"{edited}: edited and not reloaded" in server.err[logged:]
    (included / "guests.toml").write_text(_GUESTS, encoding="utf-8")
    (included / "more.toml").unlink()
    assert run(server, "reload").code == GOOD
    assert not blocked(server, "a.example")


def test_an_edited_list_of_the_network_holds_back_those_that_are_fetched(
    running: Server, sources: Sources
) -> None:
    server, own = running, running.directory / "own"
    server.expect_error("own/banners.txt")
    server.expect_error("by a list that was fetched: invalid")
    (own / "banners.txt").write_text(_OWN.replace("own", "unseen"), encoding="utf-8")
    sources.says["/ads"] = hosts("a.example", "b.example")
    done = run(server, "lists", "update")
    assert done.code == NO
    assert done.out.startswith("ads: updated, 2 names: not in force yet: own/banners.txt: found")
    assert [blocked(server, f"{name}.example") for name in ("own", "unseen", "b")] == [
        *(True, False, False)
    ]
    assert server.scrape().value("darban_config_ok") == 1
    again = run(server, "lists", "update")
    assert again.code == NO
    assert again.out.startswith("ads: unchanged, 2 names: not in force yet: own/banners.txt: found")
    edited = (own / "banners.txt").read_text(encoding="utf-8")
    (own / "banners.txt").write_text(_OWN, encoding="utf-8")
    done = run(server, "lists", "update")
    assert (done.code, done.out) == (GOOD, "ads: unchanged, 2 names\n")
    assert [blocked(server, f"{name}.example") for name in ("own", "unseen", "b")] == [
        *(True, False, True)
    ]
    (own / "banners.txt").write_text(edited, encoding="utf-8")
    assert run(server, "reload").code == GOOD
    assert [blocked(server, f"{name}.example") for name in ("own", "unseen", "b")] == [
        *(False, True, True)
    ]
    (own / "banners.txt").write_text(_OWN, encoding="utf-8")
    assert run(server, "reload").code == GOOD


HOSTILE = "500 \x1b]0;owned\x07\x9b31m\u202egnp"


def test_what_a_terminal_obeys_in_a_server_s_answer_is_shown(
    server: Server, sources: Sources
) -> None:
    sources.says["/ads"] = response(b"", status=HOSTILE)
    server.expect_error("list ads: ")
    shown = "the server answers 500 \\u001b]0;owned\\u0007\\u009b31m\\u202egnp"
    own = run(server, "lists", "update")
    server.start()
    wait_for(lambda: shown in server.err, "the failure is logged")
    by_server = run(server, "lists", "update")
    table, text = run(server, "lists"), run(server, "lists", "--json").out
    assert json.loads(text)["lists"][0]["fetched"]["error"].endswith(HOSTILE)
    assert (own.err, by_server.err) == ("", "")
    for printed in (own.out, by_server.out, "".join(table.out.split()), text, server.err):
        assert "\\u202egnp" in printed
        assert not set(printed) & set("\x1b\x07\x9b\u202e")


def test_a_certificate_of_an_unknown_authority_is_not_believed(
    server: Server, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources.says["/ads"] = hosts("a.example")
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    done = run(server, "lists", "update")
    assert done.code == NO
    assert "certificate" in done.out.lower()


def test_an_authority_of_the_agency_is_believed(
    server: Server,
    sources: Sources,
    made_authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the server, and by the command without one."""
    sources.says["/ads"] = hosts("a.example")
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    shutil.copy(made_authority.trusted, server.directory / "agency-ca.pem")
    text = server.config.read_text(encoding="utf-8")
    text = text.replace("directories = []", 'directories = []\nca_file = "agency-ca.pem"')
    server.config.write_text(text, encoding="utf-8")
    server.start()
    wait_for(lambda: "list ads: updated" in server.err, "the list is in force")
    assert blocked(server, "a.example")
    server.stop()
    sources.says["/ads"] = hosts("a.example", "b.example")
    done = run(server, "lists", "update")
    assert (done.code, done.out) == (GOOD, "ads: updated, 2 names\n")
