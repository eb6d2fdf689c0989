"""The shipped units and the exported config of Knot, with this host's systemd and Knot."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver.policy.index import Index
from resolver.publish import writer
from resolver.publish.bind import KEYS_FILE, bind_files
from resolver.publish.check_zones import SCRIPT
from resolver.publish.knot import knot_config
from resolver.publish.seeds import seeds
from resolver.publish.unbound import unbound_configs
from resolver.snapshot.snapshot import Snapshot
from tests.documents.pages import blocks
from tests.live.configs import ROOT, replaced_once
from tests.live.debian import host_layer
from tests.live.programs import needed
from tests.live.systemd import Machine, booted
from tests.live.waiting import wait_for
from tests.policy.networks import CONFIG, LISTS, snapshot_of

DIRECTORY = "/var/lib/darban-zones"
PUBLISH = f'[publish]\nlisten = ["127.0.0.1:8053"]\ndirectory = "{DIRECTORY}"\n'
ZONE = "administrative.policy.rpz.internal"
CHECK = "/usr/local/lib/darban/check-zones"
UNITS = ("darban-zones.path", "darban-zones.service", "darban-zones-changed.service")
LIST_UNITS = ("darban-list@.path", "darban-list@.service", "darban-list-changed@.service")
HOLD = "/run/hold"
HELD = f"[Service]\nExecStartPost=/bin/cat {HOLD}\n"
"""A service with this setting runs until something is written to the named pipe."""
TAKES = """
[Service]
User=root
Group=root
ReadWritePaths=/run
ExecStart=
ExecStart=/bin/cp /var/lib/darban-lists/ministry.zone /run/taken
"""
UNBOUND = """
server:
    interface: 127.0.0.1@5353
    include: /etc/unbound/darban-administrative.conf
remote-control:
    control-enable: yes
    control-use-cert: no
    control-interface: /run/unbound.ctl
