"""``darban history``: what was in force, told by the journal of a server that really changed."""

import datetime as dt
import json
import os
import pwd
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from resolver.audit.figures.counts import HourFigures, Minute, SelfTestResult
from resolver.audit.figures.store import NAME, FigureStore
from resolver.system import solar_hijri
from tests.live.clients import ask
from tests.live.commands import GOOD, NO, WRONG, Done, darban
from tests.live.configs import edited, small
from tests.live.nsd import ANY_V4
from tests.live.programs import lacking
from tests.live.reloading import DENY, OPEN
from tests.live.server import Server
from tests.live.waiting import wait_for

FILLER = "".join(f"||{letter}.example^\n" for letter in "abcdefgh")
"""So many names that one of them is no loss."""

EXEMPTION = """
[[exemptions]]
id = "fair"
vlan = "administration"
services = ["pager"]
until = {until}
approver = "Director"
ticket = "IT-7"
"""


@pytest.fixture(scope="module")
def make_started(make_lasting: Callable[[str], Server], upstream: str) -> Callable[[], Server]:
    """Makes a server whose start is written down."""

    def build() -> Server:
        server = make_lasting(small([upstream]))
        server.start()
        wait_for(lambda: _history(server), "the start is written down")
        return server

    return build


@pytest.fixture(scope="module")
def lasting(make_started: Callable[[], Server]) -> Server:
    return make_started()


@pytest.fixture(scope="module")
def ended_once(make_started: Callable[[], Server]) -> Server:
    server = make_started()
    edited(server.config, DENY, OPEN)
    assert darban("reload", at=server.directory).code == GOOD
    assert darban("reload", at=server.directory).code == GOOD  # nothing new
    edited(server.config, OPEN, DENY)
    server.signal(signal.SIGHUP)
    wait_for(lambda: len(_history(server)) == 3, "the signal's reload is written down")
    with server.checked():
        server.expect_error("reload by|config.toml|denied")
        edited(server.config, DENY, DENY.replace("deny", "denied"))
        assert darban("reload", at=server.directory).code == WRONG
        assert server.stop().code == 0
    edited(server.config, "denied", "deny")
    return server


@pytest.fixture
def ended(ended_once: Server) -> Iterator[Server]:
    """A server that was reloaded by a command and by a signal, and stopped."""
    with ended_once.checked() as server:
        yield server


def _history(server: Server, *options: str) -> list[dict[str, str]]:
    entries = darban("history", "--json", *options, at=server.directory).json["entries"]
    assert isinstance(entries, list)
    return entries


def test_every_activation_is_written_down(ended: Server) -> None:
    server = ended
    entries = _history(server)
    me = f"uid {os.getuid()} ({pwd.getpwuid(os.getuid()).pw_name})"
    assert [(entry["event"], entry["who"]) for entry in entries] == [
        ("start", me),
        ("reload", me),
        ("reload", "SIGHUP"),
        ("stop", "signal"),
    ]
    assert entries[0]["snapshot"] == entries[2]["snapshot"] != entries[1]["snapshot"]
    assert f"-{DENY}\n+{OPEN}\n" in entries[1]["diff"]
    told = darban("history", at=server.directory)
    assert told.code == GOOD
    lines = told.out.splitlines()
    assert len(lines) == 4
    assert lines[1].endswith("+1 -1  opens other names")
    assert lines[2].endswith("+1 -1  closes other names")


def test_a_day_shows_what_its_reloads_opened_and_closed(ended: Server) -> None:
    tehran = ZoneInfo("Asia/Tehran")  # of [report], where the config names none
    reload = dt.datetime.fromtimestamp(float(_history(ended)[1]["time"]), tehran)
    persian = "-".join(map(str, solar_hijri.of(reload.date())))
    told = [
        darban("history", "--day", day, at=ended.directory) for day in (persian, f"{reload:%F}")
    ]
    assert told[0].out == told[1].out
    assert [done.code for done in told] == [GOOD, GOOD]
    changed = "2 classes of names: web.telegram.org, *.web.telegram.org"
    assert f"  opens other names on administration: blocked → passed, {changed}\n" in told[0].out
    assert f"  closes other names on administration: passed → blocked, {changed}\n" in told[0].out
    assert darban("history", "--day", "2026-01-01", at=ended.directory).code == NO
    assert darban("history", "--day", "1405-13-01", at=ended.directory).code == WRONG
    for more in (("--verify",), ("--at", persian), ("--head", "5f0c"), ("administration",)):
        assert darban("history", "--day", persian, *more, at=ended.directory).code == WRONG
    within = darban("history", "--day", f"{persian}T10:00", at=ended.directory)
    assert within.code == WRONG
    assert "--day takes a date" in within.err


