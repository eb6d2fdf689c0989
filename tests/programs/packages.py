"""Tries the Debian packages of build/deb on Debian 12 and 13, and prints what it measures.

``python -m tests.programs.packages``, as root, after ``make bundle``. Each Debian is a directory
that systemd runs in namespaces, without a network; mmdebstrap makes it, which needs one.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live import steady_load
from tests.live.debian import KEPT, ROOT, above, made_aside
from tests.live.nsd import nsd
from tests.live.packages import newer
from tests.live.programs import needed
from tests.live.systemd import Machine, booted

BUILT = ROOT / "build" / "deb"
RATE = 500
"""Queries a second while a package is installed, or Debian is upgraded."""
UPSTREAM = 5399
PATIENCE = 900.0
"""Seconds for one command of apt, on a busy machine."""
APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet=2", "--yes")
INSTALL = (*APT, "--no-install-recommends", "--allow-downgrades", "install")
_SMALL = "systemd,systemd-sysv,iproute2,procps,bind9-dnsutils,faketime"


def main() -> None:
    """Try both releases, then the way from one to the other."""
    for package in sorted(BUILT.glob("*.deb")) + sorted(BUILT.glob("*.tar")):
        print(f"size of {package.name}: {package.stat().st_size / 1e6:.1f} MB")
    for release in ("bookworm", "trixie"):
        with machine_of(release) as machine:
            _install_offline(machine, release)
            _install_again(machine, release)
            _upgrade(machine, release)
            _purge(machine, release)
    _upgrade_debian()


def _debian(release: str) -> Path:
    """A small server, without Python."""
    place = KEPT / f"small-{release}"
    if not place.exists():
        with made_aside(place) as aside:
            command = ["mmdebstrap", "--variant=minbase", f"--include={_SMALL}"]
            command += ["--format=directory", release]
            subprocess.run([*command, aside], check=True, capture_output=True)
    return place


@contextmanager
def machine_of(release: str) -> Iterator[Machine]:
    """A small server that runs, with the packages and the opened bundle in /src."""
    with TemporaryDirectory() as directory, above(_debian(release), Path(directory)) as root:
        (root / "src").mkdir()
        [bundle] = BUILT.glob("darban-*.tar")
        subprocess.run(
            ["tar", "--extract", "--file", bundle, "--directory", root / "src"], check=True
        )
        for package in BUILT.glob("*.deb"):
            shutil.copy(package, root / "src")
        with _booted(root, Path(directory)) as machine:
            yield machine


@contextmanager
def _booted(root: Path, directory: Path) -> Iterator[Machine]:
    (directory / "nsd").mkdir()
    with (
        booted(root) as machine,
        nsd(needed("nsd"), directory / "nsd", UPSTREAM, machine.into_network),
    ):
        yield machine


def report(where: str, what: str) -> None:
    """Print what was measured."""
    print(f"{where}: {what}", flush=True)


def _seconds_to_block(machine: Machine, *command: str) -> float:
    """From the command to the first blocked answer, in seconds."""
    began = time.monotonic()
    machine.good(*command, seconds=PATIENCE)
    answer = machine.good(
        *("dig", "+short", "+tries=1", "+timeout=20", "-b", "127.0.10.5"),
        *("@127.0.0.1", "web.telegram.org"),
    )
    assert answer.strip() == "0.0.0.0", answer
    return time.monotonic() - began


def _install_offline(machine: Machine, release: str) -> None:
    seconds = _seconds_to_block(machine, "sh", "-c", "./darban-*/install.sh")
    report(release, f"from the bundle's install.sh, without a network, to a block: {seconds:.1f} s")
    report(release, machine.good("darban", "--version").strip())


def _install_again(machine: Machine, release: str) -> None:
    machine.good(*APT, "purge", "darban", "darban-lists", seconds=PATIENCE)
    seconds = _seconds_to_block(machine, "sh", "-c", " ".join((*INSTALL, "./darban*.deb")))
    report(release, f"apt install, with Python there, to the first block: {seconds:.1f} s")
    forward_to_nsd(machine)


def forward_to_nsd(machine: Machine) -> None:
    """Have the installed server ask the NSD in its network."""
    config = machine.read("/etc/darban/config.toml")
    config = config.replace('["system"]', f'["127.0.0.1:{UPSTREAM}"]')
    machine.write("/etc/darban/config.toml", config)
    machine.good("systemctl", "restart", "darban")


def under_load(machine: Machine, *command: str) -> dict[str, float]:
    """What became of the queries while a command ran."""
    load = [*machine.into_network, sys.executable, steady_load.__file__, "53", str(RATE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(load, stdin=pipe, stdout=pipe, text=True) as running:
        try:
            machine.good(*command, seconds=PATIENCE)
        finally:
            out, _ = running.communicate(timeout=60)
    told: dict[str, float] = json.loads(out)
    return told


def _upgrade(machine: Machine, release: str) -> None:
    [program] = BUILT.glob("darban_*.deb")
    made = newer(program, "9.9.1", machine.root / "src", lambda _: None)
    told = under_load(machine, *INSTALL, f"./{made.name}")
    report(release, f"upgrade at {RATE} queries a second: {told}")
    told = under_load(machine, *INSTALL, f"./{program.name}")
    report(release, f"back to the version before: {told}")


def _purge(machine: Machine, release: str) -> None:
    machine.good(*APT, "purge", "darban", "darban-lists", seconds=PATIENCE)
    left = ["find", "/", "-xdev", "-name", "*darban*"]
    for place in ("/src", "/proc", "/run", "/tmp", "/var/tmp", "/sys"):
        left += ["-not", "-path", f"{place}/*"]
    report(release, f"left by a purge: {machine.good(*left).split() or 'nothing'}")


def _upgrade_debian() -> None:
    """Debian 12 to 13 under load, from packages that are fetched before."""
    with TemporaryDirectory() as directory, above(_debian("bookworm"), Path(directory)) as root:
        (root / "src").mkdir()
        for package in BUILT.glob("*.deb"):
            shutil.copy(package, root / "src")
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        _in_chroot(root, f"apt-get update && {' '.join(INSTALL)} /src/*.deb")
        sources = root / "etc/apt/sources.list"
        text = sources.read_text(encoding="utf-8").replace("bookworm", "trixie")
        sources.write_text(text, encoding="utf-8")
        _in_chroot(root, f"apt-get update && {' '.join(APT)} --download-only dist-upgrade")
        config = root / "etc/darban/config.toml"
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace('["system"]', f'["127.0.0.1:{UPSTREAM}"]'))
        with _booted(root, Path(directory)) as machine:
            report("12 to 13", f"before: {_python(machine)}")
            options = ("-oDpkg::Options::=--force-confnew", "--no-download", "dist-upgrade")
            told = under_load(machine, *APT, *options)
            report("12 to 13", f"dist-upgrade at {RATE} queries a second: {told}")
            report("12 to 13", f"after: {_python(machine)}, {machine.show('StatusText')}")
            report("12 to 13", f"restarts: {machine.journal().count('Started darban.service')}")


def _in_chroot(root: Path, script: str) -> None:
    mounted = f"mount -t proc proc {root}/proc && exec chroot {root} sh -c '{script}'"
    command = ["unshare", "--mount", "sh", "-c", mounted]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _python(machine: Machine) -> str:
    return machine.good("cat", f"/proc/{machine.show('MainPID')}/cmdline").split("\0")[0]


if __name__ == "__main__":
    main()
