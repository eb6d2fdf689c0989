"""Debian packages have nothing of the working tree but its content."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.live.configs import ROOT
from tests.live.debian import tree
from tests.live.programs import lacking, needed

pytestmark = pytest.mark.release(
    "tests/deploy/test_release.py::test_a_release_has_nothing_of_the_working_tree"
)


def _build(clone: Path) -> dict[str, str]:
    """Build the packages, not compiled; the hash of each."""
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tree().wheels)}
    done = subprocess.run(
        [clone / "deploy/debian/build.sh", clone / "build/deb"],
        env={**os.environ, **offline, "PURE": "yes", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    built = sorted((clone / "build/deb").glob("*.deb"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in built}


def test_two_clones_with_other_times_permissions_and_files_give_the_same(tmp_path: Path) -> None:
    needed("dpkg-buildpackage")
    if os.geteuid() != 0:
        lacking("needs root: the build has namespaces of its own")
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    found = []
    for name in ("one", "another"):
        clone = tmp_path / name
        command = ("git", "clone", "--quiet", "--shared", "--no-tags", ROOT, clone)
        subprocess.run(command, check=True)
        for script in ("build.sh", "bundle-install.sh"):
            shutil.copy(ROOT / "deploy/debian" / script, clone / "deploy/debian")
        if name == "another":
            for path in (path for path in clone.rglob("*") if ".git" not in path.parts):
                path.chmod(path.stat().st_mode & 0o700)
                os.utime(path, (1.0e9, 1.0e9))
            for folder in ("resolver", "darban_import", "blocklists", "deploy/debian/darban"):
                (clone / folder / "beside.txt").write_text("beside")
        found.append(_build(clone))
    assert found[0] == found[1]
    assert len(found[0]) == 3
    assert _times_of_lists(tmp_path / "one") == {_changed(tmp_path / "one")}, "not of the commit"


def _times_of_lists(clone: Path) -> set[int]:
    """The times of the files in the package of the lists."""
    [lists] = (clone / "build/deb").glob("darban-lists_*.deb")
    packed = subprocess.check_output(["dpkg-deb", "--fsys-tarfile", lists])
    with tarfile.open(fileobj=io.BytesIO(packed)) as opened:
        return {int(info.mtime) for info in opened}


def _changed(clone: Path) -> int:
    """When the lists were changed last."""
    made_of = ("blocklists", "LICENSE", "deploy/debian/darban-lists")
    command = ["git", "log", "-1", "--format=%ct", "--", *made_of]
    return int(subprocess.check_output(command, cwd=clone))
