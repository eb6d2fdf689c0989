"""`make install` on a Debian that systemd does not run: in a chroot, and below DESTDIR."""

import subprocess
from pathlib import Path

import pytest

from tests.live.debian import Tree, layer, tree
from tests.live.installed import Installation, installed_layer, make_in_chroot

CONFIG = "/etc/darban/config.toml"
UNIT = "/usr/local/lib/systemd/system/darban.service"
NOT_COMPILED = "Not compiled, for the reason above."
TO_COMPILE = """
PACKAGES, MODULES = {}, {"dns/codes.py": "", "dns/names.py": ""}
if __name__"""


@pytest.fixture(scope="module")
def clean_debian(ip_program: Path) -> Tree:
    assert ip_program, "root, who may mount"
    return tree()


def test_without_systemd_or_a_compiler_all_is_done_but_the_start(
    installation: Installation, tmp_path: Path
) -> None:
    said = installation.said
    assert f"no none to compile with: apt install gcc\n{NOT_COMPILED}" in said
    assert "systemd does not run here, so nothing is started." in said
    assert "12 of 12 hold" in said
    with installed_layer(installation, tmp_path) as root:
        assert (root / "etc/systemd/system/multi-user.target.wants/darban.service").is_symlink()
        assert (root / "opt/darban/current").readlink().name.endswith("-pure")
        version = subprocess.check_output(["chroot", root, "darban", "--version"], text=True)
        assert version.endswith(", interpreted\n")


def test_with_destdir_all_is_laid_out_below_it(clean_debian: Tree, tmp_path: Path) -> None:
    """And a compiler that fails makes the release a pure one: two modules are enough for that."""
    with layer(clean_debian, tmp_path) as root:
        setup = (root / "src/setup.py").read_text(encoding="utf-8")
        assert "\nif __name__" in setup
        (root / "src/setup.py").write_text(setup.replace("\nif __name__", TO_COMPILE))
        said = make_in_chroot(root, "install", "DESTDIR=/stage", "CC=false")
        assert "Building wheel for darban (pyproject.toml) did not run successfully" in said
        assert NOT_COMPILED in said
        assert not (root / "opt/darban").exists()
        assert not (root / "etc/darban").exists()
        stage = root / "stage"
        for place in (CONFIG, UNIT, "/usr/local/share/man/man8/darban.8"):
            assert (stage / place.lstrip("/")).is_file()
        release = Path((stage / "opt/darban/current").readlink())
        assert release.parent == Path("/opt/darban/releases")
        assert release.name.endswith("-pure")
        program = (stage / release.relative_to("/") / "bin/darban").read_text(encoding="utf-8")
        assert program.startswith(f"#!{release}/bin/python3\n")
