"""Installing what is missing, as root and on Debian, and starting none of it."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.programs.bench.processes import program

_POLICY = Path("/usr/sbin/policy-rc.d")


class Package(NamedTuple):
    """A program, the Debian package that has it, and the service that comes along."""

    program: str
    package: str
    service: str = ""


def lacking(needed: Iterable[Package]) -> list[Package]:
    """Those whose program is not there."""
    return [each for each in needed if not program(each.program)]


def install(needed: Iterable[Package]) -> list[Package]:
    """Install what is missing; what is missing still."""
    missing = lacking(needed)
    if not missing or os.geteuid() != 0 or not program("apt-get"):
        return missing
    names = [each.package for each in missing]
    sys.stderr.write(f"bench: installing {' '.join(names)} ...\n")
    with _no_services_started():
        for name in names:  # one by one: a package that is not to be had must not stop the others
            command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", name]
            subprocess.run(command, stdout=sys.stderr, check=False)
    for each in missing:
        if each.service and program(each.program) and program("systemctl"):
            command = ["systemctl", "disable", "--quiet", each.service]
            subprocess.run(command, stdout=sys.stderr, check=False)
    return lacking(missing)


@contextmanager
def _no_services_started() -> Iterator[None]:
    """Debian's way to say so to packages; what a machine says already stays."""
    try:
        with _POLICY.open("x") as policy:
            policy.write("#!/bin/sh\nexit 101\n")
    except FileExistsError:
        yield
        return
    try:
        _POLICY.chmod(0o755)
        yield
    finally:
        with suppress(FileNotFoundError):
            _POLICY.unlink()
