"""``darban reload FILE``: another file in the place of the config and in force, or neither."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG, Done, darban
from tests.live.configs import replaced_once, small
from tests.live.nsd import ANY_V4
from tests.live.reloading import DENY, EXPECT, OPEN, restored
from tests.live.server import Server


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(small([upstream]))


@pytest.fixture
def server(lasting: Server) -> Iterator[Server]:
    """A server that runs with its first config, which has no other beside it."""
    with restored(lasting) as server:
        yield server
    for path in server.directory.iterdir():
        if path.is_file() and path.name not in ("config.toml", "stdout", "stderr"):
            path.unlink()


def _new(server: Server, old: str, new: str, more: str = "") -> Path:
    """new.toml: the config with another text."""
    text = server.config.read_text(encoding="utf-8")
    path = server.directory / "new.toml"
    path.write_text(replaced_once(text, old, new) + more, encoding="utf-8")
    return path


def _from(server: Server, *arguments: str) -> Done:
    return darban("reload", *arguments, at=server.directory)


def _data(server: Server) -> str:
    answer = ask(server.port, "web.telegram.org", client="127.0.10.5")
    assert answer is not None
    return str(answer.rr[0].rdata)


def test_it_takes_the_place_of_the_config(server: Server) -> None:
    before = server.config.read_bytes()
    server.config.chmod(0o640)
    new = _new(server, DENY, OPEN)
    done = _from(server, "new.toml")
    assert done.code == GOOD, done.err
    first = done.out.splitlines()[0]
    assert first == "from in force to new.toml: 1 change; all names: some become looser"
    assert "deny:" not in done.out, "darban diff shows it"
    assert "config.toml: in force, snapshot " in done.out
    assert "never in force" not in done.out
    assert _data(server) == ANY_V4
    assert server.config.read_bytes() == new.read_bytes()
    old = server.directory / "config.toml.old"
    assert old.read_bytes() == before
    assert {path.stat().st_mode & 0o777 for path in (server.config, old)} == {0o640}
    assert darban("diff", at=server.directory).code == GOOD
    again = _from(server, "new.toml")
    assert again.code == GOOD
    assert "config.toml has the text of new.toml already" in again.out
    assert old.read_bytes() == before
    back = _from(server, "config.toml.old", "--json")
    assert (back.code, back.json["result"], back.json["kept"]) == (
        *(GOOD, "applied"),
        "config.toml.old",
    )
    assert _data(server) == "0.0.0.0"
    assert server.config.read_bytes() == before
    assert old.read_bytes() == new.read_bytes()


def test_what_changes_is_in_the_json_too(server: Server) -> None:
    _new(server, DENY, OPEN)
    done = _from(server, "new.toml", "--json")
    shown = done.json["diff"]
    assert isinstance(shown, dict)
    assert [change["name"] for change in shown["changes"]] == ["administrative"]


@pytest.mark.parametrize(
    ("old", "new", "more", "code", "said"),
    [
        (DENY, "denied = []", "", WRONG, 'Did you mean "deny"?'),
        (DENY, OPEN, EXPECT, NO, "expected blocked, got passed"),
        ("workers = 1", "workers = 2", "", WRONG, "server.workers needs a restart"),
    ],
)
def test_what_is_refused_changes_nothing(
    server: Server, old: str, new: str, more: str, code: int, said: str
) -> None:
    server.expect_error("reload by|needs a restart")
    before = server.config.read_bytes()
    _new(server, old, new, more)
    done = _from(server, "new.toml")
    assert done.code == code
    assert said in done.out + done.err
    assert "config.toml is as it was" in done.out + done.err
    assert server.config.read_bytes() == before
    assert not (server.directory / "config.toml.old").exists()
    assert _data(server) == "0.0.0.0"
    assert server.scrape().value("darban_config_ok") == 1


def test_an_edit_that_was_not_reloaded_is_kept_and_not_put_in_force(server: Server) -> None:
    _new(server, DENY, OPEN)
    server.config.write_text(server.config.read_text() + EXPECT)
    edited = server.config.read_bytes()
    done = _from(server, "new.toml")
    assert done.code == GOOD
    assert (
        "config.toml.old has an edit that was never in force, and config.toml does not" in done.out
    )
    assert (server.directory / "config.toml.old").read_bytes() == edited
    assert darban("reload", at=server.directory).code == GOOD
    assert _data(server) == ANY_V4


def test_another_config_than_the_server_s_is_not_reloaded(server: Server) -> None:
    _new(server, DENY, OPEN)
    for command in ("reload", "status", "flush --all", "exempt 127.0.10.5 x --for 1h"):
        named = [*command.split(), "--config", "new.toml"]
        named += ["--approver", "A", "--ticket", "T"] if "exempt" in command else []
        done = darban(*named, at=server.directory)
        assert done.code == WRONG
        assert done.out == ""
        own, other = server.config.resolve(), server.directory.resolve() / "new.toml"
        assert f"the server that answers serves {own}, not {other}" in done.err
    assert _data(server) == "0.0.0.0"


def test_the_config_may_be_named_by_any_path(server: Server) -> None:
    (server.directory / "link.toml").symlink_to("config.toml")
    assert darban("reload", "--config", "link.toml", at=server.directory).code == GOOD
    assert darban("reload", "--config", server.config, at=Path("/")).code == GOOD


def test_a_config_that_is_a_pipe_holds_up_nothing(server: Server) -> None:
    """To read it would wait for a writer, also in every later reload."""
    server.expect_error("reload by|config.toml: found a named pipe")
    _new(server, DENY, OPEN)
    text = server.config.read_bytes()
    server.config.unlink()
    os.mkfifo(server.config)
    try:
        for command in ("check", "reload"):
            done = darban(command, at=server.directory)
            assert done.code == WRONG
            assert "config.toml: found a named pipe; expected a file that can be read" in done.out
        done = _from(server, "new.toml")
        assert (done.code, done.err) == (WRONG, "config.toml: a named pipe\n")
    finally:
        server.config.unlink()
        server.config.write_bytes(text)
    assert _data(server) == "0.0.0.0"
    assert darban("reload", at=server.directory).code == GOOD


def test_without_a_config_nothing_is_put_in_force(server: Server) -> None:
    _new(server, DENY, OPEN)
    server.config.rename(server.directory / "aside")
    done = _from(server, "new.toml")
    (server.directory / "aside").rename(server.config)
    assert (done.code, "config.toml does not exist; copy new.toml" in done.err) == (WRONG, True)
    assert _data(server) == "0.0.0.0"


def test_what_makes_no_sense(server: Server) -> None:
    itself = _from(server, "./config.toml")
    assert (itself.code, "is the config itself" in itself.err) == (WRONG, True)
    elsewhere = server.directory / "elsewhere"
    elsewhere.mkdir()
    _new(server, DENY, OPEN).rename(elsewhere / "new.toml")
    done = _from(server, "elsewhere/new.toml")
    assert (done.code, "is not beside config.toml" in done.err) == (WRONG, True)
    none = _from(server, "none.toml")
    assert (none.code, "none.toml" in none.err) == (WRONG, True)
    server.stop()
    before = server.config.read_bytes()
    _new(server, DENY, OPEN)
    assert _from(server, "new.toml").code == UNREACHABLE
    assert server.config.read_bytes() == before