def test_a_name_that_left_a_list_is_in_the_record(make_small: Callable[..., Server]) -> None:
    server = make_small()
    edited(server.config, "directories = []", 'directories = ["lists"]')
    edited(server.config, DENY, 'block = ["telegram"]')
    names = server.directory / "lists" / "telegram.txt"
    names.parent.mkdir()
    names.write_text("! Category: messenger\n||t.me^\n||telegram.org^\n||telegra.ph^\n" + FILLER)
    server.start()
    names.write_text(names.read_text().replace("||t.me^\n", ""))
    assert darban("reload", at=server.directory).code == GOOD
    [record] = [table for table in _history(server) if table["event"] == "reload"]
    assert not record["diff"]
    now = dt.datetime.now(dt.UTC).isoformat()
    told = darban("history", "--at", now, at=server.directory)
    opened = "opens telegram on administration: blocked → passed, 2 classes of names: t.me, *.t.me"
    assert opened in told.out
    assert "list lists/telegram.txt (telegram): rules 1 gone: -||t.me^" in told.out
    assert "the config was as before" in told.out
    assert darban("history", at=server.directory).out.splitlines()[-1].endswith("opens telegram")


def test_the_person_behind_root_is_written_down(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        lacking("needs root: others are nobody else")
    login = Path("/proc/self/loginuid").read_text(encoding="ascii").strip()
    somebody = pwd.getpwuid(65534 if login in ("0", f"{0xFFFFFFFF}") else int(login))
    monkeypatch.setenv("SUDO_UID", "65534")
    edited(server.config, DENY, OPEN)
    assert darban("reload", at=server.directory).code == GOOD
    who = f"uid {somebody.pw_uid} ({somebody.pw_name}) as uid 0 (root)"
    assert _history(server)[-1]["who"] == who
    assert f"reload by {who}: applied" in server.err
    assert darban("history", at=server.directory).out.count(who) == 1


def test_what_was_in_force_at_a_moment(ended: Server) -> None:
    server = ended
    start, reload, again, stop = (float(entry["time"]) for entry in _history(server))

    def at(moment: float) -> str:
        return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat()

    before = darban("history", "--at", at(start - 1), at=server.directory)
    assert (before.code, "the audit log begins later" in before.out) == (NO, True)
    first = darban("history", "--at", at((start + reload) / 2), "--json", at=server.directory)
    assert first.code == GOOD
    files = first.json["files"]
    assert isinstance(files, dict)
    assert DENY in files["config.toml"]
    second = darban("history", "--at", at((reload + again) / 2), at=server.directory)
    assert second.code == GOOD
    assert f"-{DENY}\n+{OPEN}\n" in second.out
    assert "by uid" in second.out
    after = darban("history", "--at", at(stop + 0.01), at=server.directory)
    assert (after.code, "the server was stopped at" in after.out) == (NO, True)


def test_an_exemption_that_ends_while_the_server_runs(server: Server) -> None:
    """It ends by itself within a second, and the journal tells the truth of both sides."""
    lists = server.directory / "lists"
    lists.mkdir()
    (lists / "pager.txt").write_text("! Category: messenger\n||pager.example^\n")
    edited(server.config, "directories = []", 'directories = ["lists"]')
    edited(server.config, DENY, 'block = ["pager"]')
    end = int(time.time()) + 6
    until = dt.datetime.fromtimestamp(end, dt.UTC).isoformat()
    more = EXEMPTION.format(until=until) + "[limits]\nqueries_per_address = 1_000_000\n"
    edited(server.config, "[policies.publicity]", more + "[policies.publicity]")
    assert darban("reload", at=server.directory).code == GOOD

    seen: list[tuple[float, str, float]] = []
    while not seen or seen[-1][0] <= end + 1:
        asked = time.time()
        answer = ask(server.port, "pager.example", client="127.0.10.5")
        assert answer is not None
        seen.append((asked, str(answer.rr[0].rdata), time.time()))
    assert {data for asked, data, answered in seen if answered < end} == {ANY_V4}
    assert {data for asked, data, answered in seen if asked > end + 1} == {"0.0.0.0"}

    def at(moment: float) -> dict[str, object]:
        text = dt.datetime.fromtimestamp(moment, dt.UTC).isoformat()
        return darban("history", "--at", text, "--json", at=server.directory).json

    assert at(end - 0.5)["exempted"] == ["fair"]
    assert at(end + 0.5)["exempted"] == []
    text = darban("history", "--at", until, at=server.directory).out
    assert "ended before: fair: pager for VLAN administration" in text
    assert "by uid" in text
    done = darban("check", at=server.directory)
    assert "Exemption fair has ended and permits nothing;" in done.out


@pytest.mark.parametrize("at", ["yesterday", "2027-13-01", "0001-01-01", ""])
def test_a_moment_that_makes_no_sense(server: Server, at: str) -> None:
    done = darban("history", "--at", at, at=server.directory)
    assert done.code == WRONG, done.out
    assert "is not a moment" in done.err


def test_nothing_is_told_of_a_moment_that_is_yet_to_come(server: Server) -> None:
    assert _history(server)
    done = darban("history", "--at", "2199-01-01", at=server.directory)
    assert (done.code, done.out) == (WRONG, "")
    assert "'2199-01-01' is still to come" in done.err


def test_the_last_good_snapshot_is_in_the_journal(server: Server) -> None:
    server.stop()
    before = _history(server)
    edited(server.config, DENY, DENY.replace("deny", "denied"))
    server.options = ["--last-good"]
    server.expect_error("the last good snapshot")
    server.start()
    wait_for(lambda: len(_history(server)) > len(before), "the start is written down")
    server.stop()
    server.options = []
    *_, first, _ = before
    last = _history(server)[len(before)]
    assert last["event"] == "start --last-good"
    assert (last["snapshot"], last["config"]) == (first["snapshot"], first["config"])


def test_a_journal_that_cannot_be_written_stops_no_reload(server: Server) -> None:
    wait_for(lambda: _history(server)[-1]["event"] != "stop", "the start is written down")
    path = server.state / "journal.jsonl"
    server.signal(signal.SIGSTOP)  # else it may write a record between the two
    path.unlink()
    path.mkdir()
    server.signal(signal.SIGCONT)
    server.expect_error("the audit log cannot be written")
    edited(server.config, DENY, OPEN)
    assert darban("reload", at=server.directory).code == GOOD
    assert "the audit log cannot be written" in server.err
    answer = ask(server.port, "web.telegram.org", client="127.0.10.5")
    assert answer is not None
    assert str(answer.rr[0].rdata) == ANY_V4
    path.rmdir()


def test_after_a_power_cut_nothing_was_in_force(
    make_started: Callable[[], Server],
) -> None:
    """The audit log has no stop then; the figures have no minute."""
    server = make_started()
    with server.checked():
        server.signal(signal.SIGKILL)
        server.ended()
    log = server.state / "journal.jsonl"
    entry, *_ = map(json.loads, log.read_bytes().splitlines())
    begin = int(time.time() - 7200) // 60 * 60
    log.write_text(json.dumps({**entry, "time": begin - 600.0}) + "\n", encoding="utf-8")
    (server.state / "journal-head.json").unlink()
    figures = FigureStore(server.state / NAME, "one")
    for item in (*range(begin - 600, begin, 60), *range(begin + 1800, begin + 3600, 60)):
        figures.add(HourFigures(item, minutes=[Minute(item, "", True, SelfTestResult.HELD)]), "UTC")

    def at(seconds: int) -> Done:
        moment = dt.datetime.fromtimestamp(begin + seconds, dt.UTC).isoformat()
        return darban("history", "--at", moment, at=server.directory)

    for seconds, ran in ((-60, True), (59, True), (61, False), (1799, False), (1800, True)):
        done = at(seconds)
        assert done.code == (GOOD if ran else NO), done.out
        assert ("the figures have no minute from" in done.out) is not ran
    assert f"had put snapshot {entry['snapshot']} in force at" in at(900).out
    assert at(3700).code == NO, "it does not run since"
    explained = darban(
        *("explain", "127.0.10.5", "web.telegram.org", "--at"),
        dt.datetime.fromtimestamp(begin + 900, dt.UTC).isoformat(),
        at=server.directory,
    )
    assert explained.code == NO
    assert "nothing was in force, as far as is known" in explained.err
