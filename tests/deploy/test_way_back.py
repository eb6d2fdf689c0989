"""A way back to a release before 1.2.0, after which the audit log has findings: it is warned of."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SHELLS = ("bash", "zsh", "fish")
WARNED = "writes the audit log in the form before 1.2.0"


def _prerm(tmp_path: Path, *arguments: str) -> str:
    """What the package's script says, with no program that would change this machine."""
    for program in ("find", "deb-systemd-invoke"):
        (tmp_path / program).symlink_to("/bin/true")
    done = subprocess.run(
        ["sh", DEPLOY / "debian/darban/darban.prerm", *arguments],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


@pytest.mark.parametrize("version", ["0.2.0", "1.1.0", "1.1.0+b1"])
def test_the_package_warns_before_a_release_with_the_older_log(
    version: str, tmp_path: Path
) -> None:
    assert f"darban: {version} {WARNED}" in _prerm(tmp_path, "upgrade", version)


@pytest.mark.parametrize(
    "arguments", [("upgrade", "1.2.0"), ("upgrade", "1.10.0"), ("upgrade", "2.0.0"), ("remove",)]
)
def test_the_package_is_silent_otherwise(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert _prerm(tmp_path, *arguments) == ""


@pytest.mark.parametrize(
    ("version", "is_warned"),
    [("0.2.0", True), ("1.1.0", True), ("1.2.0", False), ("1.10.0", False), ("1.4.0.dev0", False)],
)
def test_a_rollback_warns_and_goes_on(version: str, is_warned: bool, tmp_path: Path) -> None:
    release = f"/opt/darban/releases/{version}-0123456789ab-pure"
    share = Path(f"{tmp_path}{release}/share")
    shutil.copytree(DEPLOY / "systemd", share)
    for name in ("is-ready", "darban-anycast", "darban.8", *map("completion.{}".format, SHELLS)):
        (share / name).touch()
    (share.parent / "complete").touch()
    (tmp_path / "opt/darban/previous").symlink_to(release)
    done = subprocess.run(
        [DEPLOY / "install.sh", "rollback"],
        env={"PATH": os.environ["PATH"], "DESTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (f"{version} {WARNED}" in done.stderr) is is_warned
    assert done.stdout.endswith(f"In use: {version}-0123456789ab-pure.\n")