"""
CLIENT = "10.10.0.5"
SECONDARY = '[publish.secondaries.w]\naddress = "127.0.0.2"\n'
KEY = 'key w { algorithm hmac-sha256; secret "AAAA"; };\n'
BIND = """
options {
  directory "/var/cache/bind";
  listen-on port 5353 { 127.0.0.1; };
  dnssec-validation no;
};
include "/etc/bind/darban-views.conf";
"""
EXPORTED = """
[policies.administrative]
block = ["@messenger"]
sinkhole = ["10.10.0.1"]
[vlans.administration]
prefixes = ["10.10.0.0/16"]
policy = "administrative"
"""
PAGE = ROOT / "docs/how-to/publish.md"
FIREWALL = "darban-nftables.service"
AT_BOOT = "darban-nftables-boot.service"
LISTS_ON_DISK = {
    "one.txt": LISTS["one"],
    "one.ip": "203.1.112.0/22\n",
    "two.txt": "! Category: workplace-chat\n||two.example^\n",
}


def _snapshot(more: str = "") -> Snapshot:
    return snapshot_of(CONFIG + PUBLISH, LISTS | {"one": LISTS["one"] + more})


def _write(root: Path, snapshot: Snapshot) -> int:
    index = Index(snapshot.trie, snapshot.rules)
    directory = root / DIRECTORY.lstrip("/")
    return writer.write(snapshot.compiled, index, directory, 1.8e9).serials[ZONE]


def _on_pages() -> list[str]:
    """The units and drop-ins that the page gives."""
    return [block.text for block in blocks("ini", PAGE)]


def _drop_in(machine: Machine, unit: str, text: str) -> None:
    place = machine.root / f"etc/systemd/system/{unit}.d"
    place.mkdir()
    (place / "more.conf").write_text(text, encoding="utf-8")
    machine.good("systemctl", "daemon-reload")


@pytest.fixture
def machine(ip_program: Path, tmp_path: Path) -> Iterator[Machine]:
    """A system with the units, and Knot as docs/how-to/publish.md sets it up."""
    assert ip_program, "a machine is made of namespaces"
    needed("knotd")
    with host_layer(tmp_path) as root:
        for unit in (*UNITS, *LIST_UNITS):
            shutil.copy(ROOT / "deploy/systemd" / unit, root / "etc/systemd/system")
        check = root / CHECK.lstrip("/")
        check.parent.mkdir()
        check.write_text(SCRIPT, encoding="utf-8")
        directory = root / DIRECTORY.lstrip("/")
        directory.mkdir(mode=0o2750)
        shutil.chown(directory, group="knot")
        directory.chmod(0o2750)
        snapshot = _snapshot()
        publication = snapshot.compiled.settings.publish
        assert publication is not None
        text = knot_config(snapshot.compiled, publication, Path(DIRECTORY))
        (root / "etc/knot/knot.conf").write_text(text, encoding="utf-8")
        _write(root, snapshot)
        with booted(root) as machine:
            machine.good("systemctl", "start", "knot", UNITS[0])
            yield machine


@pytest.fixture
def unbound(machine: Machine) -> Machine:
    """The system with Unbound for one policy, set up as docs/how-to/publish.md says."""
    needed("unbound")
    compiled = _snapshot().compiled
    assert compiled.settings.publish is not None
    files = unbound_configs(compiled, compiled.settings.publish, Path(DIRECTORY))
    for name, text in {**files, "unbound.conf": UNBOUND}.items():
        machine.write(f"/etc/unbound/{name}", text)
    [drop_in] = [page for page in _on_pages() if page.startswith("[Service]")]
    [group] = re.findall(r"^usermod .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    _drop_in(machine, UNITS[1], drop_in)
    machine.good(*group.split())
    machine.good("ip", "address", "add", CLIENT, "dev", "lo")
    machine.good("systemctl", "start", "unbound")
    return machine


def _served(machine: Machine) -> int:
    command = ("kdig", "@127.0.0.1", "-p", "8053", "+short", ZONE, "SOA")
    found = re.search(r"localhost\. ([0-9]+) ", machine.run(*command).out)
    return int(found[1]) if found else 0


def _wait_until_served(machine: Machine, serial: int) -> None:
    wait_for(lambda: _served(machine) == serial, f"Knot serves {serial}")


def test_knot_serves_what_was_written_a_moment_later(machine: Machine) -> None:
    _wait_until_served(machine, 1_800_000_000)
    for number in range(12):  # more than systemd lets a unit start by default
        _wait_until_served(machine, _write(machine.root, _snapshot(f"||new{number}.example^\n")))
    last = [_write(machine.root, _snapshot(f"||newer{n}.example^\n")) for n in range(20)][-1]
    _wait_until_served(machine, last)
    assert machine.run("systemctl", "is-active", UNITS[0]).out.strip() == "active"


def test_zones_that_are_written_during_a_load_are_loaded(machine: Machine) -> None:
    _wait_until_served(machine, 1_800_000_000)
    machine.good("mkfifo", HOLD)
    _drop_in(machine, UNITS[1], HELD)
    _wait_until_served(machine, _write(machine.root, _snapshot("||during.example^\n")))
    last = _write(machine.root, _snapshot("||later.example^\n"))
    assert _served(machine) < last, "the load before has not ended"
    machine.good("sh", "-c", f"echo >{HOLD}")
    _wait_until_served(machine, last)


def _lose_lines(machine: Machine) -> None:
    """Of the file of a zone, and raise its serial, so that each secondary would take it."""
    file = machine.root / DIRECTORY.lstrip("/") / f"{ZONE}.zone"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    left = "".join(line for line in lines if "a.example" not in line)
    file.write_text(re.sub(" [0-9]{10} ", " 1999999999 ", left), encoding="utf-8")


def test_a_zone_that_has_lost_lines_is_not_loaded(machine: Machine) -> None:
    _wait_until_served(machine, 1_800_000_000)
    _lose_lines(machine)
    assert machine.run("systemctl", "start", UNITS[1]).code != 0
    assert f"{ZONE}.zone is missing or damaged" in machine.run("journalctl", "-u", UNITS[1]).out
    assert _served(machine) == 1_800_000_000
    _wait_until_served(machine, _write(machine.root, _snapshot("||new.example^\n")))
    machine.good("systemctl", "start", UNITS[1])


def test_knot_is_started_only_with_whole_zones(machine: Machine) -> None:
    [drop_in] = [page for page in _on_pages() if page.startswith("# knot.service\n")]
    _drop_in(machine, "knot.service", drop_in)
    _wait_until_served(machine, 1_800_000_000)
    _lose_lines(machine)
    assert machine.run("systemctl", "restart", "knot").code != 0
    assert _served(machine) == 0
    serial = _write(machine.root, _snapshot())
    wait_for(lambda: _served(machine) == serial, "Knot has been started again", 30)


def test_a_list_that_changes_while_it_is_taken_over_is_taken_over_again(machine: Machine) -> None:
    file = "/var/lib/darban-lists/ministry.zone"
    machine.good("install", "-d", "/var/lib/darban-lists")
    machine.good("mkfifo", HOLD)
    _drop_in(machine, LIST_UNITS[1], TAKES + HELD)
    machine.good("systemctl", "start", "darban-list@ministry.path")

    def was_taken(content: str) -> bool:
        return machine.run("cat", "/run/taken").out == content

    machine.write(file, "first")
    wait_for(lambda: was_taken("first"), "the first content is taken over")
    machine.write(file, "second")
    assert not was_taken("second"), "the service still runs"
    machine.good("sh", "-c", f"echo >{HOLD}")
    wait_for(lambda: was_taken("second"), "the second content is taken over")


def test_bind_is_started_with_seeds(machine: Machine) -> None:
    """Knot has no key for it, so it transfers nothing."""
    needed("named")
    snapshot = snapshot_of(CONFIG + PUBLISH + SECONDARY, LISTS)
    publication = snapshot.compiled.settings.publish
    assert publication is not None
    files = bind_files(snapshot.compiled, publication, seeds(snapshot, publication, 1.8e9))
    machine.good("install", "-d", "/etc/bind/darban-seeds")
    for name, content in files.items():
        machine.write(f"/etc/bind/{name}", content.decode())
    machine.write("/etc/bind/named.conf", BIND)
    machine.write(KEYS_FILE, KEY)
    [drop_in] = [page for page in _on_pages() if page.startswith("# named.service\n")]
    _drop_in(machine, "named.service", drop_in)
    machine.good("ip", "address", "add", CLIENT, "dev", "lo")
    machine.good("systemctl", "start", "named")
    wait_for(lambda: _blocks(machine, "a.example"), "BIND has the seeds")
    note = "/var/cache/bind/darban-checked"
    machine.good("rm", note)
    machine.good("systemctl", "stop", "named")
    assert "administration.vlan" in machine.good("cat", note), "the files are checked before"
    machine.good("systemctl", "start", "named")
    wait_for(lambda: _blocks(machine, "a.example"), "BIND has its files")


def _blocks(machine: Machine, name: str) -> bool:
    """Whether BIND or Unbound blocks a name."""
    asked = ("dig", "+short", "+tries=1", "-b", CLIENT, "@127.0.0.1", "-p", "5353", name)
    return machine.run(*asked).out.strip() == "0.0.0.0"


def test_unbound_takes_what_was_written(unbound: Machine) -> None:
    wait_for(lambda: _blocks(unbound, "a.example"), "Unbound has the zones")
    assert not _blocks(unbound, "new.example")
    _write(unbound.root, _snapshot("||new.example^\n"))
    wait_for(lambda: _blocks(unbound, "new.example"), "Unbound has the new zones")


def test_unbound_starts_only_with_whole_zones(unbound: Machine) -> None:
    [drop_in] = [page for page in _on_pages() if page.startswith("# unbound.service\n")]
    _drop_in(unbound, "unbound.service", drop_in)
    file = unbound.root / DIRECTORY.lstrip("/") / f"{ZONE}.zone"
    content = file.read_bytes()
    file.write_bytes(content.replace(b"a.example", b"z.example"))
    assert unbound.run("systemctl", "restart", "unbound").code != 0
    file.write_bytes(content)
    wait_for(lambda: _blocks(unbound, "a.example"), "Unbound has been started again", 30)


def test_an_unbound_that_cannot_be_asked_is_reported_and_the_others_take_what_was_written(
    unbound: Machine,
) -> None:
    unbound.write("/etc/unbound/stopped.conf", UNBOUND.replace("/run/unbound", "/run/stopped"))
    place = unbound.root / f"etc/systemd/system/{UNITS[1]}.d/more.conf"
    files = "in /etc/unbound/stopped.conf /etc/unbound/unbound.conf;"
    text = place.read_text(encoding="utf-8")
    place.write_text(replaced_once(text, "in /etc/unbound/unbound.conf;", files), encoding="utf-8")
    unbound.good("systemctl", "daemon-reload")
    _write(unbound.root, _snapshot("||new.example^\n"))
    wait_for(lambda: _blocks(unbound, "new.example"), "Unbound has the new zones")
    wait_for(
        lambda: unbound.run("systemctl", "is-failed", UNITS[1]).out.strip() == "failed",
        "the unit has failed",
    )


def test_the_firewall_has_the_rules_that_have_changed(machine: Machine) -> None:
    """The unit in deploy/router, with the program of this checkout."""
    needed("nft")
    _install(machine)
    rules = ("nft", "--handle", "list", "table", "inet", "darban")

    def loaded(config: str) -> str:
        machine.write("/etc/darban/config.toml", config)
        machine.good("systemctl", "start", FIREWALL)
        return machine.good(*rules)

    assert machine.run("systemctl", "start", AT_BOOT).code == 0, "there are no rules yet"
    first = loaded(EXPORTED)
    assert "ip saddr 10.10.0.0/16 goto vlan_administration_" in first
    assert loaded(EXPORTED) == first, "the same rules are not loaded again"
    machine.good("nft", "flush", "ruleset")
    assert "ip saddr 10.10.0.0/16 goto vlan_administration_" in loaded(EXPORTED), "they were gone"
    assert "@service_one_v4" in first
    without_ranges = loaded(EXPORTED.replace("@messenger", "two"))
    assert "ip saddr 10.10.0.0/16 goto vlan_administration_" in without_ranges
    assert "@service_one_v4" not in without_ranges
    assert machine.run("systemctl", "is-failed", FIREWALL).code != 0
    machine.good("nft", "flush", "ruleset")  # as after a boot
    machine.good("systemctl", "start", AT_BOOT)
    assert "ip saddr 10.10.0.0/16 goto vlan_administration_" in machine.good(*rules)
    assert "network-pre.target" in machine.good("systemctl", "show", "-P", "Before", AT_BOOT)


def _install(machine: Machine) -> None:
    """Darban as this checkout has it, a config, and the units of deploy/router."""
    for unit in (FIREWALL, AT_BOOT):
        shutil.copy(ROOT / "deploy/router" / unit, machine.root / "etc/systemd/system")
    # The checkout may be in /home, or in /tmp; and below a folder that others cannot enter, as
    # root's is: of the machine's layer over it, the program has to import with darban's rights.
    machine.good("chmod", "a+x", *map(str, ROOT.parents))
    _drop_in(machine, FIREWALL, f"[Service]\nProtectHome=read-only\nBindReadOnlyPaths={ROOT}\n")
    program = f'#!/bin/sh\nexec {sys.executable} -m resolver "$@"\n'
    machine.write("/usr/local/bin/darban", program)
    machine.good("chmod", "755", "/usr/local/bin/darban")
    machine.good("useradd", "--system", "darban")
    machine.good("install", "-d", "-o", "darban", "-m", "750", "/var/lib/darban")
    machine.good("install", "-d", "/etc/darban/blocklists")
    for file in ("one.txt", "one.ip", "two.txt"):
        machine.write(f"/etc/darban/blocklists/{file}", LISTS_ON_DISK[file])
    machine.write("/etc/darban/config.toml", EXPORTED)
