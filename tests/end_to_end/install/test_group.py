"""A member of the group darban, who may write in the config's folder, against commands of root."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.live.commands import GOOD, WRONG, Done, darban
from tests.live.irregular_files import irregular_files
from tests.live.programs import lacking
from tests.live.subscribed import SUBSCRIBED

GROUP = 54321
CONFIG = """
include = ["conf.d/*.toml"]
[lists]
directories = []
"""
CONFIG += SUBSCRIBED.replace("URL", "https://lists.example/ads")
EXEMPTION = """
[[exemptions]]
id = "pr-1"
vlan = "strict"
services = ["ads"]
until = 2026-01-01T00:00:00Z
approver = "Head of PR"
ticket = "PR-1"
"""
PRUNE = ("exempt", "--prune", "--config")
SWAP = """
import os, sys

folder, target, moment = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1))
seen = 0

def swap(event, arguments):
    global seen
    if event not in ("open", "os.mkdir", "os.remove", "os.rename"):
        return
    if not any("conf.d" in str(each) or "pr.toml" in str(each) for each in arguments):
        return
    seen += 1
    if seen == moment:
        os.rename(folder, f"{folder}.aside")
        os.symlink(target, folder)

sys.addaudithook(swap)
from resolver.cli import main
main()
"""
"""A command during which, at a moment, ``conf.d`` becomes a link: before the kernel is asked."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that any user may read in, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture
def folder(place: Path) -> Path:
    """A folder of root's with a config, as /etc/darban is: the group may write in it."""
    if os.geteuid() != 0:
        lacking("needs root: it works on the files of another user")
    folder = place / "darban"
    (folder / "conf.d").mkdir(parents=True)
    (folder / ".darban").mkdir()
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "conf.d" / "pr.toml").write_text(EXEMPTION, encoding="utf-8")
    for path in (folder, folder / "conf.d"):
        os.chown(path, 0, GROUP)
        path.chmod(0o2775)
    os.chown(folder / ".darban", GROUP, GROUP)
    return folder


@pytest.fixture
def of_root(place: Path) -> Path:
    """A folder whose files root runs, such as /etc/profile.d."""
    path = place / "profile.d"
    path.mkdir(mode=0o755)
    return path


def test_a_folder_that_becomes_a_link_at_any_moment_leads_nowhere(
    folder: Path, of_root: Path
) -> None:
    included = folder / "conf.d" / "pr.toml"
    for moment in count(1):
        command = (sys.executable, "-c", SWAP, folder / "conf.d", of_root, str(moment))
        done = subprocess.run(
            [*command, *PRUNE, folder / "config.toml"], capture_output=True, check=False, timeout=60
        )
        assert list(of_root.iterdir()) == [], f"moment {moment}"
        assert b"Traceback" not in done.stderr
        if not (folder / "conf.d.aside").exists():
            break
        (folder / "conf.d").unlink()
        (folder / "conf.d.aside").rename(folder / "conf.d")
        included.write_text(EXEMPTION, encoding="utf-8")
    assert moment > 3, done.stderr
    assert done.returncode == GOOD
    assert "pr-1" not in included.read_text(encoding="utf-8")


def _prune(config: Path) -> Done:
    return darban(*PRUNE, config, at=config.parent)


@pytest.mark.parametrize("link", ["conf.d", "conf.d/pr.toml"])
def test_nothing_is_written_through_a_link(folder: Path, of_root: Path, link: str) -> None:
    elsewhere = of_root / "conf.d"
    (folder / "conf.d").rename(elsewhere)
    (folder / "conf.d").mkdir()
    (folder / link).parent.mkdir(exist_ok=True)
    if link == "conf.d":
        (folder / link).rmdir()
    (folder / link).symlink_to(of_root / link)
    assert darban("check", "--config", folder / "config.toml", at=folder).code == GOOD
    done = _prune(folder / "config.toml")
    assert done.code == WRONG
    why = "it is a link; put what it leads to in its place, or edit that by hand"
    assert done.err == f"{folder / link} cannot be written ({why})\n"
    assert (elsewhere / "pr.toml").read_text(encoding="utf-8") == EXEMPTION
    assert [path.name for path in elsewhere.iterdir()] == ["pr.toml"]


def test_nothing_is_written_outside_of_the_folder(folder: Path, of_root: Path) -> None:
    (folder / "conf.d" / "pr.toml").rename(of_root / "pr.toml")
    text = CONFIG.replace("conf.d", str(of_root))
    (folder / "config.toml").write_text(text, encoding="utf-8")
    done = _prune(folder / "config.toml")
    assert done.code == WRONG
    assert f"pr.toml cannot be written (it is outside of {folder}; edit it by hand)" in done.err
    assert (of_root / "pr.toml").read_text(encoding="utf-8") == EXEMPTION
    words = ("--for", "2h", "--approver", "CIO", "--ticket", "IT-1", "--config")
    added = darban("exempt", "strict", "ads", *words, folder / "config.toml", at=folder)
    assert added.code == GOOD, "config.toml alone changes"


def test_a_link_above_the_folder_is_followed(folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    assert _prune(folder.parent / "link" / "config.toml").code == GOOD
    included = folder / "conf.d" / "pr.toml"
    assert "pr-1" not in included.read_text(encoding="utf-8")


@pytest.mark.parametrize("link", ["config.toml", "conf.d/pr.toml"])
def test_root_reads_a_config_with_the_rights_of_its_server(
    folder: Path, of_root: Path, link: str
) -> None:
    secret = of_root / "secret.toml"
    secret.write_text("[metrics]\n", encoding="utf-8")
    secret.chmod(0o600)
    (folder / link).unlink()
    (folder / link).symlink_to(secret)
    done = darban("check", "--config", folder / "config.toml", at=folder)
    assert done.code == WRONG
    assert f"{link}: found Permission denied for the user {GROUP}; expected a file" in done.out


@irregular_files
def test_a_config_is_a_regular_file_of_limited_size(
    folder: Path, put: Callable[[Path], None], why: str
) -> None:
    (folder / "config.toml").unlink()
    put(folder / "config.toml")
    done = darban("check", "--config", folder / "config.toml", at=folder)
    assert done.code == WRONG
    assert f"config.toml: found {why.format(16)}; expected a file that can be read" in done.out
