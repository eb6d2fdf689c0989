"""The Debian packages of this checkout, not compiled: built once for each state of the source."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live.debian import ROOT, tree

_KEPT = ROOT / "build" / "packages"
_MADE_OF = (
    *("resolver", "darban_import", "blocklists", "deploy", "requirements"),
    *("setup.py", "pyproject.toml", "config.toml"),
)


@dataclass(frozen=True)
class Packages:
    """Three files."""

    program: Path
    lists: Path
    importers: Path


def pure_packages() -> Packages:
    """Those of the source as it is now; the first who asks builds them."""
    _KEPT.mkdir(parents=True, exist_ok=True)
    place = _KEPT / _hash_source()
    with (_KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _build(place)
    [program], [lists] = place.glob("darban_*.deb"), place.glob("darban-lists_*.deb")
    [importers] = place.glob("darban-import_*.deb")
    return Packages(program, lists, importers)


def _hash_source() -> str:
    listed = subprocess.check_output(["git", "ls-files", "-z", "--", *_MADE_OF], cwd=ROOT)
    digest = hashlib.sha256()
    for name in filter(None, listed.decode().split("\0")):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()[:12]


def _build(place: Path) -> None:
    for old in _KEPT.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tree().wheels)}
    with TemporaryDirectory(dir=_KEPT) as aside:
        done = subprocess.run(
            [ROOT / "deploy/debian/build.sh", aside],
            env={**os.environ, **offline, "PURE": "yes", "PYTHON": sys.executable},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        shutil.copytree(aside, place)


@contextmanager
def opened(package: Path) -> Iterator[Path]:
    """The files of a package in a directory, those about it in ``DEBIAN``."""
    with TemporaryDirectory() as directory:
        subprocess.run(["dpkg-deb", "--raw-extract", package, directory], check=True)
        yield Path(directory)


def newer(package: Path, version: str, to: Path, change: Callable[[Path], None]) -> Path:
    """The same package with another version, and a change to its files."""
    with opened(package) as files:
        control = files / "DEBIAN" / "control"
        lines = control.read_text(encoding="utf-8").splitlines(keepends=True)
        lines = [
            f"Version: {version}\n" if line.startswith("Version: ") else line for line in lines
        ]
        control.write_text("".join(lines), encoding="utf-8")
        change(files)
        built = to / f"{package.name.partition('_')[0]}_{version}.deb"
        subprocess.run(
            ["dpkg-deb", "-Znone", "--build", files, built], check=True, stdout=subprocess.DEVNULL
        )
    return built
