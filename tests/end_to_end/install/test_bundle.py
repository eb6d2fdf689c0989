"""The bundle for a server without Internet: who has signed it, and which version it has."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.live.configs import ROOT
from tests.live.debian import layer, tree
from tests.live.packages import Packages, newer, pure_packages
from tests.live.programs import lacking, needed

pytestmark = pytest.mark.real_clock

INSTALL = ROOT / "deploy" / "debian" / "bundle-install.sh"
CODENAME = "trixie"
NEWER, OLDER = "9.9.2", "9.9.1"


@dataclass(frozen=True)
class Box:
    """A Debian where nothing runs, below ``root``, and the key of who makes bundles."""

    root: Path
    home: Path
    packages: Packages

    def configure_key(self) -> None:
        (self.root / "etc/darban-release.gpg").write_bytes(self._gpg("--export"))

    def bundle(self, version: str, *, is_signed: bool = True) -> Path:
        """A bundle with a version, as bundle.sh makes it for the release of the Debian."""
        made = self.root / "srv" / f"darban-{version}"
        shutil.rmtree(made, ignore_errors=True)
        (made / "packages").mkdir(parents=True)
        (made / CODENAME).mkdir()
        newer(self.packages.program, version, made / "packages", lambda _: None)
        shutil.copy(self.packages.lists, made / "packages")
        listed = subprocess.check_output(["dpkg-scanpackages", "packages"], cwd=made, stderr=-3)
        (made / CODENAME / "Packages").write_bytes(listed)
        shutil.copy(INSTALL, made / "install.sh")
        self.pack(made)
        if is_signed:
            self._gpg("--armor", "--detach-sign", str(made / "SHA256SUMS"))
        return made

    @staticmethod
    def pack(made: Path) -> None:
        """Write the sums, as anybody can."""
        files = sorted(f"./{path.relative_to(made)}" for path in made.rglob("*") if path.is_file())
        files = [file for file in files if not file.startswith("./SHA256SUMS")]
        sums = subprocess.check_output(["sha256sum", *files], cwd=made)
        (made / "SHA256SUMS").write_bytes(sums)

    def install(self, bundle: Path, *options: str) -> tuple[int, str]:
        """Install a bundle by its own program: the exit code, and what was said."""
        program = f"/{(bundle / 'install.sh').relative_to(self.root)}"
        return self.run("sh", program, *options)

    def run(self, *command: str) -> tuple[int, str]:
        done = subprocess.run(
            ["chroot", self.root, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return done.returncode, done.stdout

    def version(self) -> str:
        """The version that is installed, or nothing."""
        _, said = self.run("dpkg-query", "--show", "--showformat=${Version}", "darban")
        return said if re.fullmatch(r"[\w.~+]+", said) else ""

    def _gpg(self, *arguments: str) -> bytes:
        home = {**os.environ, "GNUPGHOME": str(self.home)}
        command = ["gpg", "--batch", "--quiet", "--yes", *arguments]
        return subprocess.run(command, env=home, check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    needed("gpg")
    needed("dpkg-scanpackages")
    if os.geteuid() != 0:
        lacking("needs root: it installs into a Debian in a directory")
    packages = pure_packages()
    with TemporaryDirectory() as directory, layer(tree(), Path(directory)) as root:
        home = Path(directory, "gnupg")
        home.mkdir(mode=0o700)
        box = Box(root, home, packages)
        box._gpg("--passphrase", "", "--quick-generate-key", "releases@example.com", "ed25519")
        yield box
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


def test_without_a_key_the_sums_alone_are_checked_and_it_says_so(box: Box) -> None:
    made = box.bundle(OLDER, is_signed=False)
    changed = made / "install.sh"
    changed.write_text(f"{changed.read_text()}# changed\n")
    assert "a file is not as it was packed" in box.install(made)[1]
    assert box.version() == ""
    box.pack(made)
    code, said = box.install(made)
    assert code == 0, said
    assert "There is no key in /etc/darban-release.gpg" in said
    assert box.version() == OLDER


def _harm_a_file(made: Path) -> None:
    [package] = (made / "packages").glob("darban_*.deb")
    package.write_bytes(package.read_bytes() + b" ")
    Box.pack(made)


def _add_a_release(made: Path) -> None:
    shutil.copytree(made / CODENAME, made / "forky")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda made: (made / "SHA256SUMS.asc").unlink(), "this bundle is not signed"),
        (_harm_a_file, "no key in /etc/darban-release.gpg has signed this bundle"),
        (_add_a_release, "there are files that were not packed"),
    ],
)
def test_where_a_key_is_configured_a_bundle_of_others_is_refused(
    box: Box, harm: Callable[[Path], None], why: str
) -> None:
    box.configure_key()
    made = box.bundle(NEWER)
    harm(made)
    code, said = box.install(made)
    assert (code, box.version()) == (1, OLDER)
    assert why in said


def test_the_installed_program_takes_a_signed_bundle(box: Box) -> None:
    """It runs nothing of the bundle before."""
    box.configure_key()
    made = box.bundle(NEWER)
    (made / "install.sh").write_text("exit 3\n")
    Box.pack(made)
    box._gpg("--armor", "--detach-sign", str(made / "SHA256SUMS"))
    code, said = box.run("/usr/lib/darban/install-bundle", f"/srv/{made.name}")
    assert code == 0, said
    assert box.version() == NEWER


def test_an_older_version_is_installed_only_where_that_is_asked_for(box: Box) -> None:
    box.configure_key()
    made = box.bundle(OLDER)
    code, said = box.install(made)
    assert (code, box.version()) == (1, NEWER)
    assert f"the bundle has darban {OLDER}, and {NEWER} is installed" in said
    code, said = box.install(made, "--allow-downgrades")
    assert code == 0, said
    assert box.version() == OLDER


def test_gpgv_verifies_it_where_it_is_there(box: Box, tmp_path: Path) -> None:
    """Debian 12 has gpgv for apt, and Debian 13 sqv."""
    made = box.bundle(NEWER)
    keys = tmp_path / "keys"
    keys.write_bytes(box._gpg("--export"))
    [line] = re.findall(r"^ +(gpgv .*)$", INSTALL.read_text(), re.MULTILINE)
    command = ["sh", "-c", f"KEYS={keys}; {line}"]
    needed("gpgv")
    assert subprocess.run(command, cwd=made, check=False, stderr=-3).returncode == 0
    _harm_a_file(made)
    assert subprocess.run(command, cwd=made, check=False, stderr=-3).returncode != 0
