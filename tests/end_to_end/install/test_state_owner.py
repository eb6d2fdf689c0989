"""Root at a state directory that belongs to the service's user, who may be an attacker."""

import json
import os
import shutil
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from resolver.audit.figures.counts import HourFigures, Labels
from resolver.audit.figures.store import FigureStore
from resolver.compiler.compilation import compile_file
from resolver.snapshot import store
from tests.audit.figures.synthetic import ABAN
from tests.live import commands
from tests.live.commands import GOOD, WRONG
from tests.live.irregular_files import irregular_files
from tests.live.programs import lacking

SERVICE = 54321
darban = partial(commands.darban, state_of_service=True)
OWN = "! Category: messenger\n||own.example^\n"
CONFIG = """
[lists]
directories = []
[lists.sources.ads]
url = "https://lists.example/ads"
format = "hosts"
category = "advertising"
[policies.strict]
block = ["@advertising"]
deny = ["denied.example"]
[vlans.strict]
prefixes = ["127.0.30.0/24"]
policy = "strict"
"""


@dataclass(frozen=True)
class Place:
    """The directory of a config, which is root's, and its state directory, which is not."""

    directory: Path

    @property
    def config(self) -> Path:
        return self.directory / "config.toml"

    @property
    def state(self) -> Path:
        return self.directory / ".darban"

    def given_away(self) -> None:
        """Give all of the state directory to the service's user."""
        for path in (self.state, *self.state.rglob("*")):
            os.chown(path, SERVICE, SERVICE, follow_symlinks=False)


@pytest.fixture
def place() -> Iterator[Place]:
    if os.geteuid() != 0:
        lacking("needs root: it works on the files of another user")
    with tempfile.TemporaryDirectory() as directory:
        place = Place(Path(directory))
        place.directory.chmod(0o755)
        place.config.write_text(CONFIG, encoding="utf-8")
        place.state.mkdir()
        place.given_away()
        yield place


def test_a_link_to_a_file_of_root_is_not_followed(place: Place) -> None:
    secret = place.directory / "secret"
    secret.write_text("0.0.0.0 secret.example\n", encoding="utf-8")
    secret.chmod(0o600)
    (place.state / "lists").mkdir()
    (place.state / "lists" / "ads.list").symlink_to(secret)
    place.given_away()
    done = darban("lists", "--config", place.config, "--json", at=place.directory)
    [ads] = json.loads(done.out)["lists"]
    assert ads["entries"] == 0


def test_a_report_has_the_figures_that_the_service_can_read(place: Place) -> None:
    counts = Counter({Labels("strict", "", "passed"): 7})
    FigureStore(place.state / "figures", "ns1").add(HourFigures(ABAN, counts), "Asia/Tehran")
    place.given_away()
    asked = ("report", "--month", "1405-08", "--json")
    told = json.loads(darban(*asked, at=place.directory).out)
    assert [count["queries"] for count in told["counts"]] == [7]
    file, of_root = place.state / "figures" / "2026-10.sqlite", place.directory / "of_root"
    file.rename(of_root)
    os.chown(of_root, 0, 0)
    of_root.chmod(0o600)
    file.symlink_to(of_root)
    told = json.loads(darban(*asked, at=place.directory).out)
    [node] = told["nodes"]
    assert told["counts"] == []
    assert "2026-10.sqlite: it is a link" in node["damaged"]


PULLED = """
[policy_source]
repository = "https://git.example/policy.git"
allowed_signers = "allowed_signers"
"""


@pytest.fixture
def policy(place: Place) -> Path:
    """The folder that the link ``policy`` leads to, with a policy from git."""
    text = CONFIG.replace("directories = []", 'directories = ["blocklists"]')
    place.config.write_text(PULLED, encoding="utf-8")
    (place.directory / "allowed_signers").touch()
    (place.state / "policy" / "blocklists").mkdir(parents=True)
    (place.state / "policy" / "config.toml").write_text(text, encoding="utf-8")
    (place.state / "policy" / "blocklists" / "own.txt").write_text(OWN, encoding="utf-8")
    place.given_away()
    assert darban("check", at=place.directory).code == GOOD
    return place.state / "policy"


def test_the_policy_from_git_is_read_with_the_rights_of_the_service(
    place: Place, policy: Path
) -> None:
    of_root = place.directory / "of_root"
    policy.rename(of_root)
    os.chown(of_root, 0, 0)
    of_root.chmod(0o700)
    policy.symlink_to(of_root)
    done = darban("check", at=place.directory)
    assert done.code == WRONG
    assert f"config.toml: found Permission denied for the user {SERVICE}; expected" in done.out


@irregular_files
@pytest.mark.parametrize(("file", "limit"), [("config.toml", 16), ("blocklists/own.txt", 64)])
def test_the_policy_from_git_is_of_regular_files_of_limited_size(
    place: Place, policy: Path, put: Callable[[Path], None], why: str, file: str, limit: int
) -> None:
    (policy / file).unlink()
    put(policy / file)
    place.given_away()
    done = darban("check", at=place.directory)
    assert done.code == WRONG
    assert f"{file}: found {why.format(limit)}; expected a " in done.out


def test_root_does_not_start_a_server_there(place: Place) -> None:
    done = darban("run", "--config", place.config, at=place.directory)
    assert done.code == WRONG
    assert done.err.startswith(f"darban: {place.state} belongs to the user {SERVICE}, who could")
    assert not list(place.state.iterdir())


def _server_that_says(place: Place, **answer: str) -> None:
    """Answer every request on the control socket with this."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(place.state / "control.sock"))
    listening.listen()

    def serve() -> None:
        with listening:
            end, _ = listening.accept()
            with end, end.makefile("rw", encoding="utf-8") as file:
                file.readline()
                file.write(json.dumps(answer) + "\n")

    threading.Thread(target=serve, daemon=True).start()


def _forged(place: Place) -> Path:
    """A snapshot of the config whose index is not what its name says; such a one can crash."""
    saved = store.save(place.state, compile_file(place.config, 0.0).snapshot)
    forged = place.directory / saved.name
    shutil.copytree(saved, forged)
    trie = bytearray((forged / "index.trie").read_bytes())
    trie[64:] = b"\xff" * len(trie[64:])
    (forged / "index.trie").write_bytes(trie)
    return forged


EXPLAIN = ("explain", "--client", "127.0.30.5", "denied.example")


@pytest.mark.parametrize("command", [EXPLAIN, ("diff",)], ids=["explain", "diff"])
def test_a_directory_that_the_server_names_is_not_mapped(
    place: Place, command: tuple[str, ...]
) -> None:
    forged = _forged(place)
    _server_that_says(place, snapshot=str(forged), hash=str(forged))
    done = darban(*command, at=place.directory)
    assert done.code == WRONG
    assert "the name of a snapshot is 16 hexadecimal digits, not '/" in done.err


def test_a_snapshot_that_was_changed_is_not_mapped(place: Place) -> None:
    forged = _forged(place)
    shutil.copytree(forged, place.state / "snapshots" / forged.name, dirs_exist_ok=True)
    place.given_away()
    _server_that_says(place, hash=forged.name)
    done = darban(*EXPLAIN, at=place.directory)
    assert done.code == WRONG
    assert "the snapshot is damaged: its content has another hash" in done.err
