"""A clean Debian in a directory, made once with mmdebstrap and kept; tests write above it.

It is of the same release as this host. What `make install` would fetch is fetched beforehand,
since the booted system has no network.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.programs import lacking

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "debian"
REQUIREMENTS = [ROOT / "requirements" / name for name in ("run.txt", "import.txt", "build.txt")]
PACKAGES = (
    *("python3", "python3-venv", "make"),  # what the README says that it needs
    *("gcc", "python3-dev"),  # and what it needs to compile
    *("systemd", "systemd-sysv", "iproute2", "procps"),  # what any server has
    *("bind9-dnsutils", "man-db"),  # what the tests ask with, and look at
    *("git", "openssh-client", "ca-certificates"),  # what a server needs that pulls its policy
    *("openssh-server", "lighttpd", "lighttpd-mod-openssl", "openssl"),  # and whom it asks
)
SOURCE = (
    *("Makefile", "setup.py", "pyproject.toml", "README.md", "LICENSE", "config.toml"),
    *("blocklists", "deploy", "requirements", "resolver"),
)


@dataclass(frozen=True)
class Tree:
    """Where a Debian lies, and the wheels for its Python."""

    place: Path
    wheels: Path


def install() -> None:
    """Make the Debian that tests share, and fetch the wheels, where they are not there."""
    system = _system()
    if not system.exists():
        with made_aside(system) as aside:
            _debootstrap(aside)
    wheels, python = _wheels(system)
    if not wheels.exists():
        with made_aside(wheels) as aside:
            _download(python, aside)


def tree() -> Tree:
    """The Debian that tests share."""
    system = _system()
    if not system.exists() or not _wheels(system)[0].exists():
        lacking("needs a Debian in a directory: as root, python -m tests.live.prepare")
    return Tree(system, _wheels(system)[0])


def _system() -> Path:
    return KEPT / f"{_codename()}-{_hash(' '.join(PACKAGES).encode())}"


def _wheels(system: Path) -> tuple[Path, str]:
    """Where the wheels are, and for which Python."""
    python = next(system.glob("usr/bin/python3.*[0-9]")).name.removeprefix("python")
    pinned = b"".join(path.read_bytes() for path in REQUIREMENTS)
    return KEPT / f"wheels-{python}-{_hash(pinned)}", python


def _debootstrap(place: Path) -> None:
    packages = ",".join(PACKAGES)
    command = ("mmdebstrap", "--variant=minbase", f"--include={packages}", _codename(), place)
    _run([*command, "--format=directory"])


def _download(python: str, place: Path) -> None:
    machine = os.uname().machine
    platforms = [f"--platform=manylinux_2_{n}_{machine}" for n in (28, 17)]
    _run(
        [
            *(sys.executable, "-m", "pip", "--quiet", "download", "--require-hashes"),
            *("--only-binary=:all:", f"--python-version={python}", *platforms),
            *(part for path in REQUIREMENTS for part in ("--requirement", path)),
            *("--dest", place),
        ]
    )


@contextmanager
def made_aside(place: Path) -> Iterator[Path]:
    """Where to make a directory that is there whole, or not at all."""
    aside = place.with_name(f"{place.name}.{os.getpid()}")
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield aside
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"


def _codename() -> str:
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    return said["VERSION_CODENAME"].strip('"')


def _hash(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()[:12]


@contextmanager
def above(lower: Path, directory: Path) -> Iterator[Path]:
    """A system below a layer of one's own, which is gone afterwards."""
    memory, place = directory / "memory", directory / "root"
    memory.mkdir()
    place.mkdir()
    _run(["mount", "-t", "tmpfs", "tmpfs", memory])
    try:
        for name in ("above", "work"):
            (memory / name).mkdir()
        options = f"lowerdir={lower},upperdir={memory / 'above'},workdir={memory / 'work'}"
        _run(["mount", "-t", "overlay", "overlay", "-o", options, place])
        try:
            yield place
        finally:
            _run(["umount", "--recursive", place])
    finally:
        _run(["umount", memory])


@contextmanager
def layer(tree: Tree, directory: Path) -> Iterator[Path]:
    """The shared Debian below a layer, with this checkout in /src and the wheels in /wheels."""
    with above(tree.place, directory) as place:
        shutil.copytree(tree.wheels, place / "wheels")
        copy_source(place / "src")
        yield place


@contextmanager
def host_layer(directory: Path) -> Iterator[Path]:
    """This host's own system below a layer; it boots to the basics."""
    if os.geteuid() != 0:
        lacking("needs to be root, to boot a layer above this system")
    with above(Path("/"), directory) as place:
        (place / "src").mkdir(exist_ok=True)
        target = place / "etc/systemd/system/default.target"
        target.unlink(missing_ok=True)
        target.symlink_to("/usr/lib/systemd/system/basic.target")
        memory_on_tmp = place / "etc/systemd/system/tmp.mount"
        memory_on_tmp.unlink(missing_ok=True)
        memory_on_tmp.symlink_to("/dev/null")  # it would hide a checkout in /tmp
        yield place


def copy_source(to: Path) -> None:
    """This checkout, as far as an installation needs it."""
    to.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for name in SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, to / name)
