"""``darban record``: what a live server was asked, by VLAN; and what diff makes of it."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resolver.metrics.part import Answer, Request
from resolver.supervisor import control_client
from tests.live.clients import Asker, ask
from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG, darban, diff
from tests.live.configs import blocking_more, shipped
from tests.live.reloading import restored
from tests.live.server import DARBAN, Server
from tests.live.waiting import wait_for

ADMINISTRATION, PUBLICITY, NOBODY = "127.0.10.5", "127.0.20.5", "127.0.99.5"
SERVERS = "127.0.30.5"


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(shipped([upstream], workers=2))


@pytest.fixture
def server(lasting: Server) -> Iterator[Server]:
    """A server with two workers, whose state is beside its config; no recording is there."""
    with restored(lasting) as server:
        yield server
    for file in server.directory.glob("*.tsv"):
        file.unlink()


class Recording:
    """A ``darban record`` at work."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path) -> None:
        self.process = process
        self._directory = directory

    @property
    def err(self) -> str:
        return (self._directory / "record.err").read_text(encoding="utf-8")

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)


@contextmanager
def recording(server: Server, *arguments: str) -> Iterator[Recording]:
    """A recording that has begun."""
    environment = {k: v for k, v in os.environ.items() if k != "STATE_DIRECTORY"}
    with (server.directory / "record.err").open("wb") as err:
        process = subprocess.Popen(
            [DARBAN, "record", *arguments],
            cwd=server.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=err,
        )
    made = Recording(process, server.directory)
    try:
        wait_for(lambda: "recording for" in made.err, "it records")
        yield made
    finally:
        process.kill()
        process.wait(10)


def rows(file: Path) -> dict[tuple[str, str, str], int]:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    columns = [line.split("\t") for line in lines]
    return {(vlan, name, rtype): int(times) for vlan, name, rtype, times in columns}


def test_what_was_asked_by_vlan_and_by_nobody_s_name(server: Server, dig_program: Path) -> None:
    dig = Asker(dig_program, server.port)
    ask(server.port, "before.example", client=ADMINISTRATION)
    with recording(server, "--minutes", "60", "--out", "asked.tsv") as record:
        for _ in range(20):  # from ports of their own: both workers hear some
            ask(server.port, "Slack.com", client=ADMINISTRATION)
        dig(ADMINISTRATION, "slack.com", "AAAA", "+tcp")
        for _ in range(3):
            ask(server.port, "web.telegram.org", client=PUBLICITY)
        ask(server.port, "slack.com", client=NOBODY)
        assert record.end() == GOOD, record.err
    ask(server.port, "after.example", client=ADMINISTRATION)
    file = server.directory / "asked.tsv"
    assert rows(file) == {
        ("administration", "slack.com", "A"): 20,
        ("administration", "slack.com", "AAAA"): 1,
        ("publicity", "web.telegram.org", "A"): 3,
    }
    text = file.read_text(encoding="utf-8")
    heading = json.loads(text.splitlines()[0].removeprefix("# darban record 1 "))
    assert heading["vlans"] == ["administration", "publicity", "this-host"]
    assert heading["left_out"] == {}
    assert "127.0." not in text
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(server.directory.glob(".recording-*"))

    new = server.directory / "new.toml"
    new.write_text(blocking_more(server.config.read_text(encoding="utf-8")), encoding="utf-8")
    done = darban("diff", "new.toml", "--queries", "asked.tsv", at=server.directory)
    assert done.code == NO, done.err
    questions = diff("new.toml", "--queries", "asked.tsv", at=server.directory)["questions"]
    assert questions["vlans"] == {
        "administration": {"questions": 21, "changed": 21},
        "publicity": {"questions": 3, "changed": 0},
    }


def test_what_is_asked_becomes_an_allow_that_is_audited(server: Server) -> None:
    text = server.config.read_text(encoding="utf-8")
    vlan = '\n[vlans.servers]\nprefixes = ["127.0.30.0/24"]\npolicy = "publicity"\n'
    server.config.write_text(text + vlan, encoding="utf-8")
    assert darban("reload", at=server.directory).code == GOOD
    arguments = ("--minutes", "60", "--out", "asked.tsv", "--vlan", "servers")
    with recording(server, *arguments) as record:
        for name in ("deb.debian.org", "www.agency.example"):
            ask(server.port, name, client=SERVERS)
            ask(server.port, name, client=PUBLICITY)
        assert record.end() == GOOD, record.err
    assert {vlan for vlan, _, _ in rows(server.directory / "asked.tsv")} == {"servers"}
    audited = '[policies.servers]\ndefault = "block"\nmode = "audit"\nallow = []\n'
    vlan = vlan.replace("publicity", "servers") + audited
    (server.directory / "new.toml").write_text(text + vlan, encoding="utf-8")
    changed = diff("new.toml", "--queries", "asked.tsv", at=server.directory)["questions"][
        "changed"
    ]
    assert [(item["new"], item["service"], item["names"][0]["name"]) for item in changed] == [
        ("would_block", "", "www.agency.example"),
        ("would_block", "debian", "deb.debian.org"),
    ]
    vlan = vlan.replace("allow = []", 'allow = ["debian", "agency.example"]')
    vlan += "[block_log]\nenabled = true\n"
    server.config.write_text(text + vlan, encoding="utf-8")
    assert darban("reload", at=server.directory).code == GOOD
    for name in ("deb.debian.org", "www.agency.example", "nobody.thought.example"):
        ask(server.port, name, client=SERVERS)
    log = server.config.parent / ".darban" / "blocks.jsonl"
    wait_for(lambda: log.is_file() and log.read_text(encoding="utf-8"), "a line of the block log")
    [line] = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    told = {key: line[key] for key in ("name", "rule", "outcome")}
    assert told == {"name": "nobody.thought.example", "rule": "default", "outcome": "would_block"}


