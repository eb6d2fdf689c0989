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
from tests.live.programs import lacking, needed
from tests.policy.networks import snapshot_of

pytestmark = pytest.mark.processes

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
NAME = "administration.vlan.rpz.internal@administration"


@dataclass(frozen=True)
class Place:
    """The folder of named.conf, that of BIND, and the ID of BIND's user."""

    config: Path
    cache: Path
    user: int

    def run(self) -> str:
        """Run the script as root; what it says."""
        done = subprocess.run(
            ["sh", self.config / "darban-seeds.sh", self.cache],
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
    assert f"cache/{NAME}, which was missing or damaged" in place.run()
    assert (place.cache / NAME).stat().st_uid == place.user
    assert (place.cache / NAME).read_bytes() == (place.config / "darban-seeds" / NAME).read_bytes()


@pytest.mark.parametrize("link", [NAME, f"{NAME}.new", f"{NAME}.jnl"])
def test_nothing_is_written_through_a_link(place: Place, link: str) -> None:
    of_root = place.cache.parent / "of-root"
    of_root.write_bytes(b"of root")
    os.utime(of_root, (1.0, 1.0))
    (place.cache / link).symlink_to(of_root)
    place.run()
    assert of_root.read_bytes() == b"of root"
    assert of_root.stat().st_mtime == 1.0


def test_a_link_to_a_good_zone_of_root_is_replaced(place: Place) -> None:
    zone = place.config / "darban-seeds" / NAME
    os.utime(zone, (1.0, 1.0))
    (place.cache / NAME).symlink_to(zone)
    place.run()
    assert zone.stat().st_mtime == 1.0


def test_a_good_file_of_root_is_taken_over_with_a_new_time(place: Place) -> None:
    """A release before 1.1 ran as root."""
    shutil.copy(place.config / "darban-seeds" / NAME, place.cache)
    os.utime(place.cache / NAME, (1.0, 1.0))
    assert NAME not in place.run()
    assert (place.cache / NAME).stat().st_uid == place.user
    assert (place.cache / NAME).stat().st_mtime > 1.0
