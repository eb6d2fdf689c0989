"""Every command on an installed service: as root, as a member of group darban, as another user.

The tests are a story, in this order, on one machine.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import typer

from resolver.cli.app import app
from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG
from tests.live.configs import ROOT as ROOT_OF_SOURCE
from tests.live.installed import Installation, installed_layer
from tests.live.systemd import Done, Machine, booted
from tests.live.waiting import wait_for

CONFIG, STATE = "/etc/darban/config.toml", "/var/lib/darban"
ROOT, MEMBER, OTHER = USERS = ("root", "member", "other")
CLIENT = "127.0.10.5"
PORT = 8080
SOURCE = f"""
[lists.sources.ads]
url = "http://127.0.0.1:{PORT}/ads"
format = "hosts"
category = "advertising"
"""
FROM_MINISTRY = """
[lists.sources.ministry]
url = "file:///var/lib/darban-lists/ministry.zone"
format = "rpz"
category = "advertising"
"""
MINISTRY = "$ORIGIN rpz.ministry.\n$TTL 60\n@ SOA localhost. nobody.invalid. 1 60 30 600 60\n"


@dataclass(frozen=True)
class Installed:
    """A machine with the service, and the folder of a web server with the list ``ads``."""

    machine: Machine
    web: Path

    def run(self, user: str, *command: str) -> Done:
        """Run a program as a user, in the user's own folder."""
        rights = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        folder = ["env", "-C", f"/tmp/{user}"]
        return self.machine.run(*(rights if user != ROOT else []), *folder, *command)

    def blocked(self, name: str) -> bool:
        said = self.machine.good("dig", "+short", "-b", CLIENT, "@127.0.0.1", name)
        return said.strip() == "0.0.0.0"

    def foreign_files(self) -> str:
        """What lies in the state directory and is not the service's."""
        return self.machine.good("find", STATE, "!", "-user", "darban")


