"""Upgrades from the two releases before, with a month of state, and back; prints the results.

``python -m tests.programs.upgrades``, as root, after ``make bundle``. The packages of the
releases before are built of the commits that RELEASES names, and kept in build/releases; this needs
a network. An older release makes its state itself: its server runs on thirty days, one after the
other, by a clock that is set back (libfaketime), with queries, reloads and exemptions. That is on
Debian 13; with the libfaketime of Debian 12 the server cannot read its files.

What must stay true: no release loses what was in force, or what was counted; this one tells all of
it, and finds the log of the release before whole, also after a way back; and DNS goes on.
"""

import datetime as dt
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.live.debian import ROOT, made_aside
from tests.live.fake_clock import fake_clock
from tests.live.systemd import Machine
from tests.programs.packages import (
    APT,
    BUILT,
    INSTALL,
    PATIENCE,
    forward_to_nsd,
    machine_of,
    report,
    under_load,
)

_BEFORE: Final = 2
"""Releases from which an upgrade is tried."""
_DAYS: Final = 30
_DAY: Final = 86_400
_CONFIG: Final = "/etc/darban/config.toml"
_CLIENT: Final = "127.0.10.5"
_BLOCKED: Final = "web.telegram.org"
_ANCHOR: Final = "deny = ["
_OLDER: Final = "older"
_NEWER: Final = "newer"
_ABOVE: Final = ("--directory", "/")
_KEPT: Final = ("etc/darban", "var/lib/darban")


@dataclass(frozen=True)
class _Evidence:
    """What a release knows of a month."""

    activations: int
    """Entries of the history."""
    counts: list[str]
    """The rows of the month's report."""
    decisions: list[str]
    """What the policy did to some names at some moments."""


@dataclass(frozen=True)
class _Month:
    """What a release has kept of a month."""

    archive: Path
    """Its config and state."""
    moments: list[str]
    """UTC, to ask about."""


def main() -> None:
    """Try both releases of Debian with each release before."""
    for version, commit in _released():
        older = _packages(version, commit)
        with TemporaryDirectory() as directory:
            month = _month(older, Path(directory))
            for release in ("bookworm", "trixie"):
                with _machine(release, older) as machine:
                    machine.good("systemctl", "stop", "darban")
                    shutil.copy(month.archive, machine.root / "src")
                    machine.good("tar", "--extract", "--file", "/src/month.tar", *_ABOVE)
                    machine.good("systemctl", "start", "darban")
                    _try(machine, f"{version} on {release}", month.moments)


@contextmanager
def _machine(release: str, older: Path) -> Iterator[Machine]:
    """A server with the packages of an older release, and all packages in /src."""
    with machine_of(release) as machine:
        machine.good("sh", "-c", "./darban-*/install.sh", seconds=PATIENCE)  # brings Python
        machine.good(*APT, "purge", "darban", "darban-lists", seconds=PATIENCE)
        for name, packages in ((_OLDER, older), (_NEWER, BUILT)):
            (machine.root / "src" / name).mkdir()
            for package in packages.glob("*.deb"):
                shutil.copy(package, machine.root / "src" / name)
        machine.good(*_install(_OLDER), seconds=PATIENCE)
        forward_to_nsd(machine)
        yield machine


def _install(name: str) -> tuple[str, ...]:
    """The command that installs the packages of a directory in /src."""
    return ("sh", "-c", " ".join((*INSTALL, f"/src/{name}/*.deb")))


def _released() -> list[tuple[str, str]]:
    """Version and commit of the releases before, the oldest first."""
    text = (ROOT / "RELEASES").read_text(encoding="utf-8")
    entries = re.findall(r"^(\d+\.\d+\.\d+) .* commit ([0-9a-f]{40})$", text, re.MULTILINE)
    return [*reversed(entries[:_BEFORE])]


def _packages(version: str, commit: str) -> Path:
    """The directory of the Debian packages of a release."""
    place = ROOT / "build" / "releases" / version
    if not place.exists():
        with made_aside(place) as aside:
            subprocess.run(["git", "clone", "--quiet", ROOT, aside / "clone"], check=True)
            for command in (("git", "checkout", "--quiet", "--detach", commit), ("make", "deb")):
                subprocess.run(command, cwd=aside / "clone", check=True, stdout=subprocess.DEVNULL)
            for package in (aside / "clone/build/deb").glob("*.deb"):
                shutil.move(package, aside)
            shutil.rmtree(aside / "clone")
    return place


def _try(machine: Machine, title: str, moments: list[str]) -> None:
    kept = _evidence(machine, moments)
    report(title, f"{_DAYS} days: {kept.activations} activations, {len(kept.counts)} counts")
    told = under_load(machine, *_install(_NEWER))
    report(title, f"upgrade: {told}, {_version(machine)}")
    _compare_kept(title, "after the upgrade", kept, _evidence(machine, moments))
    _expect_whole(title, machine)
    _deny(machine, "after-the-upgrade.example")

    told = under_load(machine, *_install(_OLDER))
    report(title, f"back: {told}, {_version(machine)}")
    _expect_blocked(machine, "after-the-upgrade.example")
    _compare(title, "after the way back", kept, _evidence(machine, moments))
    report(title, f"history --verify of the older release: {_verified(machine)}")
    _deny(machine, "after-the-way-back.example")

    told = under_load(machine, *_install(_NEWER))
    report(title, f"upgrade again: {told}")
    _expect_blocked(machine, "after-the-way-back.example")
    _compare_kept(title, "after the second upgrade", kept, _evidence(machine, moments))
    _expect_whole(title, machine)


