"""A signed list with the real server: who signed it, an older one, and a key that is removed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.lists.manifest import MANIFEST, SIGNATURE
from tests.fetch.signing import allow, make_keys, manifest, signature
from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG
from tests.live.programs import needed
from tests.live.server import Server
from tests.live.subscribed import SUBSCRIBED, blocked, run
from tests.live.waiting import wait_for

_SIGNED = SUBSCRIBED.replace('url = "URL"', 'url = "URL"\nallowed_signers = "signers"')


def _publish(place: Path, serial: int, *names: str, key: str = "noc") -> None:
    text = "".join(f"0.0.0.0 {name}\n" for name in names).encode()
    content = manifest(serial, {"ads.txt": text})
    (place / "ads.txt").write_bytes(text)
    (place / MANIFEST).write_bytes(content)
    (place / SIGNATURE).write_bytes(signature(content, place / key))


@pytest.fixture
def server(make_small: Callable[..., Server], tmp_path: Path) -> Server:
    """A server whose list is signed; ``signers`` beside its config names the key ``noc``."""
    needed("ssh-keygen")
    make_keys(tmp_path, "noc", "desk")
    allow(tmp_path, "noc")
    url = (tmp_path / "ads.txt").as_uri()
    server = make_small(more=_SIGNED.replace("URL", url))
    (server.directory / "signers").write_text((tmp_path / "signers").read_text())
    return server


def test_a_signed_list_is_in_force_with_its_signer(server: Server, tmp_path: Path) -> None:
    server.expect_error("list ads: ")
    _publish(tmp_path, 7, "a.example")
    server.start()
    wait_for(lambda: blocked(server, "a.example"), "the list is in force")
    shown = run(server, "lists").out
    assert "signed by noc@agency.example SHA256:" in shown
    assert "serial 7" in shown
    [record] = json.loads(run(server, "lists", "--json").out)["lists"]
    assert record["fetched"]["serial"] == 7
    assert not {"manifest", "signature"} & record["fetched"].keys()

    _publish(tmp_path, 6, "b.example")
    older = run(server, "lists", "update", "ads", "--accept")
    assert older.code == NO
    assert "refused: its serial 6 is lower than 7, which is in force" in older.out
    assert blocked(server, "a.example")
    nameless = run(server, "lists", "update", "--reset-serial")
    assert (nameless.code, "say which lists" in nameless.err) == (WRONG, True)
    done = run(server, "lists", "update", "ads", "--reset-serial")
    assert done.code == GOOD, done.out
    wait_for(lambda: blocked(server, "b.example"), "the list is in force")
    entries = json.loads(run(server, "history", "--json").out)["entries"]
    [who] = [entry["who"] for entry in entries if entry["event"] == "lists --reset-serial"]
    assert who.startswith("uid ")
    assert who.endswith(": ads")
    assert "lists --reset-serial" in run(server, "history").out


@pytest.mark.real_clock
def test_a_key_that_was_removed_is_told_by_itself(server: Server, tmp_path: Path) -> None:
    server.expect_error("list ads: ")
    _publish(tmp_path, 1, "a.example")
    server.start()
    wait_for(lambda: blocked(server, "a.example"), "the list is in force")
    allow(tmp_path, "desk")
    (server.directory / "signers").write_text((tmp_path / "signers").read_text())
    server.stop()
    server.start()
    wait_for(
        lambda: server.scrape().value("darban_list_failures_total", list="ads") == 1,
        "the update has failed",
    )
    told = run(server, "lists").out
    assert "the copy in use came signed by noc@agency.example SHA256:" in told
    [listed] = json.loads(run(server, "status", "--json").out)["fetched"]
    assert (listed["name"], listed["failures"]) == ("ads", 1)
    assert listed["copy_fault"].startswith("the copy in use came signed by noc@agency.example")
    assert server.scrape().value("darban_faults", kind="copy_not_accepted") == 1
    assert blocked(server, "a.example")
    server.stop()
    reset = run(server, "lists", "update", "ads", "--reset-serial")
    assert reset.code == UNREACHABLE
    assert run(server, "lists", "update", "ads").code == NO
    _publish(tmp_path, 2, "c.example", key="desk")
    assert run(server, "lists", "update", "ads").code == GOOD
