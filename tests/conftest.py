"""What tests need of the machine: programs of Debian packages, and network namespaces.

A test whose need cannot be met is skipped with the reason; in continuous integration, where
nothing may be skipped, it fails. Tests of data that is no part of the repository are left out
where it is not there.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

Debian = Callable[[str, str], Path]

_SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
_SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
_IN_CI = os.environ.get("CI") == "true"
_APT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not _SHARED_DATA.is_dir():
        left_out = [item for item in items if item.get_closest_marker("shared_data")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is skipped in continuous integration has failed."""
    report = yield
    if _IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped here: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def debian() -> Debian:
    """``debian(package, program)``: where a program is, installed first where it can be."""

    def find(package: str, program: str) -> Path:
        found = _found(program) or (_install(package) and _found(program))
        return found or _lacking(f"needs the program {program}: apt install {package}")

    return find


@pytest.fixture(scope="session")
def persian_font(debian: Debian) -> None:
    """A font that pictures of Persian pages need; a browser's users have one of their own."""
    listing = debian("fontconfig", "fc-list")
    font = "Vazirmatn"
    if not (_has_font(listing, font) or (_install("fonts-vazirmatn") and _has_font(listing, font))):
        _lacking(f"needs the font {font}: apt install fonts-vazirmatn")


@pytest.fixture(scope="session")
def ip_program(debian: Debian) -> Path:
    """``ip``, on a machine where this process may make network namespaces."""
    ip = debian("iproute2", "ip")
    name = f"darban-probe-{os.getpid()}"
    made = subprocess.run([ip, "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        reason = made.stderr.strip()
        _lacking(f"needs network namespaces: run it as root, with CAP_NET_ADMIN ({reason})")
    subprocess.run([ip, "netns", "delete", name], check=True)
    return ip


def _found(program: str) -> Path | None:
    found = shutil.which(program, path=_SEARCH)
    return Path(found) if found else None


def _has_font(listing: Path, font: str) -> bool:
    return bool(subprocess.run([listing, font], capture_output=True, check=True).stdout)


@cache
def _install(package: str) -> bool:
    """Install a package where this process may; whether apt-get says that it did."""
    apt = _found("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    return all(
        subprocess.run([apt, *arguments], env=_APT, capture_output=True, check=False).returncode
        == 0
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", package])
    )


def _lacking(reason: str) -> NoReturn:
    if _IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
