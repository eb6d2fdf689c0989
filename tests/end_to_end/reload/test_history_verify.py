"""``darban history --verify`` on the log of a server that really changed, and was tampered with."""

import datetime as dt
import json
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from resolver.audit.clock import read_clock
from resolver.audit.figures.counts import HourFigures, Labels
from resolver.audit.figures.store import NAME, FigureStore
from resolver.audit.journal import Journal
from resolver.audit.record import ClockReading, line_hash
from tests.live.commands import GOOD, NO, NOT_CHECKABLE, WRONG, Done, darban
from tests.live.configs import edited, small
from tests.live.reloading import DENY, OPEN
from tests.live.server import Server
from tests.live.waiting import wait_for


@pytest.fixture(scope="module")
def changed_once(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    """A server that was reloaded twice, and stopped; it had figures of an hour before."""
    server = make_lasting(small([upstream]))
    figures = HourFigures(_hour_before(), Counter({Labels("administration", "", "blocked"): 7}))
    FigureStore(server.state / NAME, "one").add(figures, "UTC")
    server.start()
    wait_for(lambda: b'"sealed"' in _log(server).read_bytes(), "the hour is sealed")
    for old, new in ((DENY, OPEN), (OPEN, DENY)):
        edited(server.config, old, new)
        assert darban("reload", at=server.directory).code == GOOD
    server.stop()
    return server


@pytest.fixture
def server(changed_once: Server) -> Iterator[Server]:
    """The same; its log is as it was after each test."""
    kept = {path: path.read_bytes() for path in changed_once.state.glob("journal*")}
    with changed_once.checked():
        yield changed_once
    for path in changed_once.state.glob("journal*"):
        path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)


def _head(server: Server) -> str:
    """The head as a witness has it."""
    series = server.scrape().values
    found = [dict(labels) for name, labels in series if name == "darban_history_info"]
    return f"{found[0]['number']}:{found[0]['hash']}" if found else ""


def _hour_before() -> int:
    """An hour that gets no figures any more."""
    return int(time.time() - 3 * 3600) // 3600 * 3600


def _verify(server: Server, *options: str) -> Done:
    return darban("history", "--verify", *options, at=server.directory)


def _log(server: Server) -> Path:
    return server.state / "journal.jsonl"