def test_a_vlan_that_is_not_there(server: Server) -> None:
    done = darban("record", "--minutes", "1", "--vlan", "administratoin", at=server.directory)
    assert (done.code, done.out) == (WRONG, "")
    assert "there is no VLAN 'administratoin'" in done.err
    assert 'Did you mean "administration"' in done.err
    done = darban("record", "--minutes", "0.01", "--vlan", "publicity", at=server.directory)
    assert done.code == GOOD, done.err  # the one before does not keep others out


def test_it_ends_by_itself(server: Server) -> None:
    done = darban("record", "--minutes", "0.02", at=server.directory)
    assert done.code == GOOD, done.err
    [file] = server.directory.glob("questions-*.tsv")
    assert done.out.startswith(f"{file.name}: 0 queries in ")
    assert rows(file) == {}


def test_only_one_at_a_time(server: Server) -> None:
    with recording(server, "--minutes", "60", "--out", "one.tsv") as record:
        other = darban("record", "--minutes", "1", "--out", "two.tsv", at=server.directory)
        assert other.code == WRONG
        assert "another 'darban record' is at work" in other.err
        assert record.end(signal.SIGTERM) == GOOD
    done = darban("record", "--minutes", "0.01", "--out", "two.tsv", at=server.directory)
    assert done.code == GOOD, done.err


def test_a_reload_that_numbers_the_vlans_anew(server: Server) -> None:
    text = server.config.read_text(encoding="utf-8")
    with recording(server, "--minutes", "60", "--out", "asked.tsv") as record:
        ask(server.port, "slack.com", client=PUBLICITY)
        first = '[vlans.first]\nprefixes = ["10.99.0.0/16"]\npolicy = "publicity"\n'
        changed = text.replace("[vlans.administration]\n", first + "[vlans.administration]\n")
        server.config.write_text(changed, encoding="utf-8")
        assert darban("reload", at=server.directory).code == GOOD
        ask(server.port, "slack.com", client=ADMINISTRATION)
        ask(server.port, "slack.com", client=PUBLICITY)
        assert record.end() == GOOD
        assert "interruptions" not in record.err
    assert rows(server.directory / "asked.tsv") == {
        ("administration", "slack.com", "A"): 1,
        ("publicity", "slack.com", "A"): 2,
    }


def test_a_worker_that_is_replaced_is_told(server: Server) -> None:
    server.expect_error("ended with")
    with recording(server, "--minutes", "60", "--out", "asked.tsv") as record:
        before = server.workers()
        os.kill(before[0], signal.SIGKILL)
        wait_for(lambda: len(set(server.workers()) | set(before)) == 3, "a successor")
        wait_for(lambda: server.scrape().value("darban_workers") == 2, "it serves")
        for _ in range(20):
            wait_for(lambda: ask(server.port, "slack.com", client=ADMINISTRATION), "an answer")
        assert record.end() == GOOD
        assert "interruptions: 1" in record.err
    assert set(rows(server.directory / "asked.tsv")) == {("administration", "slack.com", "A")}


def test_a_server_that_ends_leaves_what_was_taken(server: Server) -> None:
    with recording(server, "--minutes", "60", "--out", "asked.tsv") as record:
        server.stop()
        assert record.process.wait(30) == UNREACHABLE
        assert "ended early: no server answers" in record.err
    assert rows(server.directory / "asked.tsv") == {}


def test_a_command_that_is_gone_is_not_waited_for(server: Server) -> None:
    """Another may record once its lease has run out; what it had counted is forgotten."""
    with recording(server, "--minutes", "60", "--out", "asked.tsv") as record:
        ask(server.port, "slack.com", client=ADMINISTRATION)
        record.end(signal.SIGKILL)
    request: Request = {"command": "record", "owner": "another", "counting": True}
    another: Answer = control_client.ask(server.config, request)
    assert "one at a time" in str(another["error"])

    def accepted() -> bool:
        nonlocal another
        another = control_client.ask(server.config, request)
        return "error" not in another

    wait_for(accepted, "the lease has run out", 30)
    assert (another["rows"], another["begun"]) == ([], 2)
    assert not (server.directory / "asked.tsv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], WRONG, "--minutes"),
        (["--minutes", "0"], WRONG, "--minutes"),
        (["--minutes", "20161"], WRONG, "--minutes"),
        (["--minutes", "1", "--out", "here"], WRONG, "here: exists already"),
        (["--minutes", "1", "--out", "no/where"], WRONG, "cannot be written (No such file"),
        (["--minutes", "20160"], UNREACHABLE, "no server answers on"),
    ],
)
def test_what_cannot_be_recorded(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    (tmp_path / "here").write_text("mine", encoding="ascii")
    done = darban("record", *arguments, at=tmp_path)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert (tmp_path / "here").read_text(encoding="ascii") == "mine"
