"""Lists of a release from a medium: made, signed, put in force, refused, and gone back from."""

import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from resolver.lists.manifest import MANIFEST, SIGNATURE
from tests.live.commands import GOOD, NO, UNREACHABLE, Done, darban
from tests.live.configs import BLOCKLISTS, edited, replaced_once, shipped
from tests.live.programs import needed
from tests.live.reloading import data, reload
from tests.live.server import Server
from tests.live.waiting import wait_for

NEW, SERIAL = "new-of-medium.example", 2026120301
SIGNER, OTHER = "lists@agency.example", "stranger"


@dataclass
class Medium:
    """A directory of lists, as ``make lists-release`` writes it, and the keys of two people."""

    lists: Path
    keys: Path

    @property
    def signers(self) -> Path:
        return self.keys / "signers"

    def allow(self, *names: str) -> None:
        """Name the keys that may sign."""
        lines = [
            f'{SIGNER} namespaces="darban-lists" {(self.keys / f"{name}.pub").read_text("utf-8")}'
            for name in names
        ]
        self.signers.write_text("".join(lines), "utf-8")

    def block(self, *names: str) -> None:
        """Block these names besides."""
        text = (BLOCKLISTS / "telegram.txt").read_text("utf-8")
        added = "".join(f"||{name}^\n" for name in names)
        (self.lists / "telegram.txt").write_text(text + added, "utf-8")

    def publish(self, serial: int = SERIAL, key: str = SIGNER, expires: str = "2999-01-01") -> None:
        """Write the manifest, signed by a key or by nobody."""
        numbers = ("--serial", str(serial), "--expires", expires)
        done = darban("lists", "manifest", self.lists, *numbers, at=self.lists)
        assert done.code == GOOD, done.err
        if key:
            self._sign(key)

    def expire(self) -> None:
        """Sign a manifest whose last day is over; the command writes none."""
        path = self.lists / MANIFEST
        plain = json.loads(path.read_bytes())
        path.write_text(json.dumps({**plain, "expires": "2026-01-01"}), "utf-8")
        (self.lists / SIGNATURE).unlink()
        self._sign(SIGNER)

    def _sign(self, key: str) -> None:
        command = ("ssh-keygen", "-q", "-Y", "sign", "-n", "darban-lists", "-f", self.keys / key)
        subprocess.run([*command, self.lists / MANIFEST], check=True, capture_output=True)


@pytest.fixture
def medium(tmp_path: Path) -> Medium:
    program = needed("ssh-keygen")
    made = Medium(tmp_path / "medium", tmp_path / "keys")
    made.lists.mkdir()
    made.keys.mkdir()
    for path in BLOCKLISTS.iterdir():
        if path.suffix in (".txt", ".ip", ".firewall", ".filter"):
            shutil.copy(path, made.lists)
    for name in (SIGNER, OTHER):
        key = (program, "-q", "-t", "ed25519", "-N", "", "-f", made.keys / name)
        subprocess.run(key, check=True)
    made.allow(SIGNER)
    return made


def _config(upstream: str, signers: Path | None) -> str:
    text = shipped([upstream], workers=1)
    if signers is None:
        return text
    return replaced_once(text, "[lists]\n", f'[lists]\nallowed_signers = "{signers}"\n')


@pytest.fixture
def server(make: Callable[[str], Server], upstream: str, medium: Medium) -> Server:
    """A server with the shipped lists, which runs, and needs signatures."""
    return make(_config(upstream, medium.signers)).start()


def _update(server: Server, *options: str | Path) -> Done:
    return darban("lists", "update", *options, at=server.directory)


def _blocked(server: Server, name: str = NEW) -> bool:
    return data(server, name) == {"0.0.0.0"}


def _events(server: Server) -> list[tuple[str, str]]:
    entries = darban("history", "--json", at=server.directory).json["entries"]
    return [(entry["event"], entry["who"]) for entry in entries]


