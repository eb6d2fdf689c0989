"""``make release``: the version, the tag, and the hashes of what was built, in a clone."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.configs import ROOT

pytestmark = pytest.mark.processes


def _git(clone: Path, *arguments: str) -> str:
    who = ("-c", "user.name=maintainer", "-c", "user.email=maintainer@example.com")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _release(clone: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(clone.parent),
        "PYTHON": sys.executable,
        "PACKAGES": "no",
        "TMPDIR": str(clone.parent),
        **more,
        **{f"GIT_{role}_NAME": "maintainer" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "maintainer@example.com" for role in ("AUTHOR", "COMMITTER")},
    }
    command = ("sh", clone / "deploy" / "release.sh")
    return subprocess.run(
        command, cwd=clone, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of what is committed here, which announces 7.2.0."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    clone = tmp_path / "clone"
    _git(ROOT, "clone", "--quiet", "--shared", "--no-tags", str(ROOT), str(clone))
    for name in ("deploy/release.sh", "deploy/wheel.sh", "RELEASES"):
        (clone / name).write_bytes((ROOT / name).read_bytes())
    version = clone / "resolver" / "__init__.py"
    text = version.read_text(encoding="utf-8")
    version.write_text(
        re.sub('^__version__ = ".*"', '__version__ = "7.2.0.dev0"', text, flags=re.M)
    )
    _git(clone, "add", ".")
    _git(clone, "commit", "--quiet", "--allow-empty", "--message", "announce")
    return clone


def test_a_release_without_its_section_of_the_changelog_changes_nothing(clone: Path) -> None:
    before = _git(clone, "rev-parse", "HEAD")
    done = _release(clone)
    assert (done.returncode, _git(clone, "tag")) == (1, "")
    assert "CHANGELOG.md has no section ## [7.2.0]" in done.stderr
    assert _git(clone, "rev-parse", "HEAD") == before


def _write_changelog(clone: Path) -> None:
    changelog = clone / "CHANGELOG.md"
    changelog.write_text(f"## [7.2.0] - 2030-01-01\n{changelog.read_text(encoding='utf-8')}")
    _git(clone, "commit", "--quiet", "--all", "--message", "changelog")


def _wheel_hash(clone: Path) -> str:
    (wheel,) = (clone / "build" / "release" / "wheel").glob("darban-7.2.0-*.whl")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_a_release_has_nothing_of_the_working_tree(clone: Path, tmp_path: Path) -> None:
    """Two checkouts of one commit, of which one was used: the same octets."""
    _write_changelog(clone)
    other = tmp_path / "other"
    _git(clone, "clone", "--quiet", "--shared", str(clone), str(other))
    date = {"GIT_AUTHOR_DATE": "2030-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2030-01-01T00:00:00Z"}
    (other / "resolver" / "beside.py").write_text("")
    for path in (other / "LICENSE", other / "resolver" / "__main__.py"):
        path.chmod(0o600)
        os.utime(path, (1.0e9, 1.0e9))
    for item in (clone, other):
        done = _release(item, **date)
        assert done.returncode == 0, done.stderr
    assert _wheel_hash(clone) == _wheel_hash(other)


def test_what_is_built_twice_and_differs_is_not_released(clone: Path) -> None:
    _write_changelog(clone)
    text = (clone / "setup.py").read_text(encoding="utf-8")
    stamp = "import time\nopen('resolver/__main__.py', 'a').write(f'# {time.time_ns()}')\n"
    (clone / "setup.py").write_text(stamp + text)
    _git(clone, "commit", "--quiet", "--all", "--message", "stamp")
    before = (clone / "RELEASES").read_bytes()
    done = _release(clone)
    assert (done.returncode, _git(clone, "tag")) == (1, "")
    assert (
        "release: two builds differ, as said above; they are in build/release/clone" in done.stderr
    )
    assert (clone / "RELEASES").read_bytes() == before


def _check_as_the_file_says(clone: Path, wheel: Path) -> None:
    """A release before may have a file of the same name, with another hash."""
    releases = clone / "RELEASES"
    text = releases.read_text(encoding="utf-8")
    [command] = re.findall(r"^#   (sed .*)$", text, re.MULTILINE)
    command = command.replace("1.1.0", "7.2.0").replace("RELEASES", str(releases))
    releases.write_text(f"{text}\n7.1.0  before\n{'0' * 64}  {wheel.name}\n", encoding="utf-8")
    subprocess.run(["sh", "-c", command], cwd=wheel.parent, check=True, capture_output=True)
    releases.write_text(text, encoding="utf-8")


def test_the_tag_and_the_file_have_the_commit_and_the_hashes(clone: Path) -> None:
    _write_changelog(clone)
    hook = clone / ".git" / "hooks" / "pre-commit"
    for refused in ("resolver", "RELEASES"):
        hook.write_text(f"#!/bin/sh\n! git diff --cached --name-only | grep -q ^{refused}\n")
        hook.chmod(0o755)
        assert _release(clone).stderr.endswith(
            "release: git commits nothing, for the reason above\n"
        )
    hook.unlink()
    done = _release(clone)
    assert done.returncode == 0, done.stderr
    commit = _git(clone, "rev-parse", "v7.2.0^{commit}")
    assert _git(clone, "cat-file", "-t", "v7.2.0") == "tag"
    assert '__version__ = "7.2.0"' in _git(clone, "show", f"{commit}:resolver/__init__.py")
    (wheel,) = (clone / "build" / "release" / "wheel").glob("darban-7.2.0-*.whl")
    line = f"{_wheel_hash(clone)}  {wheel.name}"
    for text in (
        (clone / "RELEASES").read_text(encoding="utf-8"),
        _git(clone, "for-each-ref", "refs/tags/v7.2.0", "--format=%(contents)"),
    ):
        assert re.search(rf"^7\.2\.0  \d{{4}}-\d\d-\d\d  v7\.2\.0  commit {commit}$", text, re.M)
        assert f"\n{line}" in text
        assert re.search(r"^wheel built with: .*Python 3\.\d+\.\d+.*, setuptools \d", text, re.M)
    _check_as_the_file_says(clone, wheel)
    assert '__version__ = "7.3.0.dev0"' in (clone / "resolver/__init__.py").read_text("utf-8")
    assert _git(clone, "status", "--porcelain", "--untracked-files=no") == ""
    again = _release(clone)
    assert again.returncode == 1
    assert "no section ## [7.3.0]" in again.stderr
