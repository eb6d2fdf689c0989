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

from resolver.evidence.figures.counts import HourFigures, Labels
from resolver.evidence.figures.store import NAME, FigureStore
from resolver.evidence.history_chain import HistoryChain
from resolver.evidence.journal import Journal
from tests.live.commands import GOOD, NO, WRONG, Done, darban
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
    wait_for(lambda: b'"figures"' in _chain(server).read_bytes(), "the hour is sealed")
    for old, new in ((DENY, OPEN), (OPEN, DENY)):
        edited(server.config, old, new)
        assert darban("reload", at=server.directory).code == GOOD
    server.stop()
    return server


@pytest.fixture
def server(changed_once: Server) -> Iterator[Server]:
    """The same; its log and its chain are as they were after each test."""
    kept = {path: path.read_bytes() for path in changed_once.state.glob("journal*.jsonl")}
    with changed_once.checked():
        yield changed_once
    for path, content in kept.items():
        path.write_bytes(content)


def _head(server: Server) -> str:
    """The head as a witness has it."""
    series = server.scrape().values
    found = [dict(labels) for name, labels in series if name == "darban_history_info"]
    return found[0]["hash"] if found else ""


def _hour_before() -> int:
    """An hour that gets no figures any more."""
    return int(time.time() - 3 * 3600) // 3600 * 3600


def _chain(server: Server) -> Path:
    return server.state / "journal-chain.jsonl"


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
    assert done.out.startswith("4 records and the figures of 1 times are as the chain has them")
    assert done.out.endswith("the history is whole\n")
    assert "only with --head" in done.out


def test_a_report_has_the_head_and_whether_all_is_whole(server: Server) -> None:
    month = f"{dt.datetime.now(dt.UTC):%Y-%m}"
    options = ("--month", month, "--language", "en")
    head = _verify(server, "--json").json["head"]
    page = darban("report", *options, "--full", at=server.directory)
    assert page.code == GOOD, page.err
    assert f"The head of the chain is <bdi>{head}</bdi>" in page.out
    assert "are as their chain of hashes has them" in page.out
    _edit(_log(server), lambda lines: lines.pop(1))
    told = darban("report", *options, "--json", at=server.directory).json["verification"]
    assert isinstance(told, dict)
    assert told["head"] == head
    assert ["is missing after journal.jsonl, line 1" in each for each in told["findings"]] == [True]


def test_a_record_that_was_taken_out(server: Server) -> None:
    _edit(_log(server), lambda lines: lines.pop(1))
    done = _verify(server)
    assert done.code == NO
    assert "is missing after journal.jsonl, line 1" in done.out


def test_a_record_that_was_changed(server: Server) -> None:
    _log(server).write_bytes(_log(server).read_bytes().replace(b'"signal"', b'"nobody"'))
    done = _verify(server)
    assert done.code == NO
    assert "journal.jsonl, line 4: the record that was linked at" in done.out


def test_the_end_that_was_cut_off_is_found_by_the_metric_that_was_scraped(server: Server) -> None:
    server.start()
    wait_for(lambda: _head(server), "the start is chained")
    head = _head(server)
    server.stop()
    assert _verify(server, "--head", head).code == GOOD
    for path in server.state.glob("journal*.jsonl"):
        _edit(path, lambda lines: lines.__delitem__(slice(-3, None)))
    assert _verify(server).code == GOOD
    done = _verify(server, "--head", head)
    assert done.code == NO
    assert f"no link has the head {head}" in done.out


def test_a_server_killed_between_the_record_and_its_link(server: Server) -> None:
    server.start()
    wait_for(lambda: _head(server), "the start is chained")
    server.signal(signal.SIGKILL)
    server.ended()
    _edit(_chain(server), lambda lines: lines.pop())
    assert "1 records at the end have no link" in _verify(server).out
    server.start()
    wait_for(lambda: _head(server), "the start is chained")
    server.stop()
    done = _verify(server)
    assert done.code == NO, done.out
    assert "the server found 1 records without a link that it had not written" in done.out


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


def test_a_backdated_record_hides_no_exemption(server: Server) -> None:
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
    wait_for(lambda: _head(server), "the exemption is chained")
    head = _head(server)
    server.signal(signal.SIGKILL)
    server.ended()
    *_, before, grant = map(json.loads, _log(server).read_bytes().splitlines())
    forged = {**before, "time": grant["time"] - 0.001}
    Journal(_log(server)).append(json.dumps(forged, ensure_ascii=False).encode())
    HistoryChain(server.state).follow(time.time(), appended=1)
    server.config.write_text(text, encoding="utf-8")
    server.start()
    wait_for(lambda: _head(server) not in ("", head), "the start is chained")
    server.stop()
    moment = dt.datetime.fromtimestamp(granted, dt.UTC).isoformat()
    then = darban("history", "--at", moment, at=server.directory)
    assert "exempted: pager" in then.out.replace("it-7: ", ""), then.out
    assert "not believed: a record of" in then.out
    alone = _verify(server, "--at", moment)
    assert (alone.code, alone.out) == (WRONG, "")
    assert "give --head as well" in alone.err
    page = darban("report", "--at", moment, "--language", "en", at=server.directory)
    assert "not believed: a record of" in page.err
    assert "comes after one of a later time" in _verify(server).out
    done = _verify(server, "--head", head)
    assert done.code == NO
    assert "was added after the head that was given" in done.out