def test_signed_lists_replace_those_of_the_release(server: Server, medium: Medium) -> None:
    medium.block(NEW)
    medium.publish()
    assert not _blocked(server)
    done = _update(server, "--from", medium.lists)
    assert done.code == GOOD, done.out + done.err
    assert f"serial {SERIAL}, signed by {SIGNER} SHA256:" in done.out
    assert _blocked(server)
    assert _blocked(server, "web.telegram.org")
    event, who = _events(server)[-1]
    assert (event, f": serial {SERIAL}, signed by {SIGNER} SHA256:" in who) == (
        "lists --from",
        True,
    )
    explained = darban("explain", "127.0.10.5", NEW, "--json", at=server.directory)
    assert explained.json["list"] == str(server.state / "shipped-lists" / "telegram.txt")

    shutil.rmtree(medium.lists)
    shown = darban("lists", "--json", at=server.directory).json["release"]
    assert (shown["serial"], shown["signer"].split()[0]) == (SERIAL, SIGNER)
    assert reload(server).code == GOOD
    server.stop()
    server.start()
    assert _blocked(server)
    assert darban("check", at=server.directory).out.count("lists from a medium") == 0
    moment = dt.datetime.now(dt.UTC).isoformat()
    done = _update(server, "--shipped")
    assert done.code == GOOD, done.out + done.err
    assert not _blocked(server)
    assert _events(server)[-1][0] == "lists --shipped"
    past = darban("explain", "127.0.10.5", NEW, "--at", moment, "--json", at=server.directory)
    assert past.json["outcome"] == "blocked", past.err
    assert not darban("lists", "--json", at=server.directory).json["release"]["from_medium"]
    assert [*(server.state / "shipped-lists-all").iterdir()] == []


def _stranger(medium: Medium) -> None:
    medium.publish(SERIAL + 1, OTHER)


def _unsigned(medium: Medium) -> None:
    medium.publish(SERIAL + 1, "")


def _older(medium: Medium) -> None:
    medium.publish(SERIAL - 1)


def _same_serial(medium: Medium) -> None:
    medium.publish(SERIAL)


def _edited(medium: Medium) -> None:
    medium.publish(SERIAL + 1)
    medium.block(NEW, "other.example")


def _missing(medium: Medium) -> None:
    medium.publish(SERIAL + 1)
    (medium.lists / "viber.txt").unlink()


def _link(medium: Medium) -> None:
    medium.publish(SERIAL + 1)
    (medium.lists / "viber.txt").unlink()
    (medium.lists / "viber.txt").symlink_to("/etc/hostname")


def _manifest_edited(medium: Medium) -> None:
    medium.publish(SERIAL + 1)
    path = medium.lists / MANIFEST
    path.write_text(path.read_text("utf-8").replace(str(SERIAL + 1), str(SERIAL + 2)), "utf-8")


def _expired(medium: Medium) -> None:
    medium.publish(SERIAL + 1)
    medium.expire()


REFUSED = {
    _stranger: "not signed by an allowed signer",
    _unsigned: "there is no manifest.json.sig",
    _older: f"its serial {SERIAL - 1} is lower than {SERIAL}",
    _same_serial: f"its serial {SERIAL} is that of another manifest than {SERIAL}",
    _edited: "telegram.txt has another SHA-256",
    _missing: "there is no viber.txt",
    _link: "viber.txt: it is a link",
    _manifest_edited: f"its signature by {SIGNER} is not good",
    _expired: "has expired: it held until 2026-01-01",
}


def test_what_does_not_pass_is_refused_and_changes_nothing(server: Server, medium: Medium) -> None:
    server.expect_error("supervisor: lists from a medium")
    medium.publish()
    assert _update(server, "--from", medium.lists).code == GOOD
    events = _events(server)
    for wrong, reason in REFUSED.items():
        medium.block(NEW)
        wrong(medium)
        for options in ((), ("--accept",)):
            done = _update(server, "--from", medium.lists, *options)
            said = " ".join((done.out + done.err).split())
            assert (done.code != GOOD, reason in said) == (True, True), f"{wrong}: {said}"
        shutil.copy(BLOCKLISTS / "viber.txt", medium.lists / "new.txt")
        (medium.lists / "new.txt").replace(medium.lists / "viber.txt")
    assert not _blocked(server)
    assert _events(server) == events
    assert darban("lists", "--json", at=server.directory).json["release"]["serial"] == SERIAL
    assert len([*(server.state / "shipped-lists-all").iterdir()]) == 1


