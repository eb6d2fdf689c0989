"""``python -m tests.live.prepare``: install what the tests need besides Python packages.

These are Debian packages, axe-core, Sphinx, and for the tests of the installation a Debian in a
directory and the packages of this checkout. The tests themselves need no network. Where this
process may not install, it says what is missing, and the tests that need it are skipped.
"""

import os
import subprocess
from collections.abc import Callable

from tests.live import accessibility, debian, programs, site
from tests.live.packages import pure_packages

_APT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def main() -> None:
    """Install whatever is missing."""
    packages = programs.missing_packages()
    if os.geteuid() == 0 and packages and programs.find("apt-get"):
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", *packages)
        packages = programs.missing_packages()
    if packages:
        print(f"Some tests will be skipped: apt install {' '.join(packages)}")
    _attempt(accessibility.install)
    _attempt(site.install)
    if os.geteuid() == 0:
        _attempt(debian.install)
        _attempt(pure_packages)


def _apt_get(*arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", *arguments], env=_APT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"apt-get {arguments[0]}: {done.stderr}")


def _attempt(install: Callable[[], object]) -> None:
    try:
        install()
    except (AssertionError, OSError) as error:
        print(f"Some tests will be skipped: {error}")


if __name__ == "__main__":
    main()
