"""What is lost of a server's lists, snapshots, zones and policy, and how it comes back."""

import json
import os
import shutil
import time
from pathlib import Path

from tests.live.policy_repository import PolicyRepository, policy_repository
from tests.live.waiting import wait_for
from tests.programs.chaos import breaking
from tests.programs.chaos.breaking import Step
from tests.programs.chaos.system import System
from tests.programs.chaos.truth import LISTED_ZONE
from tests.programs.chaos.upstream import Mode

_POLICY = """
[policies.of_git]
[vlans.of_git]
prefixes = ["127.0.40.0/24"]
policy = "of_git"
"""
_SOURCE = """
[policy_source]
repository = "{path}"
allowed_signers = "{allowed}"
"""
_OLD = 8 * 86400


def upstream_is(mode: Mode) -> Step:
    """Let both upstreams do so; expired answers may be given where they fail."""

    def run(whole: System) -> None:
        good, now = mode is Mode.HONEST, time.monotonic()
        breaking.upstream_is(mode)(whole)
        (whole.truth.stale.end if good else whole.truth.stale.begin)(not good, now)

    return run


def lose_copies(whole: System) -> None:
    shutil.rmtree(whole.disk / "lists")


def zero_copies(whole: System) -> None:
    for file in (whole.disk / "lists").iterdir():
        file.write_bytes(bytes(file.stat().st_size))


def grow_old(whole: System) -> None:
    """Let the copy of the list be as one of eight days ago."""
    path = whole.disk / "lists" / "listed.json"
    record = json.loads(path.read_bytes())
    for key in ("updated", "tried"):
        record[key] -= _OLD
    path.write_text(json.dumps(record), encoding="utf-8")


def compiled(whole: System) -> Path:
    """The largest file of the snapshot that was in force last."""
    return whole.disk / (whole.disk / "last-good").readlink() / "terms.json"


def damage_snapshot(whole: System) -> None:
    """Cut a file of the snapshot that was in force last."""
    os.truncate(compiled(whole), 9)


def list_grows(whole: System) -> None:
    """Let the list have its name and 500 more, and fetch it."""
    more = "".join(f"n{number}.more.example\n" for number in range(500))
    (whole.server.directory / "fetched.txt").write_text(f"{LISTED_ZONE}\n{more}", encoding="utf-8")
    breaking.refused("lists", "update", "listed")(whole)


def list_of_a_file(whole: System) -> None:
    """Fetch the list from a file."""
    (whole.server.directory / "fetched.txt").write_text(f"{LISTED_ZONE}\n", encoding="utf-8")
    breaking.edit(whole.lists.url, f"file://{whole.server.directory}/fetched.txt")(whole)
    whole.darban("reload")
    whole.darban("lists", "update", "listed")


def zones_are_a_file(whole: System) -> None:
    """Let the directory of the zones be a file, and change the policy."""
    zones = whole.server.directory / "zones"
    shutil.rmtree(zones)
    zones.touch()
    whole.reload()


def zones_are_a_directory(whole: System) -> None:
    zones = whole.server.directory / "zones"
    zones.unlink()
    zones.mkdir()


def _repository(whole: System) -> PolicyRepository:
    place = whole.server.directory
    return PolicyRepository(place / "repository", place / "keys")


def policy_of_git(whole: System) -> None:
    """Have one VLAN more from a repository."""
    made = policy_repository(whole.server.directory)
    made.write("config.toml", _POLICY)
    made.commit()
    breaking.add(_SOURCE.format(path=made.path, allowed=made.allowed))(whole)
    whole.darban("pull")
    breaking.kill_supervisor(whole)
    wait_for(whole.is_whole, "it serves", 30)


def commit_unsigned(whole: System) -> None:
    made = _repository(whole)
    made.block("new.example")
    made.commit("")


def sign(whole: System) -> None:
    """What the runbook says where somebody has forgotten to sign."""
    made = _repository(whole)
    made.git("rebase", "--exec", "git commit --amend --no-edit -S", "HEAD~1")
