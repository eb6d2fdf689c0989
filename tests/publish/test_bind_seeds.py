"""darban-seeds.sh, which root starts, in a folder that the user of BIND may write in."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from resolver.publish.bind import bind_files
from resolver.publish.seeds import seeds
from tests.live.fake_clock import real_clock
from tests.live.programs import lacking, needed
from tests.policy.networks import snapshot_of

pytestmark = pytest.mark.processes

POLICY = "administrative.policy.rpz.internal@administration"
VERSION = 'case $1 in -v) echo "another release"; exit ;; esac\n'
CONFIG = """
[policies.administrative]
block = ["@messenger"]
deny = ["denied.example"]
[vlans.administration]
prefixes = ["10.10.0.0/16"]
policy = "administrative"
[publish]
listen = ["127.0.0.1:8053"]
[publish.secondaries.tehran]
address = "127.0.0.1"
"""
OWN = "administration.vlan.rpz.internal@administration"


@dataclass(frozen=True)
class Place:
    """The folder of named.conf, that of BIND, and the ID of BIND's user."""

    config: Path
    cache: Path
    user: int

    def run(self, *options: str) -> str:
        """Run the script as root; what it says."""
        done = subprocess.run(
            ["sh", self.config / "darban-seeds.sh", *options, self.cache],
            env=real_clock(),  # with libfaketime, BIND's programs never end
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def place() -> Iterator[Place]:
    needed("named-checkzone")
    if os.geteuid() != 0:
        lacking("needs root: the script becomes the user of BIND")
    try:
        user = pwd.getpwnam("bind")
    except KeyError:
        lacking("needs the user bind: apt install bind9")
    snapshot = snapshot_of(CONFIG)
    publication = snapshot.compiled.settings.publish
    assert publication is not None
    with tempfile.TemporaryDirectory() as directory:  # which all may enter, unlike pytest's
        Path(directory).chmod(0o755)
        config, cache = Path(directory, "bind"), Path(directory, "cache")
        for name, content in bind_files(
            snapshot.compiled, publication, seeds(snapshot, publication, 1.8e9)
        ).items():
            path = config / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        cache.mkdir()
        os.chown(cache, 0, user.pw_gid)
        cache.chmod(0o775)  # as Debian's
        yield Place(config, cache, user.pw_uid)


def test_a_missing_file_gets_its_seed(place: Place) -> None:
    assert f"cache/{OWN}, which was missing or damaged" in place.run()
    assert (place.cache / OWN).stat().st_uid == place.user
    assert (place.cache / OWN).read_bytes() == (place.config / "darban-seeds" / OWN).read_bytes()


@pytest.mark.parametrize("link", [OWN, f"{OWN}.new", f"{OWN}.jnl"])
def test_nothing_is_written_through_a_link(place: Place, link: str) -> None:
    of_root = place.cache.parent / "of-root"
    of_root.write_bytes(b"of root")
    os.utime(of_root, (1.0, 1.0))
    (place.cache / link).symlink_to(of_root)
    place.run()
    assert of_root.read_bytes() == b"of root"
    assert of_root.stat().st_mtime == 1.0


def test_a_link_to_a_good_zone_of_root_is_replaced(place: Place) -> None:
    zone = place.config / "darban-seeds" / OWN
    os.utime(zone, (1.0, 1.0))
    (place.cache / OWN).symlink_to(zone)
    place.run()
    assert zone.stat().st_mtime == 1.0


def test_a_good_file_of_root_is_taken_over_with_a_new_time(place: Place) -> None:
    """A release before 1.1 ran as root."""
    shutil.copy(place.config / "darban-seeds" / OWN, place.cache)
    os.utime(place.cache / OWN, (1.0, 1.0))
    assert OWN not in place.run()
    assert (place.cache / OWN).stat().st_uid == place.user
    assert (place.cache / OWN).stat().st_mtime > 1.0


# ---- what was good is not checked again ----


@pytest.fixture
def checked(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a line for each check of a zone by BIND; all zones are good, and noted so."""
    lines = place.cache.parent / "checks"
    lines.touch()
    lines.chmod(0o666)
    _put_before_bind(place, monkeypatch, "")
    place.run()
    place.run()
    assert len(lines.read_text().splitlines()) == 4, "missing, and then new"
    lines.write_text("")
    return lines


def _put_before_bind(place: Place, monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    """A program in the place of BIND's, which calls it."""
    programs = place.cache.parent / "programs"
    programs.mkdir(exist_ok=True)
    lines = place.cache.parent / "checks"
    program = programs / "named-checkzone"
    program.write_text(
        f'#!/bin/sh\n{more}[ "$1" = -v ] || echo "$*" >>{lines}\n'
        f'exec {needed("named-checkzone")} "$@"\n'
    )
    program.chmod(0o755)
    if str(programs) not in os.environ["PATH"]:
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


def test_a_file_that_was_good_is_not_checked_again(place: Place, checked: Path) -> None:
    os.utime(place.cache / OWN, (1.0, 1.0))
    assert place.run() == ""
    assert checked.read_text() == ""
    assert (place.cache / OWN).stat().st_mtime > 1.0


def test_only_a_file_that_has_changed_is_checked(place: Place, checked: Path) -> None:
    file = place.cache / OWN
    file.write_bytes(file.read_bytes() + b"garbage\n")
    assert place.run("--check") == ""
    assert f"cache/{OWN}, which was missing or damaged" in place.run()
    assert {line.split()[-1] for line in checked.read_text().splitlines()} == {f"./{OWN}"}


def test_a_file_with_another_journal_is_checked(place: Place, checked: Path) -> None:
    (place.cache / f"{POLICY}.jnl").write_bytes(b"garbage")
    assert f"cache/{POLICY}, which was missing or damaged" in place.run()
    assert not (place.cache / f"{POLICY}.jnl").exists()
    assert {line.split()[-1] for line in checked.read_text().splitlines()} == {f"./{POLICY}"}


def test_another_release_of_bind_checks_all_files(
    place: Place, checked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put_before_bind(place, monkeypatch, VERSION)
    for _ in range(2):
        assert place.run() == ""
        assert len(checked.read_text().splitlines()) == 2


@pytest.mark.parametrize("note", ["", "garbage\n", "9.99\n"])
def test_a_note_that_was_changed_costs_a_check(place: Place, checked: Path, note: str) -> None:
    (place.cache / "darban-checked").write_text(note)
    assert place.run() == ""
    assert len(checked.read_text().splitlines()) == 2


def test_a_note_that_cannot_be_written_prevents_nothing(place: Place, checked: Path) -> None:
    (place.cache / "darban-checked").unlink()
    (place.cache / "darban-checked.new").mkdir()
    (place.cache / OWN).unlink()
    assert f"cache/{OWN}, which was missing or damaged" in place.run()
    assert (place.cache / OWN).read_bytes() == (place.config / "darban-seeds" / OWN).read_bytes()
    assert len(checked.read_text().splitlines()) == 2
