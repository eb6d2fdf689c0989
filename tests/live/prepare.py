"""``python -m tests.live.prepare``: install what the tests need besides Python packages.

These are Debian packages, axe-core, Sphinx, and for the tests of the installation a Debian in a
directory and the packages of this checkout. The tests themselves need no network. Where this
process may not install, it says what is missing, and the tests that need it are skipped.

Some of the packages have servers, which Debian starts, several of them on port 53. None is started.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live import accessibility, debian, programs, site
from tests.live.packages import pure_packages

_APT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
_POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program, where there is one, whether a package may start its server."""
_NOTHING_STARTS = """\
#!/bin/sh
# Of Darban's tests, while they install packages. Remove it if none does.
exit 101
"""


def main() -> None:
    """Install whatever is missing."""
    packages = programs.missing_packages()
    if os.geteuid() == 0 and packages and programs.find("apt-get"):
        print(f"Installing for the tests: {' '.join(packages)}")
        print("None of their servers is started. As another user than root, nothing is installed.")
        _apt_get("update")
        with nothing_starts(_POLICY):
            _apt_get("install", "--yes", "--no-install-recommends", *packages)
        packages = programs.missing_packages()
    if packages:
        print(f"Some tests will be skipped: apt install {' '.join(packages)}")
    _attempt(accessibility.install)
    _attempt(site.install)
    if os.geteuid() == 0:
        _attempt(debian.install)
        _attempt(pure_packages)


@contextmanager
def nothing_starts(policy: Path) -> Iterator[None]:
    """Debian starts no server that it installs; what stood in ``policy`` is put back."""
    before = policy.with_name(f"{policy.name}.before-darban-tests")
    if policy.exists():
        policy.rename(before)
    try:
        policy.write_text(_NOTHING_STARTS, encoding="utf-8")
        policy.chmod(0o755)
        yield
    finally:
        policy.unlink()
        if before.exists():
            before.rename(policy)


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
