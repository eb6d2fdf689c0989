"""``darban history --restore``: the config and the lists of an earlier moment, in force again."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG, Done, darban
from tests.live.server import Server
from tests.live.waiting import wait_for

LIST = "! Category: messenger\n||{}.example^\n"
VLAN = '[vlans.{0}]\nprefixes = ["127.0.{1}.0/24"]\npolicy = "administrative"\n'


@pytest.fixture
def server(make_small: Callable[..., Server]) -> Server:
    """With a list of its own, and an included file."""
    server = make_small()
    text = server.config.read_text(encoding="utf-8")
    text = text.replace("directories = []", 'directories = ["own"]')
    text = text.replace('deny = ["web.telegram.org"]', 'block = ["@messenger"]')
    server.config.write_text('include = ["more/*.toml"]\n' + text, encoding="utf-8")
    for directory in ("own", "more"):
        (server.directory / directory).mkdir()
    (server.directory / "own" / "pager.txt").write_text(LIST.format("first"))
    (server.directory / "more" / "guests.toml").write_text(VLAN.format("guests", 30))
    server.start()
    wait_for(lambda: _entries(server), "the start is written down")
    return server


def _entries(server: Server) -> list[dict[str, str]]:
    entries = darban("history", "--json", at=server.directory).json["entries"]
    assert isinstance(entries, list)
    return entries


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()


def _restore(server: Server, moment: str, *options: str) -> Done:
    return darban("history", "--restore", moment, *options, at=server.directory)


def _files(server: Server) -> dict[str, bytes]:
    """The config, what it may include, and the lists; not what is kept of them."""
    paths = [*server.directory.glob("**/*.toml"), *server.directory.glob("own/*.txt")]
    return {str(path.relative_to(server.directory)): path.read_bytes() for path in paths}


def _blocked(server: Server, name: str, client: str) -> bool:
    answer = ask(server.port, name, client=client)
    assert answer is not None
    return [str(record.rdata) for record in answer.rr] == ["0.0.0.0"]


def _edit(server: Server) -> None:
    """Change, add and remove a file of each kind."""
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text(text + "# second\n", encoding="utf-8")
    own, more = server.directory / "own", server.directory / "more"
    (own / "pager.txt").write_text(LIST.format("second"))
    (own / "other.txt").write_text(LIST.format("other"))
    (more / "guests.toml").unlink()
    (more / "visitors.toml").write_text(VLAN.format("visitors", 40))


def test_config_and_lists_are_as_they_were(server: Server) -> None:
    first, moment = _files(server), _now()
    _edit(server)
    assert darban("reload", at=server.directory).code == GOOD
    second, later = _files(server), _now()
    assert _blocked(server, "second.example", "127.0.40.5")
    done = _restore(server, moment)
    assert done.code == GOOD, done.err
    for line in ("-# second", "-||second.example^", "+||first.example^", "-[vlans.visitors]"):
        assert f"{line}\n" in done.out
    assert "config.toml: in force, snapshot " in done.out
    assert _files(server) == first
    assert _blocked(server, "first.example", "127.0.30.5")
    assert not _blocked(server, "second.example", "127.0.10.5")
    assert darban("diff", at=server.directory).code == GOOD
    old = server.directory / "own" / "pager.txt.old"
    assert old.read_bytes() == second["own/pager.txt"]
    [*_, entry] = _entries(server)
    assert (entry["event"], entry["snapshot"]) == ("restore", _entries(server)[0]["snapshot"])
    assert "config.toml: nothing has changed" in darban("reload", at=server.directory).out

    forward = _restore(server, later, "--json")
    assert (forward.code, forward.json["result"]) == (GOOD, "applied")
    assert _files(server) == second
    same = _restore(server, later)
    assert (same.code, "its files are as they were" in same.out) == (GOOD, True)


def test_what_is_refused_changes_nothing(server: Server) -> None:
    moment = _now()
    server.stop()
    _edit(server)
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text(text.replace("workers = 1", "workers = 2"), encoding="utf-8")
    server.start()
    wait_for(lambda: len(_entries(server)) == 3, "the start is written down")
    before = _files(server)
    server.expect_error("restore by|needs a restart")
    done = _restore(server, moment)
    assert done.code == WRONG
    assert "server.workers needs a restart" in done.out
    assert "config.toml and its lists are as they were" in done.out
    assert _files(server) == before
    assert _blocked(server, "second.example", "127.0.40.5")
    assert server.scrape().value("darban_config_ok") == 1


def test_nothing_is_restored_through_a_link(server: Server) -> None:
    moment = _now()
    _edit(server)
    own = server.directory / "own" / "pager.txt"
    own.rename(server.directory / "elsewhere.txt")
    own.symlink_to("../elsewhere.txt")
    assert darban("reload", at=server.directory).code == GOOD
    before = _files(server)
    done = _restore(server, moment)
    assert done.code == WRONG
    assert "own/pager.txt cannot be written (it is a link; " in done.err
    assert _files(server) == before
    assert _blocked(server, "second.example", "127.0.40.5")


def test_what_cannot_be_restored_is_named(server: Server, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "far.txt").write_text(LIST.format("far"))
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text(text.replace('["own"]', f'["own", "{elsewhere}"]'), encoding="utf-8")
    assert darban("reload", at=server.directory).code == GOOD
    moment = _now()
    (elsewhere / "far.txt").write_text(LIST.format("farther"))
    (elsewhere / "new.txt").write_text(LIST.format("new"))
    _edit(server)
    for kept in (server.state / "kept-lists").iterdir():
        kept.unlink()
    assert darban("reload", at=server.directory).code == GOOD
    left = _restore(server, moment, "--json").json["not_restored"]
    assert isinstance(left, list)
    assert sorted(left) == [
        f"{elsewhere}/far.txt: differs, and is outside of {server.directory}",
        f"{elsewhere}/new.txt: was not there, and is outside of {server.directory}",
        "own/pager.txt: what it was then is not kept; it stays as it is",
    ]
    assert _blocked(server, "farther.example", "127.0.30.5")


def test_what_makes_no_sense(server: Server) -> None:
    before = _files(server)
    assert _restore(server, "2020-01-01").code == NO
    assert _restore(server, "2199-01-01").code == WRONG
    both = darban("history", "--restore", _now(), "--at", _now(), at=server.directory)
    assert (both.code, both.err.endswith("say one of --at and --restore\n")) == (WRONG, True)
    moment = _now()
    server.stop()
    assert _restore(server, moment).code == UNREACHABLE
    assert _files(server) == before
