"""The auditor's question: what was blocked for whom at a moment, why, and who had exempted whom.

Before two changes of the policy, an edit of a list, an update of another, and an upgrade.
"""

import datetime as dt
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import resolver
from tests.fetch.source_server import Authority, Sources
from tests.live.commands import GOOD, NO, WRONG, Done, darban
from tests.live.configs import edited, replaced_once, small
from tests.live.reloading import reload
from tests.live.server import Server
from tests.live.subscribed import SUBSCRIBED, blocked, hosts, run
from tests.live.waiting import wait_for

BEFORE = "0.9.0"
EXEMPTION = """
[[exemptions]]
id = "desk-7"
prefixes = ["127.0.10.7/32"]
services = ["pager"]
until = 2199-01-01T00:00:00Z
approver = "Director"
ticket = "IT-7"
reason = "fair"
"""
ACKNOWLEDGED = '\n[warnings]\nacknowledged = ["long-exemption:desk-7"]\n'
OWN = "! Category: messenger\n||pager.example^\n"


class Told(NamedTuple):
    """A server after all that was changed, and the moment before."""

    server: Server
    moment: str
    snapshot: str
    """The one of that moment."""


@pytest.fixture(scope="module")
def told(
    make_lasting: Callable[[str], Server],
    upstream: str,
    list_server: Sources,
    made_authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Told:
    list_server.says["/ads"] = hosts("a.example")
    more = EXEMPTION + ACKNOWLEDGED + SUBSCRIBED.replace("URL", list_server.url("/ads"))
    text = replaced_once(small([upstream], more=more), "directories = []", 'directories = ["own"]')
    text = replaced_once(text, "[policies.publicity]", 'block = ["pager"]\n[policies.publicity]')
    server = make_lasting(text)
    own = server.directory / "own" / "pager.txt"
    own.parent.mkdir()
    own.write_text(OWN)
    trusting = {"SSL_CERT_FILE": str(made_authority.trusted)}
    server.environment = {**trusting, "PYTHONPATH": str(_earlier(tmp_path_factory))}
    server.start()
    wait_for(lambda: run(server, "lists", "update").code == GOOD, "the list is fetched")
    wait_for(lambda: blocked(server, "a.example"), "the list is in force")
    moment, snapshot = time.time(), _entries(server)[-1]["snapshot"]
    edited(server.config, EXEMPTION + ACKNOWLEDGED, "")
    assert reload(server).code == GOOD
    edited(server.config, 'block = ["pager"]\n', "")
    own.write_text(OWN.replace("pager.example", "other.example"))
    assert reload(server).code == GOOD
    list_server.says["/ads"] = hosts("b.example")
    assert run(server, "lists", "update", "--accept").code == GOOD
    list_server.says["/ads"] = hosts("c.example")
    assert run(server, "lists", "update", "--accept").code == GOOD
    server.stop()
    server.environment = trusting
    server.start()
    return Told(server, dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(), snapshot)


@pytest.fixture
def story(told: Told) -> Iterator[Told]:
    with told.server.checked():
        yield told


def _earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with this program as an earlier release."""
    directory = tmp_path_factory.mktemp("earlier")
    shutil.copytree(Path(resolver.__file__).parent, directory / "resolver")
    file = directory / "resolver" / "__init__.py"
    text = file.read_text(encoding="utf-8")
    file.write_text(replaced_once(text, f'"{resolver.__version__}"', f'"{BEFORE}"'), "utf-8")
    return directory


def _entries(server: Server) -> list[dict[str, str]]:
    entries = darban("history", "--json", at=server.directory).json["entries"]
    assert isinstance(entries, list)
    return entries


def _ask(story: Told, *words: str) -> Done:
    return darban(*words, "--at", story.moment, at=story.server.directory)


def test_what_was_blocked_on_a_vlan_and_who_had_approved_the_exemption(story: Told) -> None:
    done = _ask(story, "history", "administration")
    assert done.code == GOOD, done.err
    lines = done.out.splitlines()
    assert story.snapshot in lines[0]
    assert lines[1].endswith("(lists)")
    assert lines[2].startswith(f"Darban {BEFORE} ran then; Darban {resolver.__version__} decides")
    assert lines[2].endswith("by the snapshot of then")
    assert lines[3] == "VLAN administration, policy administrative, mode enforce"
    assert "blocked, by the agency's own policy: pager" in lines
    [exempted] = [line for line in lines if line.startswith("exempted:")]
    assert exempted.startswith("exempted: desk-7: pager for 127.0.10.7/32 until 2199-01-01")
    assert exempted.endswith("approved by Director (IT-7); fair")


def test_what_was_blocked_for_a_client(story: Told) -> None:
    desk, other = (_ask(story, "history", f"127.0.10.{number}").out for number in (7, 5))
    assert "open by an exemption: pager" in desk
    assert "approved by Director (IT-7)" in desk
    assert "blocked, by the agency's own policy: pager" in other
    assert "exempted: nobody" in other
    assert "in no VLAN, so its queries were refused" in _ask(story, "history", "192.0.2.1").out


def test_how_a_name_was_answered(story: Told) -> None:
    done = _ask(story, "explain", "127.0.10.5", "pager.example")
    assert done.code == NO
    assert "own/pager.txt" in done.out
    assert f"snapshot {story.snapshot}" in done.out
    assert f"Darban {BEFORE} ran then" in done.out
    exempted = _ask(story, "explain", "127.0.10.7", "pager.example", "--json")
    assert exempted.code == GOOD
    assert (exempted.json["outcome"], exempted.json["exemption"]) == ("exempted", "desk-7")
    assert json.loads(exempted.out)["in_force"]["version"] == BEFORE
    server = story.server
    assert darban("explain", "127.0.10.5", "pager.example", at=server.directory).code == GOOD


def test_a_list_that_was_fetched_since_decides_as_it_was(story: Told) -> None:
    assert _ask(story, "explain", "strict", "a.example").code == NO
    assert _ask(story, "explain", "strict", "b.example").code == GOOD
    server = story.server
    assert darban("explain", "strict", "a.example", at=server.directory).code == GOOD


def test_the_report_of_then(story: Told) -> None:
    done = _ask(story, "report", "--json")
    assert done.code == GOOD, done.err
    assert done.json["snapshot"] == story.snapshot
    assert done.json["started"] == 0, "no queries are counted for then"
    page = _ask(story, "report", "--language", "en").out
    assert "desk-7" in page
    assert f"Darban <bdi>{BEFORE}</bdi> ran then" in page
    assert "Counted since" not in page


def test_nothing_is_written_or_put_in_force(story: Told) -> None:
    def files() -> dict[str, tuple[int, float]]:
        found = (path for path in story.server.state.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_size, path.stat().st_mtime) for path in found}

    def writes_nothing() -> bool:
        before = files()
        for words in (("history", "administration"), ("explain", "strict", "a.example")):
            _ask(story, *words)
        return files() == before

    entries = _entries(story.server)
    # The server itself writes its figures once a minute.
    assert writes_nothing() or writes_nothing()
    assert _entries(story.server) == entries


def test_a_snapshot_that_is_gone_is_named_and_the_audit_log_still_tells(story: Told) -> None:
    path = story.server.state / "snapshots" / story.snapshot
    aside = path.rename(path.with_name("aside"))
    try:
        done = [
            _ask(story, *words)
            for words in (
                ("explain", "127.0.10.5", "pager.example"),
                ("history", "administration"),
                ("report",),
            )
        ]
        told = _ask(story, "history")
        texts = _ask(story, "history", "--json").json["files"]
    finally:
        aside.rename(path)
    for item in done:
        assert (item.code, item.out) == (WRONG, "")
        assert f"{path}: the snapshot cannot be read (No such file or directory)" in item.err
        assert "expected the snapshot that was in force at" in item.err
        assert "'darban history --at' with this moment shows who put it in force" in item.err
    assert told.code == GOOD
    assert f"snapshot {story.snapshot}, config " in told.out
    assert "exempted: desk-7: pager for 127.0.10.7/32" in told.out
    assert 'id = "desk-7"' in texts["config.toml"]


def test_without_its_text_the_policy_of_then_decides(story: Told) -> None:
    path = story.server.state / "configs"
    aside = path.rename(path.with_name("aside"))
    try:
        assert _ask(story, "explain", "127.0.10.5", "pager.example").code == NO
        assert _ask(story, "report", "--json").json["snapshot"] == story.snapshot
    finally:
        aside.rename(path)


def test_a_moment_before_the_audit_log(story: Told) -> None:
    done = darban("explain", "strict", "a.example", "--at", "2020-01-01", at=story.server.directory)
    assert done.code == NO
    assert "nothing was in force: the audit log begins later" in done.err


def test_an_upstream_is_not_asked_for_a_past_moment(story: Told) -> None:
    done = _ask(story, "explain", "strict", "a.example", "--live")
    assert done.code == WRONG
    assert "--live asks an upstream now" in done.err
