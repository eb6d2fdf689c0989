"""The Debian packages on a Debian that systemd runs.

The tests are a story, in this order, on one machine. It begins with a server that `make install`
has put there. Nothing of the packages is compiled: to compile for two versions of Python takes
four minutes.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.darban_import.adguard_texts import adguard
from tests.live import steady_load
from tests.live.installed import Installation, installed_layer, released_lists
from tests.live.nsd import nsd
from tests.live.packages import Packages, newer, pure_packages
from tests.live.systemd import Done, Machine, booted

CONFIG = "/etc/darban/config.toml"
RATE = 500
"""Queries a second while a package is installed."""
UPSTREAM = 5399
LARGEST_LIST = "usr/share/darban/blocklists/encrypted-dns.txt"
NEWER = "9.9.1"
OTHER = """
import signal, socket, subprocess
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
held.bind(("127.0.0.1", 53))
subprocess.run(["systemd-notify", "--ready"], check=True)
signal.pause()
"""
"""Another server at port 53."""


@pytest.fixture(scope="module")
def packages() -> Packages:
    return pure_packages()


@pytest.fixture(scope="module")
def machine(
    installation: Installation, nsd_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """A server where `make install` has been run, and whose config is edited."""
    place = tmp_path_factory.mktemp("debian")
    with installed_layer(installation, place) as root, booted(root) as up:
        (place / "nsd").mkdir()
        with nsd(nsd_program, place / "nsd", UPSTREAM, up.into_network):
            config = up.read(CONFIG)
            assert 'servers = ["system"]' in config
            up.write(CONFIG, config.replace('["system"]', f'["127.0.0.1:{UPSTREAM}"]'))
            up.good("systemctl", "restart", "darban")
            yield up


def _install(machine: Machine, *packages: Path) -> Done:
    """Install packages, or older ones."""
    for package in packages:
        (machine.root / "src" / package.name).write_bytes(package.read_bytes())
    return machine.run(
        *("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--quiet=2"),
        *("--no-install-recommends", "--allow-downgrades"),
        *(f"/src/{package.name}" for package in packages),
    )


def _install_under_load(machine: Machine, *packages: Path) -> tuple[str, dict[str, int]]:
    """What was said, and what became of the queries meanwhile."""
    command = [*machine.into_network, sys.executable, steady_load.__file__, "53", str(RATE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as load:
        done = _install(machine, *packages)
        out, _ = load.communicate(timeout=60)  # which closes its input
    assert done.code == 0, done.out
    return done.out, json.loads(out)


def _asked(machine: Machine, name: str) -> str:
    return machine.good(
        *("dig", "+short", "+tries=1", "+timeout=20", "-b", "127.0.10.5", "@127.0.0.1", name)
    ).strip()


def _version(machine: Machine) -> str:
    return machine.good("dpkg-query", "--show", "--showformat=${Version}", "darban")


def test_a_made_installation_is_taken_over_and_no_query_is_lost(
    machine: Machine, packages: Packages, figure: Callable[[str], None]
) -> None:
    config = machine.read(CONFIG)
    machine.good("chmod", "2775", "/etc/darban")  # as releases before 1.1 made it
    said, told = _install_under_load(machine, packages.lists, packages.program)
    figure(f"taking over at {RATE} queries a second: {told}")
    assert "taken over from make install" in said
    assert told["lost"] <= RATE // 50, told
    assert told["refused"] == 0, told
    assert machine.read(CONFIG) == config
    assert machine.good("stat", "--format=%a %G", "/etc/darban").split() == ["2770", "darban"]
    assert machine.show("FragmentPath") == "/usr/lib/systemd/system/darban.service"
    command = machine.good("cat", f"/proc/{machine.show('MainPID')}/cmdline")
    assert command.startswith("/usr/lib/darban/3.")
    assert machine.good("systemctl", "is-enabled", "darban").strip() == "enabled"
    assert machine.good("which", "darban").strip() == "/usr/bin/darban"
    lists = machine.root / "usr/share/darban/blocklists"
    assert not lists.is_symlink()
    assert {path.name for path in lists.iterdir()} == released_lists()
    left = machine.good("find", "/usr/local", "/etc/sudoers.d", "-name", "*darban*", "-type", "f")
    assert left.split() == ["/usr/local/lib/darban/darban-anycast", "/etc/sudoers.d/darban"]


def test_what_make_install_puts_there_is_there(machine: Machine) -> None:
    assert "darban explain" in machine.good("man", "darban")
    said = machine.run("make", "install")
    assert said.code != 0
    assert "the Debian package darban is installed" in said.out


def test_the_importers_are_a_package_of_their_own(machine: Machine, packages: Packages) -> None:
    machine.write("/root/AdGuardHome.yaml", adguard())
    settings = ("--from-adguard", "/root/AdGuardHome.yaml", "--vlan", "staff=10.10.0.0/16")
    init = ("darban", "init", "/root/new.toml", *settings, "--listen", "127.0.0.1")
    assert "Install the package darban-import" in machine.run(*init).out
    done = _install(machine, packages.importers)
    assert done.code == 0, done.out
    machine.good(*init)
    machine.good("apt-get", "remove", "--yes", "--quiet=2", "darban-import")
    assert machine.run("find", "/usr/lib/darban", "-name", "darban_import*").out == ""


def test_an_upgrade_under_load_loses_no_query(
    machine: Machine, packages: Packages, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    before = machine.show("MainPID")
    machine.good("touch", "/run/darban-is-stopped")  # as an interrupted installation leaves it
    program = newer(packages.program, NEWER, tmp_path, lambda _: None)
    _, told = _install_under_load(machine, program)
    figure(f"upgrade at {RATE} queries a second: {told}")
    assert told["lost"] <= RATE // 50, told
    assert told["refused"] == 0, told
    assert _version(machine) == NEWER
    assert machine.show("MainPID") != before


def test_newer_lists_are_put_in_force_without_a_restart(
    machine: Machine, packages: Packages, tmp_path: Path
) -> None:
    before = machine.show("MainPID")

    def add(files: Path) -> None:
        with (files / "usr/share/darban/blocklists/tango.txt").open("a") as lists:
            lists.write("||tango.example^\n")

    done = _install(machine, newer(packages.lists, "20990101.0000", tmp_path, add))
    assert done.code == 0, done.out
    assert _asked(machine, "tango.example") == "0.0.0.0"
    assert machine.show("MainPID") == before


def test_lists_that_have_lost_much_are_refused_and_those_before_stay(
    machine: Machine, packages: Packages, tmp_path: Path
) -> None:
    def lose(files: Path) -> None:
        lists = files / LARGEST_LIST
        lists.write_text("".join(lists.read_text().splitlines(keepends=True)[:400]))

    done = _install(machine, newer(packages.lists, "20990102.0000", tmp_path, lose))
    assert done.code == 0, "apt has other packages, too"
    assert "encrypted-dns.txt" in done.out
    assert "the new lists are not in force" in done.out
    assert _asked(machine, "tango.example") == "0.0.0.0", "as the lists before say"
    machine.good("darban", "reload", "--accept")
    assert _asked(machine, "tango.example") != "0.0.0.0"


def test_a_version_that_does_not_start_is_told_and_the_one_before_is_installed_again(
    machine: Machine, packages: Packages, tmp_path: Path
) -> None:
    def harm(files: Path) -> None:
        for run in files.glob("usr/lib/darban/*/lib/*/site-packages/resolver/cli/run.py"):
            run.write_text(f"{run.read_text()}raise ImportError('it does not start')\n")

    done = _install(machine, newer(packages.program, "9.9.2", tmp_path, harm))
    assert done.code != 0
    assert "it does not start" in done.out
    done = _install(machine, packages.program)
    assert done.code == 0, done.out
    assert machine.show("ActiveState") == "active"
    assert _asked(machine, "web.telegram.org") == "0.0.0.0"


def test_a_removal_keeps_config_and_state_and_a_purge_does_not(machine: Machine) -> None:
    config = machine.read(CONFIG)
    watching = "darban-list@own.path"
    machine.good("systemctl", "enable", "--now", watching)
    machine.good("apt-get", "remove", "--quiet=2", "darban")
    assert machine.show("ActiveState") == "inactive"
    assert machine.read(CONFIG) == config
    assert (machine.root / "var/lib/darban/journal.jsonl").exists()
    assert watching not in machine.good("systemctl", "list-units", "darban-list@*")
    machine.good("apt-get", "purge", "--quiet=2", "darban", "darban-lists")
    machine.good("rm", "-r", "/opt/darban", "/usr/local/lib/darban")
    left = ["find", "/", "-xdev", "-name", "*darban*"]
    for place in ("/src", "/proc", "/run", "/tmp", "/var/tmp", "/var/cache/man"):
        left += ["-not", "-path", f"{place}/*"]
    assert machine.good(*left) == ""


def test_a_first_installation_beside_another_server_waits_for_port_53(
    machine: Machine, packages: Packages
) -> None:
    machine.good(
        "systemd-run",
        "--unit=other",
        "--service-type=notify",
        "--property=NotifyAccess=all",
        "python3",
        "-c",
        OTHER,
    )
    done = _install(machine, packages.lists, packages.program)
    assert done.code == 0, done.out
    assert "/etc/darban/config.toml is the shipped one" in done.out
    assert "it tries again until it can" in done.out
    modes = machine.good("stat", "--format=%a %U:%G", "/etc/darban", CONFIG).split("\n")
    assert modes == ["2770 root:darban", "660 root:darban", ""]
    machine.good("dpkg-trigger", "--by-package=python3-minimal", "/usr/bin/python3.13")
    said = machine.good("dpkg", "--configure", "-a")
    assert "the service does not restart with the new Python" in said
    machine.good("systemctl", "stop", "other")
    machine.good("systemctl", "restart", "darban")
    assert _asked(machine, "web.telegram.org") == "0.0.0.0"