# ---- A month ----


def _month(older: Path, directory: Path) -> _Month:
    """Have an older release serve day by day until today."""
    moments, archive = [], directory / "month.tar"
    clock = fake_clock(Path("/src"))
    with _machine("trixie", older) as machine:
        unit = machine.root / "etc/systemd/system/darban.service.d/clock.conf"
        unit.parent.mkdir(parents=True)
        lines = [f'Environment="{name}={value}"\n' for name, value in clock.items()]
        unit.write_text("".join(("[Service]\n", *lines)), encoding="utf-8")
        machine.good("systemctl", "daemon-reload")
        machine.good("systemctl", "stop", "darban")
        machine.good("find", "/var/lib/darban", "-mindepth", "1", "-delete")  # what is of today
        for days in range(_DAYS, 0, -1):
            machine.write("/src/clock", f"-{days}d")
            machine.good("systemctl", "start", "darban")
            _live_a_day(machine, days, ["env", *(f"{key}={clock[key]}" for key in clock)])
            moment = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
            moments.append(moment.isoformat())  # not cut to a second: such a day may be as short
            machine.good("systemctl", "stop", "darban")
        machine.good("tar", "--create", "--file", f"/src/{archive.name}", *_ABOVE, *_KEPT)
        shutil.copy(machine.root / "src" / archive.name, archive)
    return _Month(archive, moments[::7])


def _live_a_day(machine: Machine, days: int, by_clock: list[str]) -> None:
    _edit(machine, f"day-{days}.example")
    machine.good(*by_clock, "darban", "reload")
    for name in (_BLOCKED, f"day-{days}.example", "q0000001.agency.example", "web.whatsapp.com"):
        _asked(machine, name)
    if days % 3 == 0:
        given = ("--for", "2h", "--approver", "Head of PR", "--ticket", f"PR-{days}")
        machine.good(*by_clock, "darban", "exempt", _CLIENT, "telegram", *given)
        _asked(machine, _BLOCKED)


def _deny(machine: Machine, name: str) -> None:
    """Put one more denied name in force, and see it blocked."""
    _edit(machine, name)
    machine.good("darban", "reload")
    _expect_blocked(machine, name)


def _edit(machine: Machine, name: str) -> None:
    """Have the policy deny one more name."""
    text = machine.read(_CONFIG)
    assert _ANCHOR in text
    machine.write(_CONFIG, text.replace(_ANCHOR, f'{_ANCHOR}"{name}", ', 1))


def _asked(machine: Machine, name: str) -> str:
    command = ("dig", "+short", "+tries=1", "+timeout=20", "-b", _CLIENT, "@127.0.0.1", name)
    return machine.good(*command).strip()


# ---- What is known of it ----


def _expect_blocked(machine: Machine, denied: str) -> None:
    for name in (_BLOCKED, denied):
        assert _asked(machine, name) == "0.0.0.0", name


def _evidence(machine: Machine, moments: list[str]) -> _Evidence:
    """What the release that is installed says of the month."""
    since, until = (
        time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * _DAY)) for days in (_DAYS + 1, 1)
    )
    history = json.loads(_printed(machine, "darban", "history", "--json"))
    counts = _printed(machine, "darban", "report", "--from", since, "--to", until, "--csv")
    names = (_BLOCKED, "day-30.example", "day-2.example")
    decisions = [_decision(machine, moment, name) for moment in moments for name in names]
    assert counts, "there is no report of the month"
    return _Evidence(len(history["entries"]), sorted(counts.splitlines()), decisions)


def _printed(machine: Machine, *command: str) -> str:
    """What a command prints, without its errors."""
    return machine.run("sh", "-c", '"$0" "$@" 2>/dev/null', *command).out


def _decision(machine: Machine, moment: str, name: str) -> str:
    """What was done to a name at a moment; empty where its snapshot is not kept."""
    command = ("darban", "explain", _CLIENT, name, "--at", moment, "--json")
    printed = _printed(machine, *command)
    return str(json.loads(printed)["outcome"]) if printed else ""


def _compare_kept(title: str, when: str, kept: _Evidence, now: _Evidence) -> None:
    """Compare what this release says, which must know the decisions of the snapshots it keeps."""
    _compare(title, when, kept, now)
    assert any(now.decisions), now.decisions


def _compare(title: str, when: str, kept: _Evidence, now: _Evidence) -> None:
    assert now.activations >= kept.activations, (kept.activations, now.activations)
    assert now.counts == kept.counts, (kept.counts, now.counts)
    pairs = zip(kept.decisions, now.decisions, strict=True)
    assert all(old == new for old, new in pairs if old and new), (kept.decisions, now.decisions)
    known = [f"{sum(map(bool, one.decisions))} of {len(one.decisions)}" for one in (kept, now)]
    report(title, f"{when}: the same counts; decisions known: {known[0]} before, {known[1]} now")


def _expect_whole(title: str, machine: Machine) -> None:
    verified = _verified(machine)
    report(title, f"history --verify: {verified}")
    assert verified.startswith("exit status 0:"), verified


def _verified(machine: Machine) -> str:
    done = machine.run("darban", "history", "--verify")
    return f"exit status {done.code}: {' '.join(done.out.split())[:300]}"


def _version(machine: Machine) -> str:
    return machine.good("darban", "--version").strip()


if __name__ == "__main__":
    main()
