"""`make install` on a clean Debian that systemd runs: first, again, and where it goes wrong.

The tests are a story, in this order, on one machine: each begins with a server that serves.
To compile takes two minutes, so that release is left to `make test-release`.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resolver.metrics import kernel
from tests.live import steady_load
from tests.live.debian import Tree, layer, tree
from tests.live.nsd import ANY_V4, nsd
from tests.live.systemd import Machine, booted
from tests.live.waiting import wait_for

CURRENT, PREVIOUS = "/opt/darban/current", "/opt/darban/previous"
CONFIG = "/etc/darban/config.toml"
UNIT = "/usr/local/lib/systemd/system/darban.service"
NET_BIND_SERVICE = 1 << 10
LOAD = steady_load.__file__
RATE = 500
"""Queries a second while the server is upgraded."""
UPSTREAM = 5399
INSTALL = ("make", "install", "COMPILE=no")
OURS = "! Title: Ours\n! Category: messenger\n||ours.example^\n"


@pytest.fixture(scope="module")
def clean_debian(ip_program: Path) -> Tree:
    assert ip_program, "a machine is made of namespaces"
    return tree()


@pytest.fixture(scope="module")
def machine(
    clean_debian: Tree, nsd_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """A clean server that runs, with an upstream; nothing is installed yet."""
    place = tmp_path_factory.mktemp("debian")
    with layer(clean_debian, place) as root, booted(root) as up:
        (place / "nsd").mkdir()
        with nsd(nsd_program, place / "nsd", UPSTREAM, up.into_network):
            yield up


def _asked(machine: Machine, client: str, name: str) -> str:
    return machine.good(
        "dig", "+short", "+tries=1", "+timeout=20", "-b", client, "@127.0.0.1", name
    ).strip()


def _release(machine: Machine, change: Callable[[], None]) -> str:
    """Install a pure release of a changed source, and go back to the source as it was.

    No package can be fetched: those of the release in use must do.
    """
    machine.good("cp", "-a", "/src", "/src.kept")
    try:
        change()
        done = machine.run("env", "PIP_FIND_LINKS=/none", "make", "install", "COMPILE=no")
        return f"{done.out}\nexit code {done.code}"
    finally:
        machine.good("sh", "-c", "rm -rf /src/* && cp -a /src.kept/. /src/ && rm -r /src.kept")


def _edited(machine: Machine, path: str, old: str, new: str) -> None:
    text = machine.read(path)
    assert old in text
    machine.write(path, text.replace(old, new))


def _in_use(machine: Machine) -> str:
    return machine.good("readlink", CURRENT).strip()


def _lists(machine: Machine) -> str:
    return machine.good("readlink", "/usr/share/darban/blocklists").strip()


def test_a_first_install_serves_on_port_53(machine: Machine) -> None:
    said = machine.good(*INSTALL, seconds=600)
    assert f"{CONFIG} is the default" in said
    assert _asked(machine, "127.0.10.5", "web.telegram.org") == "0.0.0.0"
    assert machine.show("ActiveState") == "active"
    assert machine.good("systemctl", "is-enabled", "darban").strip() == "enabled"
    assert re.search(
        r'directories = \["/usr/share/darban/blocklists", "/etc/darban/blocklists"\]',
        machine.read(CONFIG),
    )


def test_it_runs_with_one_right_and_behind_every_wall(machine: Machine) -> None:
    main = machine.show("MainPID")
    user = machine.good("id", "-u", "darban").strip()
    workers = machine.good("pgrep", "--parent", main).split()
    assert workers
    for pid in (main, *workers):
        status = dict(
            line.split(":\t", 1)
            for line in machine.good("cat", f"/proc/{pid}/status").splitlines()
            if ":\t" in line
        )
        assert set(status["Uid"].split()) == {user}
        assert user != "0"
        for kind in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
            assert int(status[kind], 16) == NET_BIND_SERVICE
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2", "a filter of system calls"
    mounts = machine.good("cat", f"/proc/{main}/mounts").splitlines()
    [root] = [line.split()[3] for line in mounts if line.split()[1] == "/"]
    assert "ro" in root.split(",")


def test_it_may_ask_the_kernel_for_the_clock(machine: Machine) -> None:
    status = json.loads(machine.good("darban", "status", "--json"))
    assert status["clock_synchronised"] is kernel.clock_synchronised() is not None


def test_systemd_finds_no_fault_with_the_unit(machine: Machine) -> None:
    assert machine.good("systemd-analyze", "verify", "--man=yes", UNIT) == ""
    said = machine.good("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
    exposure = re.search(r"Overall exposure level for darban\.service: ([\d.]+)", said)
    assert exposure
    assert float(exposure[1]) <= 1.9


def test_the_manual_and_the_command_are_there(machine: Machine) -> None:
    assert "darban explain" in machine.good("man", "darban")
    said = machine.run("darban", "explain", "--client", "127.0.10.5", "web.telegram.org")
    assert said.code == 1
    assert f"by the policy in force of the server of {CONFIG}" in said.out
    said = machine.run(
        *("bash", "-c"),
        "source /usr/local/share/bash-completion/completions/darban;"
        "COMP_WORDS=(darban explain --vl) COMP_CWORD=2; _darban_completion darban;"
        "echo ${COMPREPLY[@]}",
    )
    assert said.out.strip() == "--vlan"


def test_an_edited_config_is_kept(machine: Machine) -> None:
    _edited(machine, CONFIG, 'servers = ["system"]', f'servers = ["127.0.0.1:{UPSTREAM}"]')
    edited = machine.read(CONFIG)
    machine.write("/etc/darban/blocklists/ours.txt", OURS)
    said = machine.good(*INSTALL)
    assert "in use already" in said
    assert machine.read(CONFIG) == edited
    assert 'servers = ["system"]' in machine.read(CONFIG + ".new")
    assert machine.read("/etc/darban/blocklists/ours.txt") == OURS


def test_a_reload_puts_the_edited_config_in_force(machine: Machine) -> None:
    pid = machine.show("MainPID")
    machine.good("systemctl", "reload", "darban")
    assert _asked(machine, "127.0.10.5", "www.ours.example") == "0.0.0.0"
    assert _asked(machine, "127.0.10.5", "www.agency.example") == ANY_V4
    assert machine.show("MainPID") == pid


def test_a_reload_of_a_broken_config_fails_and_a_start_serves_what_was_good(
    machine: Machine,
) -> None:
    good = machine.read(CONFIG)
    machine.write(CONFIG, good.replace("policy = ", "polcy = "))
    assert machine.run("systemctl", "reload", "darban").code != 0
    assert "polcy" in machine.journal()
    machine.good("systemctl", "restart", "darban")
    assert _asked(machine, "127.0.10.5", "www.ours.example") == "0.0.0.0"
    assert "the last good policy is in force" in machine.show("StatusText")
    machine.write(CONFIG, good)
    machine.good("systemctl", "reload", "darban")
    assert machine.show("StatusText").startswith("the config is in force")


def test_an_upgrade_under_load_loses_no_query(
    machine: Machine, figure: Callable[[str], None]
) -> None:
    before = _in_use(machine)
    command = [*machine.into_network, sys.executable, LOAD, "53", str(RATE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as load:
        said = _release(machine, lambda: _next_version(machine))
        out, _ = load.communicate(timeout=60)  # which closes its input
    assert "exit code 0" in said
    told = json.loads(out)
    figure(f"upgrade at {RATE} queries a second: {out.strip()}")
    assert "9.9.1" in _in_use(machine)
    assert machine.good("darban", "--version").endswith(", interpreted\n")
    assert machine.good("readlink", PREVIOUS).strip() == before
    assert "against those of the release before: 1 change\nservices\n  ~ tango\n" in said
    assert "rules of blocklists/tango.txt: + ||tango.example^\n" in said
    assert told["lost"] <= RATE // 50, told
    assert told["refused"] == 0, told


def _next_version(machine: Machine) -> None:
    """With one name more."""
    _version(machine, "9.9.1")
    lists = "/src/blocklists/tango.txt"
    machine.write(lists, machine.read(lists) + "||tango.example^\n")


def _version(machine: Machine, version: str) -> None:
    text = machine.read("/src/resolver/__init__.py")
    machine.write("/src/resolver/__init__.py", re.sub(r'= "\d.+"', f'= "{version}"', text))


def test_a_release_that_lacks_a_package_is_not_finished(machine: Machine) -> None:
    before, pid = _in_use(machine), machine.show("MainPID")
    pinned = "/src/requirements/run.txt"
    said = _release(machine, lambda: machine.write(pinned, f"{machine.read(pinned)}# other\n"))
    assert "exit code 2" in said
    assert "No matching distribution found for" in said
    assert (_in_use(machine), machine.show("MainPID")) == (before, pid)
    for kept in (machine.root / "opt/darban/releases").iterdir():
        assert (kept / "complete").exists()


def test_a_release_whose_check_fails_is_not_switched_to(machine: Machine) -> None:
    before, lists, pid = _in_use(machine), _lists(machine), machine.show("MainPID")
    said = _release(machine, lambda: (machine.root / "src/blocklists/telegram.txt").unlink())
    assert "exit code 2" in said, "make's own"
    assert f"its check refuses {CONFIG}" in said
    assert (_in_use(machine), _lists(machine)) == (before, lists)
    assert machine.show("MainPID") == pid, "the service was left alone"


def test_a_release_that_does_not_start_is_left_again(machine: Machine) -> None:
    before, lists = _in_use(machine), _lists(machine)

    def harm() -> None:
        run = "/src/resolver/cli/run.py"
        machine.write(run, machine.read(run) + "raise ImportError('it does not start')\n")

    said = _release(machine, harm)
    assert "exit code 2" in said
    assert "it does not start" in said
    assert f"In use is {before} again" in said
    assert machine.show("ActiveState") == "active"
    assert (_in_use(machine), _lists(machine)) == (before, lists)
    assert _asked(machine, "127.0.10.5", "www.agency.example") == ANY_V4


def test_a_killed_server_is_back_and_its_queries_with_it(machine: Machine) -> None:
    pid = machine.show("MainPID")
    machine.good("kill", "-KILL", pid)
    assert _asked(machine, "127.0.10.5", "www.agency.example") == ANY_V4
    wait_for(lambda: machine.show("ActiveState") == "active", "it is ready again")
    assert machine.show("MainPID") != pid


def test_a_server_that_stands_still_is_replaced(machine: Machine) -> None:
    pid = machine.show("MainPID")
    machine.good("kill", "-STOP", pid)
    wait_for(lambda: machine.show("MainPID") not in (pid, "0"), "the watchdog has barked", 40)
    assert _asked(machine, "127.0.10.5", "www.agency.example") == ANY_V4


def test_a_rollback_goes_back_to_the_release_before(machine: Machine) -> None:
    now, before = _in_use(machine), machine.good("readlink", PREVIOUS).strip()
    machine.good("make", "rollback")
    assert _in_use(machine) == before
    assert _lists(machine) == f"{before}/blocklists"
    assert machine.good("readlink", PREVIOUS).strip() == now
    assert _asked(machine, "127.0.10.5", "www.agency.example") == ANY_V4


@pytest.mark.compiled
@pytest.mark.release(
    "tests/end_to_end/install/test_install.py::test_a_first_install_serves_on_port_53"
)
def test_a_compiled_release_takes_its_place_and_so_do_its_workers(machine: Machine) -> None:
    machine.good("make", "install", seconds=600)
    assert _in_use(machine).endswith("-compiled")
    source = re.search(r"-([0-9a-f]{12})-compiled$", _in_use(machine))
    assert source
    assert machine.good("darban", "--version").strip().endswith(f"+{source[1]}, compiled")
    of_workers = ("--parent", machine.show("MainPID"), "--full", "resolver.server.worker")
    for worker in machine.good("pgrep", *of_workers).split():
        # One library has all modules; the file of one that another imports need not be mapped.
        assert "/darban__mypyc.cpython-" in machine.good("cat", f"/proc/{worker}/maps")
    assert not (machine.root / "opt/darban/build").exists()


def test_an_uninstall_keeps_what_is_the_operator_s(machine: Machine) -> None:
    config = machine.read(CONFIG)
    said = machine.good("make", "uninstall")
    assert "Kept: /etc/darban, /var/lib/darban" in said
    assert machine.read(CONFIG) == config
    left = machine.good(
        "find",
        "/",
        "-xdev",
        "-name",
        "*darban*",
        "-not",
        "-path",
        "/src/*",
        "-not",
        "-path",
        "/proc/*",
        "-not",
        "-path",
        "/run/*",
        "-not",
        "-path",
        "/tmp/*",
        "-not",
        "-path",
        "/var/tmp/*",
    ).split()
    assert sorted(left) == ["/etc/darban", "/var/lib/darban"]
