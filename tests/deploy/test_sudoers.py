"""What deploy/sudoers permits to readers, asked of sudo itself in a mount namespace of its own."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from resolver.cli.app import app
from tests.live.programs import lacking, needed

SUDOERS = Path(__file__).parents[2] / "deploy" / "sudoers"
INSTALLED, PLACE = "/usr/bin/darban", "/mnt/darban"
READER, STRANGER, SERVICE = "4101", "4102", "4103"
PASSWD = f"""root:*:0:0::/:/bin/sh
reader:*:{READER}:{READER}::/:/bin/sh
stranger:*:{STRANGER}:{STRANGER}::/:/bin/sh
darban:*:{SERVICE}:{SERVICE}::/:/bin/sh
"""
GROUP = f"""root:*:0:
reader:*:{READER}:
stranger:*:{STRANGER}:
darban:*:{SERVICE}:
darban-readers:*:4104:reader
"""
PROGRAM = """#!/bin/sh
id -un
printf '%s\\n' "$@"
"""

Done = subprocess.CompletedProcess[str]
Sudo = Callable[..., Done]

pytestmark = pytest.mark.processes


@pytest.fixture
def sudo(tmp_path: Path) -> Sudo:
    """Runs sudo as a user of /etc/passwd above, under deploy/sudoers."""
    program, visudo, unshare = needed("sudo"), needed("visudo"), needed("unshare")
    if os.geteuid():
        lacking("needs root: sudo reads files that only root may own")
    text = SUDOERS.read_text(encoding="utf-8").replace(INSTALLED, PLACE)
    files = (("sudoers", text, 0o440), ("passwd", PASSWD, 0o644), ("group", GROUP, 0o644))
    for name, content, mode in (*files, ("darban", PROGRAM, 0o755)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    subprocess.run([visudo, "--check", "--file", tmp_path / "sudoers"], check=True)
    steps = [f"mount --bind {tmp_path / name} /etc/{name}" for name, _, _ in files]
    steps += ["mount -t tmpfs none /mnt", f"cp {tmp_path / 'darban'} {PLACE}"]

    def run(*words: str, user: str = READER, target: str = "darban") -> Done:
        groups = "--groups 4104" if user == READER else "--clear-groups"
        become = f"exec setpriv --reuid {user} --regid {user} {groups}"
        asked = f'{become} {program} --non-interactive --user {target} {PLACE} "$@"'
        inner = " && ".join([*steps, asked])
        command: list[str | Path] = [unshare, "--mount", "sh", "-c", inner, "sh", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    return run


def test_it_is_valid() -> None:
    visudo = needed("visudo")
    subprocess.run([visudo, "--check", "--file", SUDOERS], check=True, capture_output=True)


@pytest.mark.parametrize(
    "words",
    [
        "status",
        "status --json",
        "explain administration web.telegram.org",
        "explain 10.10.3.7 web.telegram.org AAAA --at 2027-03-20T10:00+03:30 --json",
        "explain --all-vlans https://wa.me/x",
        "explain --client fd00:10::37 wa.me",
        "history",
        "history administration --at 2027-03-20T10:00",
        "history --day 1405-08-12 --json",
        "history --verify --head 0a1b",
        "report --json",
        "report --month 1405-08 --language fa",
        "report --from 1405-08-01 --to 1405-08-30 --csv",
        "report --month 1405-08 --summary",
        "report --at 2027-03-20T10:00 --language en",
    ],
)
def test_what_readers_may_ask(sudo: Sudo, words: str) -> None:
    done = sudo(*words.split())
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["darban", *words.split()]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "reload",
        "exempt desk --vlan a",
        "drain",
        "record --keep",
        "run",
        "check",
        "--help",
        "status --unknown",
        "status --config /etc/shadow",
        "explain a b --config /etc/shadow",
        "explain a b --config=/etc/shadow",
        "explain a b --live",
        "explain --at --config b",
        "history --config /etc/shadow",
        "history --at --config",
        "report --config=/etc/shadow",
        "report --export /var/lib/darban/x",
        "report --merge /etc/shadow",
        "report --output /var/lib/darban/x",
        "report --language fr",
        "report x",
        "status --json reload",
    ],
)
def test_what_readers_may_not_ask(sudo: Sudo, words: str) -> None:
    done = sudo(*words.split())
    assert (done.returncode, done.stdout) == (1, "")


PERMITTED = {
    "status": {"--json"},
    "explain": {"--json", "--all-vlans", "--at", "--client", "--vlan"},
    "history": {"--json", "--verify", "--at", "--day", "--head"},
    "report": {
        "--json",
        "--csv",
        "--by-node",
        "--summary",
        "--full",
        "--language",
        "--at",
        "--month",
        "--from",
        "--to",
    },
}
REFUSED = {"--config", "--unknown", "--pair", "--live", "--export", "--merge", "--output", "--help"}


def test_each_option_is_permitted_or_refused() -> None:
    """A new option needs a decision: whether it reads a file, writes one, or runs something."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, permitted in PERMITTED.items():
        options = {opt for parameter in commands[name].params for opt in parameter.opts}
        assert {option for option in options if option.startswith("-")} - REFUSED == permitted
        for text in permitted:
            assert text.lstrip("-") in SUDOERS.read_text(encoding="utf-8")


def test_an_argument_with_blanks_hides_no_option(sudo: Sudo) -> None:
    assert sudo("explain", "a --config", "b").returncode == 1
    assert sudo("history --config", "/etc/shadow").returncode == 1


def test_nobody_else_may_ask_and_nobody_as_root(sudo: Sudo) -> None:
    assert sudo("status", user=STRANGER).returncode == 1
    assert sudo("status", target="root").returncode == 1