def _edit(path: Path, edit: Callable[[list[bytes]], object]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    edit(lines)
    path.write_bytes(b"".join(lines))


def test_a_whole_history(server: Server) -> None:
    done = _verify(server)
    assert done.code == GOOD, done.out
    assert done.out.startswith("5 records and the figures of 1 times are as they were written")
    assert done.out.endswith("the history is whole\n")
    assert "only with --head" in done.out


def test_a_report_has_the_head_and_whether_all_is_whole(server: Server) -> None:
    month = f"{dt.datetime.now(dt.UTC):%Y-%m}"
    options = ("--month", month, "--language", "en")
    told = _verify(server, "--json").json
    head = f"{told['number']}:{told['head']}"
    page = darban("report", *options, "--full", at=server.directory)
    assert page.code == GOOD, page.err
    assert f"Number and hash of its last record, the head, are <bdi>{head}</bdi>" in page.out
    assert "are as they were written" in page.out
    _edit(_log(server), lambda lines: lines.pop(1))
    told = darban("report", *options, "--json", at=server.directory).json["verification"]
    assert isinstance(told, dict)
    assert told["head"] == head
    missing = "journal.jsonl, line 2: before it records are missing, from record 2 on"
    assert told["findings"] == [missing]


def test_a_record_that_was_taken_out(server: Server) -> None:
    _edit(_log(server), lambda lines: lines.pop(1))
    done = _verify(server)
    assert done.code == NO
    assert "journal.jsonl, line 2: before it records are missing, from record 2 on" in done.out


def test_a_record_that_was_changed(server: Server) -> None:
    _log(server).write_bytes(_log(server).read_bytes().replace(b'"signal"', b'"nobody"'))
    done = _verify(server)
    assert done.code == NO
    assert "journal.jsonl: journal-head.json has record 5, " in done.out


def test_the_end_that_was_cut_off_is_found_by_the_metric_that_was_scraped(server: Server) -> None:
    kept = {path: path.read_bytes() for path in server.state.glob("journal*")}
    server.start()
    wait_for(lambda: _head(server), "the head of the start is published")
    head = _head(server)
    server.stop()
    assert _verify(server, "--head", head).code == GOOD
    number, _, sha256 = head.partition(":")
    assert f"the head of the audit log is {head}" in server.err
    assert _verify(server, "--head", sha256).code == GOOD, "as witnesses wrote it down before"
    for path, content in kept.items():  # a backup of before, with its head
        path.write_bytes(content)
    assert _verify(server).code == GOOD
    for noted in (head, sha256, f"{number}:{'f' * 64}", f"1{number}:{sha256}"):
        done = _verify(server, "--head", noted)
        assert done.code == NO
        assert f"no record has the head {noted}" in done.out


def test_a_head_that_rotation_has_removed_is_neither_whole_nor_an_accusation(
    server: Server,
) -> None:
    lines = _log(server).read_bytes().splitlines()
    heads = [f"{number}:{line_hash(line)}" for number, line in enumerate(lines, 1)]
    journal = Journal(server.state)
    for _ in range(2 * 65):
        journal.append(read_clock(), "refused", who="x" * (1 << 20), snapshot="", exemptions=[])
    first = json.loads((server.state / "journal.1.jsonl").read_bytes().split(b"\n", 1)[0])
    assert first["number"] > len(lines) + 1, "the log has rotated twice"
    assert _verify(server, "--head", f"{first['number'] - 1}:{first['before']}").code == GOOD
    for head in (heads[0], heads[-1], f"5:{'f' * 64}"):
        done = _verify(server, "--head", head)
        assert done.code == NOT_CHECKABLE, done.out
        assert f"the head {head} is not checkable: records up to {first['number'] - 1}" in done.out
        assert "the history is whole" not in done.out
        done = _verify(server, "--head", head.partition(":")[2], "--json")
        assert (done.code, done.json["whole"]) == (NOT_CHECKABLE, False)
        assert "cut off, or removed by rotation" in done.json["unchecked"][0]["text"]
    assert _verify(server, "--head", f"{first['number']}:{'f' * 64}").code == NO


def test_of_a_part_of_a_head_nothing_is_said(server: Server) -> None:
    head = _verify(server, "--json").json["head"]
    assert _verify(server, "--head", head.upper()).code == GOOD
    done = _verify(server, "--head", head[:12])
    assert (done.code, done.out) == (WRONG, "")
    assert f"'{head[:12]}' is no head; expected NUMBER:HASH" in done.err


def test_edited_figures_of_an_hour(server: Server) -> None:
    assert _verify(server, "--json").json["sealed"] == 1
    [file] = (server.state / NAME).glob("*.sqlite")
    kept = file.read_bytes()
    with closing(sqlite3.connect(file)) as database, database:
        assert database.execute("UPDATE counts SET queries = 6").rowcount == 1
    done = _verify(server)
    assert done.code == NO
    assert "figures from " in done.out
    assert "not as they were sealed" in done.out
    file.write_bytes(kept)
    assert _verify(server).code == GOOD


def test_a_record_added_for_an_earlier_time_hides_no_exemption(server: Server) -> None:
    """Granted, killed, a copy of the record before added with its right link, started again."""
    text = server.config.read_text(encoding="utf-8")
    (server.directory / "lists").mkdir()
    pager = "! Title: Pager\n! Category: messenger\n||pager.example^\n"
    (server.directory / "lists" / "pager.txt").write_text(pager, encoding="utf-8")
    edited(server.config, "directories = []", 'directories = ["lists"]')
    edited(server.config, DENY, f'{DENY}\nblock = ["pager"]')
    server.start()
    exempted = ("exempt", "administration", "pager", "--for", "2h", "--approver", "A")
    assert darban(*exempted, "--ticket", "IT-7", at=server.directory).code == GOOD
    granted = time.time()
    wait_for(lambda: _head(server), "the head of the exemption is published")
    head = _head(server)
    server.signal(signal.SIGKILL)
    server.ended()
    *_, before, grant = map(json.loads, _log(server).read_bytes().splitlines())
    clock = ClockReading(grant["time"] - 60.0, grant["offset"] - 90.0, "another boot", None)
    content = {text: before[text] for text in ("who", "snapshot", "config", "exemptions", "lists")}
    Journal(server.state).append(clock, "reload", **content)
    server.config.write_text(text, encoding="utf-8")
    server.start()
    wait_for(lambda: _head(server) not in ("", head), "the head of the start is published")
    server.stop()
    moment = dt.datetime.fromtimestamp(granted, dt.UTC).isoformat()
    then = darban("history", "--at", moment, at=server.directory)
    assert "exempted: pager" in then.out.replace("it-7: ", ""), then.out
    assert then.out.count("in force at") == 2, "each record that may be meant is shown"
    assert "was written after the head that was given" in _verify(server, "--head", head).out
    alone = _verify(server, "--at", moment)
    assert (alone.code, alone.out) == (WRONG, "")
    assert "give --head as well" in alone.err


def test_where_the_log_is_broken_is_said_instead_of_an_answer(server: Server) -> None:
    entries = [json.loads(line) for line in _log(server).read_bytes().splitlines()]
    moment = dt.datetime.fromtimestamp(entries[0]["time"] + 0.01, dt.UTC).isoformat()
    assert darban("history", "--at", moment, at=server.directory).code == GOOD
    _edit(_log(server), lambda lines: lines.insert(1, lines[-1]))
    for words in (("history",), ("history", "administration"), ("explain", "strict", "a.example")):
        done = darban(*words, "--at", moment, at=server.directory)
        assert (done.code, done.out) == (WRONG, "")
        assert "what was in force is not known:\njournal.jsonl, line 2: before it" in done.err
    listed = darban("history", at=server.directory)
    assert "journal.jsonl, line 3: record 6 was to be here" in listed.err
    assert listed.out.count("reload") == 2
