"""``darban history --verify`` on the log of a server that really changed, and was tampered with."""

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resolver.audit.figures.counts import HourFigures, Labels
from resolver.audit.figures.store import NAME, FigureStore
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


def test_a_whole_history(server: Server) -> None:
    done = _verify(server)
    assert done.code == GOOD, done.out
    assert done.out.startswith("5 records and the figures of 1 times are as they were written")
    assert done.out.endswith("the history is whole\n")
    assert "only with --head" in done.out
    part = _verify(server, "--head", "3f" * 6)
    assert (part.code, part.out) == (WRONG, "")
    assert "is no head; expected NUMBER:HASH" in part.err
    alone = _verify(server, "--at", "2026-12-01T10:00")
    assert (alone.code, alone.out) == (WRONG, "")
    assert "give --head as well" in alone.err


def test_a_record_that_was_taken_out(server: Server) -> None:
    first, _, *others = _log(server).read_bytes().splitlines(keepends=True)
    _log(server).write_bytes(b"".join((first, *others)))
    done = _verify(server)
    assert done.code == NO
    assert "journal.jsonl, line 2: before it records are missing, from record 2 on" in done.out
    month = f"{dt.datetime.now(dt.UTC):%Y-%m}"
    report = darban("report", "--month", month, "--json", at=server.directory).json
    assert report["verification"]["findings"] == [
        "journal.jsonl, line 2: before it records are missing, from record 2 on"
    ]
    moment = dt.datetime.fromtimestamp(json.loads(first)["time"] + 0.01, dt.UTC).isoformat()
    then = darban("history", "--at", moment, at=server.directory)
    assert (then.code, then.out) == (WRONG, "")
    assert "what was in force is not known:\njournal.jsonl, line 2: before it" in then.err


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
