"""Packages are installed as wheels alone: no code of a source package runs at an installation."""

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

from tests.live.configs import ROOT

PINNED = sorted((ROOT / "requirements").glob("*.txt"))
SETUP = """
from pathlib import Path
from setuptools import setup
Path({ran!r}).touch()
setup(name="evil", version="1")
"""


def _source_package(directory: Path, ran: Path) -> str:
    """Write a source package, whose setup.py would make the file ``ran``; its hash."""
    path = directory / "evil-1.tar.gz"
    info = "Metadata-Version: 2.1\nName: evil\nVersion: 1\n"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in (("setup.py", SETUP.format(ran=str(ran))), ("PKG-INFO", info)):
            member = tarfile.TarInfo(f"evil-1/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _install(tmp_path: Path, options: str) -> tuple[subprocess.CompletedProcess[str], bool]:
    """What pip says of a requirement that is a source package, and whether its code has run."""
    ran = tmp_path / "ran"
    pinned = f"{options}\nevil==1 --hash=sha256:{_source_package(tmp_path, ran)}\n"
    (tmp_path / "pinned.txt").write_text(pinned, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-index"]
    command += ["--no-build-isolation", "--require-hashes", f"--find-links={tmp_path}"]
    command += [f"--target={tmp_path / 'target'}", f"--requirement={tmp_path / 'pinned.txt'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done, ran.exists()


def test_the_project_needs_what_is_pinned_and_no_version_that_lacks_what_is_called() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = (ROOT / "requirements/run.in").read_text(encoding="utf-8").splitlines()
    needed = [line for line in pinned if line and line[0] not in "#-" and line != "setuptools"]
    assert project["dependencies"] == needed
    importers = tomllib.loads((ROOT / "darban_import/pyproject.toml").read_text(encoding="utf-8"))
    assert importers["project"]["dependencies"] == ["darban", "pyyaml"]
    assert "aiodns>=4" in needed, "DNSResolver.query_dns is there since 4.0.0"


@pytest.mark.processes
@pytest.mark.parametrize("pinned", PINNED, ids=lambda path: path.stem)
def test_a_source_package_is_refused(pinned: Path, tmp_path: Path) -> None:
    options = re.findall(r"^-.*$", pinned.read_text(encoding="utf-8"), re.MULTILINE)
    done, ran = _install(tmp_path, "\n".join(options))
    assert not ran
    assert "No matching distribution found for evil==1" in done.stderr


@pytest.mark.processes
def test_without_the_option_its_code_would_run(tmp_path: Path) -> None:
    assert _install(tmp_path, "")[1]


def test_every_package_that_is_fetched_is_pinned() -> None:
    """What pip installs is a file of requirements, or this project and its wheel."""
    assert len(PINNED) == 7
    scripts = [ROOT / "Makefile", ROOT / ".ci/run", ROOT / "deploy/Containerfile"]
    for path in (*scripts, *ROOT.glob("deploy/**/*.sh")):
        text = path.read_text(encoding="utf-8").replace("\\\n", "")
        for command in re.findall(r"^.*\bpip .*\binstall .*$", text, re.MULTILINE):
            assert ("--require-hashes" in command) != ("--no-deps" in command), command
