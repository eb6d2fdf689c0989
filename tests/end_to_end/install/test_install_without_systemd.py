"""`make install` on a Debian that systemd does not run: in a chroot, and below DESTDIR."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.live.debian import Tree, layer, tree
from tests.live.fake_clock import real_clock
from tests.live.installed import Installation, installed_layer, make_in_chroot, released_lists

CONFIG = "/etc/darban/config.toml"
UNIT = "/usr/local/lib/systemd/system/darban.service"
NOT_COMPILED = "Not compiled, for the reason above."
TLS = '[server.tls]\nlisten = ["127.0.0.1:853"]\ncertificate = "dns.pem"\nkey = "dns.key"\n'
FRONT = """
[server.proxy]
listen = ["127.0.0.1:5353"]
from = ["127.0.0.1/32"]
[front]
name = "dns.agency.example"
certificate = "dns.pem"
key = "dns.key"
doh = ["10.0.0.53:443"]
"""
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
        version = subprocess.check_output(
            ["chroot", root, "darban", "--version"], env=real_clock(), text=True
        )
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
        readers = stage / "etc/sudoers.d/darban-local"
        assert stat.S_IMODE(readers.stat().st_mode) == 0o440
        assert "/usr/local/bin/darban ^status" in readers.read_text(encoding="utf-8")
        release = Path((stage / "opt/darban/current").readlink())
        assert release.parent == Path("/opt/darban/releases")
        assert release.name.endswith("-pure")
        lists = (stage / release.relative_to("/") / "blocklists").iterdir()
        assert {path.name for path in lists} == released_lists()
        program = (stage / release.relative_to("/") / "bin/darban").read_text(encoding="utf-8")
        assert program.startswith(f"#!{release}/bin/python3\n")


def test_encrypted_dns_is_as_the_config_says(installation: Installation, tmp_path: Path) -> None:
    """Darban answers DNS over TLS itself; for [front] it needs dnsdist, which is not here."""
    with installed_layer(installation, tmp_path) as root:
        encrypted = ("install", "COMPILE=no", "ENCRYPTED=yes")
        said = make_in_chroot(root, *encrypted, good=False)
        assert f"{CONFIG} has neither [server.tls] nor [front]" in said
        with (root / CONFIG.lstrip("/")).open("a", encoding="utf-8") as config:
            config.write(TLS)
        assert "DNS over TLS is Darban's own" in make_in_chroot(root, *encrypted)
        with (root / CONFIG.lstrip("/")).open("a", encoding="utf-8") as config:
            config.write(FRONT)
        assert "no dnsdist: apt install dnsdist" in make_in_chroot(root, *encrypted, good=False)


def test_root_follows_no_link_of_the_group(installation: Installation, tmp_path: Path) -> None:
    """Its members may put links and pipes into /etc/darban, where the next install works."""
    with installed_layer(installation, tmp_path) as root:
        config, of_root = root / "etc/darban/config.toml", root / "srv/folder"
        of_root.mkdir()
        (root / "etc/darban/blocklists").rmdir()
        for name in ("blocklists", "config.toml.new"):
            (root / "etc/darban" / name).symlink_to("/srv/folder")
        config.write_text(config.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
        make_in_chroot(root, "install", "COMPILE=no")
        assert (of_root.stat().st_gid, stat.S_IMODE(of_root.stat().st_mode)) == (0, 0o755)
        assert list(of_root.iterdir()) == []
        assert "# edited" not in config.with_name("config.toml.new").read_text(encoding="utf-8")
        config.unlink()
        os.mkfifo(config)  # whose reader waits for ever
        said = make_in_chroot(root, "install", "COMPILE=no", good=False)
        assert f"{CONFIG}: found a named pipe; expected a file that can be read" in said


def test_the_group_alone_may_read_and_change_the_config(
    installation: Installation, tmp_path: Path
) -> None:
    with installed_layer(installation, tmp_path) as root:
        group = (root / "etc/darban").stat().st_gid
        assert group
        (root / "etc/darban").chmod(0o2775)  # as releases before 1.1 made it
        make_in_chroot(root, "install", "COMPILE=no")
        for name, mode in ((".", 0o2770), ("blocklists", 0o2770), ("config.toml", 0o660)):
            found = (root / "etc/darban" / name).stat()
            assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, group, mode)