@pytest.fixture(scope="module")
def installed(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    place = tmp_path_factory.mktemp("debian")
    web = tmp_path_factory.mktemp("web")
    (web / "ads").write_text("0.0.0.0 one.example\n", encoding="utf-8")
    with installed_layer(installation, place) as root, booted(root) as machine:
        for user in USERS[1:]:
            machine.good("useradd", user)
        machine.good("usermod", "--append", "--groups", "darban", MEMBER)
        for user in USERS:
            machine.good("install", "-d", "-o", user, f"/tmp/{user}", f"/tmp/{user}/public")
            machine.good("sh", "-c", f"echo ads.example >/tmp/{user}/public/ads.txt")
        config = machine.read(CONFIG).replace('"@messenger",', '"@messenger", "@advertising",')
        machine.write(CONFIG, config + SOURCE)
        server = [sys.executable, "-m", "http.server", "--bind=127.0.0.1", f"--directory={web}"]
        with subprocess.Popen([*machine.into_network, *server, str(PORT)]) as serving:
            machine.good("systemctl", "reload", "darban")
            installed = Installed(machine, web)
            wait_for(lambda: installed.blocked("one.example"), "the list is in force")
            yield installed
            serving.terminate()


ANYBODY = (GOOD, GOOD, GOOD)
OF_THE_SERVER = (GOOD, GOOD, UNREACHABLE)
"""Another user may not command it."""
OF_THE_STATE = (GOOD, GOOD, WRONG)
"""Another user may not read it: neither the audit log nor fetched lists."""
COMMANDS = {
    "--version": ANYBODY,
    "check": OF_THE_STATE,
    f"explain --client {CLIENT} web.telegram.org": (NO, NO, UNREACHABLE),
    f"explain --client {CLIENT} --config {CONFIG} eitaa.com": OF_THE_STATE,
    "init --vlan office=10.77.0.0/16 --listen 127.0.0.1 --upstream 192.0.2.53 new.toml": ANYBODY,
    "diff": OF_THE_SERVER,
    f"diff {CONFIG} {CONFIG}": OF_THE_STATE,
    "reload": OF_THE_SERVER,
    "status": OF_THE_SERVER,
    "status --unknown": OF_THE_SERVER,
    "status --json": OF_THE_SERVER,
    "lists": OF_THE_STATE,
    "lists update": OF_THE_SERVER,
    "lists manifest public --serial 1 --expires 2999-01-01": ANYBODY,
    "history": OF_THE_STATE,
    "report": OF_THE_SERVER,
    "report --json": OF_THE_SERVER,
    "flush --all": OF_THE_SERVER,
    "drain --end": OF_THE_SERVER,
    "export nftables": OF_THE_STATE,
    "export knot": (WRONG, WRONG, WRONG),
    "record --minutes 0.01 --out recorded.tsv": OF_THE_SERVER,
    "pull": (WRONG, WRONG, UNREACHABLE),
    "exempt --list": OF_THE_SERVER,
    "blocked administration": (WRONG, WRONG, UNREACHABLE),
    "exempt --prune": OF_THE_SERVER,
    "run": (WRONG, WRONG, WRONG),
}


def test_every_command_is_among_them() -> None:
    group = cast("typer.core.TyperGroup", typer.main.get_command(app))
    lists = cast("typer.core.TyperGroup", group.commands["lists"])
    named = [*group.commands, *(f"lists {name}" for name in lists.commands)]
    tested = [f"{command} " for command in COMMANDS]
    assert [name for name in named if not any(text.startswith(f"{name} ") for text in tested)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command(installed: Installed, command: str) -> None:
    for user, code in zip(USERS, COMMANDS[command], strict=True):
        said = installed.run(user, "darban", *command.split())
        assert said.code == code, f"{user}: {said.out}"
        if code == UNREACHABLE:
            assert "control.sock: permission denied; only root and members of the" in said.out
    assert installed.foreign_files() == ""


@pytest.mark.parametrize(
    ("user", "service", "name"),
    [(ROOT, "viber", "viber.com"), (MEMBER, "tango", "tango.me"), (OTHER, "line", "line.me")],
)
def test_an_exemption(installed: Installed, user: str, service: str, name: str) -> None:
    before = installed.machine.read(CONFIG)
    words = [service, "--for=2h", "--approver=Head of PR", f"--ticket={user}"]
    said = installed.run(user, "darban", "exempt", CLIENT, *words)
    if user == OTHER:
        assert said.code == UNREACHABLE
        assert installed.machine.read(CONFIG) == before
        assert installed.blocked(name)
        return
    assert said.code == GOOD, said.out
    assert f'id = "{user}"' in installed.machine.read(CONFIG)
    assert not installed.blocked(name)
    said = installed.run(user, "darban", "exempt", "--extend", user, "--for=3h")
    assert said.code == GOOD, said.out
    said = installed.run(user, "darban", "exempt", "--end", user)
    assert said.code == GOOD, said.out
    assert installed.blocked(name)
    assert installed.foreign_files() == ""


@pytest.mark.parametrize("user", USERS)
def test_a_new_config_and_back(installed: Installed, user: str) -> None:
    new = "/etc/darban/new.toml"
    text = installed.machine.read(CONFIG)
    if user == OTHER:
        assert installed.run(user, "touch", new).code != 0
        return
    installed.machine.write(new, f"{text}# by {user}\n")
    said = installed.run(user, "darban", "reload", new)
    assert said.code == GOOD, said.out
    assert installed.machine.read(CONFIG) == f"{text}# by {user}\n"
    installed.machine.write(new, text)
    said = installed.run(user, "darban", "reload", new)
    assert said.code == GOOD, said.out
    assert installed.machine.read(CONFIG) == text
    assert installed.foreign_files() == ""


@pytest.mark.parametrize("user", [ROOT, MEMBER])
def test_the_journal_and_the_config_are_still_the_service_s(
    installed: Installed, user: str
) -> None:
    """After all that was done above, the service can start with it."""
    installed.machine.good("systemctl", "restart", "darban")
    assert installed.blocked("one.example")
    assert "the config is in force" in installed.machine.show("StatusText")
    assert installed.run(user, "darban", "check").code == GOOD


def test_root_fetches_lists_for_a_service_that_is_stopped(installed: Installed) -> None:
    installed.machine.good("systemctl", "stop", "darban")
    (installed.web / "ads").write_text("0.0.0.0 one.example\n0.0.0.0 two.example\n", "utf-8")
    said = installed.run(ROOT, "darban", "lists", "update")
    assert (said.code, said.out) == (GOOD, "ads: updated, 2 names\n")
    assert installed.foreign_files() == ""
    (installed.web / "ads").unlink()
    installed.machine.good("systemctl", "start", "darban")
    assert installed.blocked("two.example")


def test_the_unit_of_a_list_takes_it_over_with_and_without_a_server(installed: Installed) -> None:
    """As docs/how-to/publish.md sets it up for the zone of a ministry."""
    machine = installed.machine
    config, file = machine.read(CONFIG), "/var/lib/darban-lists/ministry.zone"
    machine.good("install", "-d", "-g", "darban", "-m", "2750", "/var/lib/darban-lists")
    machine.write(file, MINISTRY + "first.example CNAME .\n")
    machine.write(CONFIG, config + FROM_MINISTRY)
    machine.good("systemctl", "reload", "darban")
    wait_for(lambda: installed.blocked("first.example"), "the list is in force")
    machine.write(file, MINISTRY + "second.example CNAME .\n")
    machine.good("systemctl", "start", "darban-list@ministry")
    assert installed.blocked("second.example")
    machine.good("systemctl", "stop", "darban")
    machine.write(file, MINISTRY + "third.example CNAME .\n")
    machine.good("systemctl", "start", "darban-list@ministry")
    assert installed.foreign_files() == ""
    machine.good("rm", file)
    machine.good("systemctl", "start", "darban")
    assert installed.blocked("third.example")
    machine.write(CONFIG, config)
    machine.good("systemctl", "reload", "darban")


def test_a_backup_is_restored_as_the_documents_say(installed: Installed) -> None:
    """The release is kept meanwhile, so that it need not be built again."""
    machine = installed.machine
    page = (ROOT_OF_SOURCE / "docs/how-to/upgrade.md").read_text(encoding="utf-8")
    section = page.partition("\n## Backup\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    backup, restore = ([line[2:] for line in block.splitlines()] for block in blocks)
    journal, config = machine.read(f"{STATE}/journal.jsonl"), machine.read(CONFIG)
    assert installed.blocked("two.example")
    for command in backup:
        machine.good("sh", "-c", f"cd /src && {command}")
    machine.good("cp", "-a", "/opt/darban/releases", "/kept")
    machine.good("make", "uninstall")
    machine.good("rm", "-r", "/etc/darban", STATE)
    machine.good("install", "-d", "/opt/darban")
    machine.good("mv", "/kept", "/opt/darban/releases")
    package, made = restore[0].split("# or: ")
    assert package.startswith("apt install")
    for command in (made, *restore[1:]):
        machine.good("sh", "-c", f"cd /src && {command.replace('install', 'install COMPILE=no')}")
    assert machine.read(CONFIG) == config
    assert installed.blocked("two.example")
    assert not installed.blocked("www.agency.example")
    assert machine.read(f"{STATE}/journal.jsonl").startswith(journal)
    assert "uid " in installed.run(MEMBER, "darban", "history").out
    assert installed.foreign_files() == ""