def test_losses_are_held_and_those_before_are_read_again(server: Server, medium: Medium) -> None:
    server.expect_error("lists --from by|reddit.txt")
    medium.block(NEW)
    (medium.lists / "reddit.txt").unlink()
    medium.publish()
    held = _update(server, "--from", medium.lists)
    said = " ".join(held.out.split())
    assert (held.code, "reddit.txt: warning: reddit: found no entry" in said) == (NO, True), said
    assert "accept the loss: darban lists update --from DIR --accept" in said
    assert not _blocked(server)
    assert not (server.state / "shipped-lists").is_symlink()
    assert reload(server).code == GOOD
    assert _update(server, "--from", medium.lists, "--accept").code == GOOD
    assert _blocked(server)


def test_a_key_that_was_removed_and_a_release_that_changed_are_told(
    server: Server, medium: Medium
) -> None:
    medium.block(NEW)
    medium.publish()
    assert _update(server, "--from", medium.lists).code == GOOD
    medium.allow(OTHER)
    checked = " ".join(darban("check", at=server.directory).out.split())
    assert f"lists from a medium, signed by {SIGNER} SHA256:" in checked
    assert "not signed by an allowed signer" in checked
    assert reload(server).code == GOOD
    wait_for(
        lambda: server.scrape().value("darban_faults", kind="medium_not_accepted") == 1,
        "the server has looked at the signature again",
    )
    assert _blocked(server), "the last good ones stay"
    note = server.state / "shipped-lists" / ".in-force.json"
    note.write_text(json.dumps({**json.loads(note.read_bytes()), "release": "other"}), "utf-8")
    checked = " ".join(darban("check", at=server.directory).out.split())
    assert "warning [lists-from-medium]" in checked
    assert f"{BLOCKLISTS}, which have changed since" in checked


def test_a_stored_list_that_was_changed_is_not_put_in_force(server: Server, medium: Medium) -> None:
    medium.publish()
    assert _update(server, "--from", medium.lists).code == GOOD
    stored = server.state / "shipped-lists" / "telegram.txt"
    stored.write_text(stored.read_text("utf-8") + f"||{NEW}^\n", "utf-8")
    server.expect_error("reload by|telegram.txt")
    done = reload(server)
    assert done.code != GOOD
    assert "not what its manifest says" in " ".join(done.out.split())
    assert not _blocked(server)
    assert _update(server, "--from", medium.lists).code == GOOD
    assert reload(server).code == GOOD


def test_an_edit_that_was_not_reloaded_stays_out(server: Server, medium: Medium) -> None:
    medium.block(NEW)
    medium.publish()
    own = server.directory / "own"
    own.mkdir()
    (own / "own.txt").write_text("! Category: messenger\n||own.example^\n", "utf-8")
    edited(server.config, f'["{BLOCKLISTS}"]', f'["{BLOCKLISTS}", "own"]')
    assert reload(server).code == GOOD
    (own / "own.txt").write_text("! Category: messenger\n||own.example^\n||b.example^\n", "utf-8")
    server.expect_error("lists --from by|own.txt")
    done = _update(server, "--from", medium.lists)
    assert done.code != GOOD
    assert "own/own.txt: found an edit that was not reloaded" in " ".join(done.out.split())
    assert not _blocked(server)
    assert reload(server).code == GOOD
    assert _update(server, "--from", medium.lists).code == GOOD
    assert _blocked(server)


def test_without_a_server_and_without_signers(
    make: Callable[[str], Server], upstream: str, medium: Medium
) -> None:
    server = make(_config(upstream, None))
    medium.block(NEW)
    medium.publish(key="")
    assert _update(server, "--from", medium.lists).code == UNREACHABLE
    assert _update(server, "--shipped").code == UNREACHABLE
    server.start()
    assert not _blocked(server)
    done = _update(server, "--from", medium.lists)
    assert (done.code, f"serial {SERIAL}, not signed" in done.out) == (GOOD, True), done.err
    shown = darban("lists", at=server.directory).out
    assert f"lists from a medium: serial {SERIAL}, until 2999-01-01, not signed" in shown
    assert _blocked(server)
    assert _update(server, "--shipped").code == GOOD
    assert not _blocked(server)


def test_a_config_without_the_lists_of_a_release(server: Server, medium: Medium) -> None:
    medium.publish()
    edited(server.config, f'["{BLOCKLISTS}"]', "[]")
    done = _update(server, "--from", medium.lists)
    assert (done.code != GOOD, "there is nothing to replace" in done.err) == (True, True)
