"""A policy repository as a ministry has it: a real git repository with keys made here."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.programs import needed

SIGNER, OTHER = "noc", "stranger"
LIST = "! Category: messenger\n! Title: Pager\n||pager.example^\n"
CONFIG = """
[lists]
directories = ["blocklists"]
[policies.administrative]
block = ["@messenger"]
[vlans.administration]
prefixes = ["127.0.10.0/24"]
policy = "administrative"
[[expect]]
client = "127.0.10.5"
name = "pager.example"
outcome = "blocked"
service = "pager"
"""


@dataclass
class PolicyRepository:
    """The repository with a work tree, where the operator commits; ``keys`` has the keys."""

    path: Path
    keys: Path

    @property
    def allowed(self) -> Path:
        """The file of allowed signers: the operator alone."""
        return self.keys / "allowed_signers"

    def git(self, *arguments: str | Path, committed: float | None = None) -> str:
        """What git prints; ``committed`` is the date of a commit that it makes."""
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        if committed is not None:
            environment["GIT_COMMITTER_DATE"] = f"@{committed:.0f} +0000"
        done = subprocess.run(
            ["git", "-C", self.path, *arguments],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def write(self, file: str, text: str) -> None:
        """Write a file of the work tree."""
        path = self.path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, signer: str = SIGNER, *, days_ago: float = 0) -> str:
        """Commit everything, signed by a key, or unsigned where none is named; the commit.

        Its date is so many days ago, as its committer would have it.
        """
        sign = ["-S"] if signer else []
        self.git("add", "--all")
        key = f"user.signingkey={self.keys / signer}"
        words = ("commit", "--quiet", "--allow-empty", "-m", "a change", *sign)
        self.git("-c", key, *words, committed=time.time() - days_ago * 86400)
        return self.head()

    def merge(self, signer: str = "") -> str:
        """Merge a branch with one commit, signed or not, by a signed commit; the branch's."""
        self.git("checkout", "--quiet", "-b", "side")
        side = self.commit(signer)
        self.git("checkout", "--quiet", "stable")
        self.git("merge", "--quiet", "--no-ff", "-S", "-m", "a merge", "side")
        self.git("branch", "--quiet", "-D", "side")
        return side

    def head(self) -> str:
        """The newest commit."""
        return self.git("rev-parse", "HEAD")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody finds it meanwhile."""
        elsewhere = self.path.with_name("away")
        self.path.rename(elsewhere)
        try:
            yield
        finally:
            elsewhere.rename(self.path)

    def begin(self) -> None:
        """Write the first policy, which blocks pager.example alone."""
        self.write("config.toml", CONFIG)
        self.block()

    def block(self, *names: str) -> None:
        """Block more names."""
        self.write("blocklists/pager.txt", LIST + "".join(f"||{name}^\n" for name in names))


def policy_repository(directory: Path) -> PolicyRepository:
    """A repository with one signed commit on the branch ``stable``."""
    for program in ("git", "ssh-keygen"):
        needed(program)
    made = PolicyRepository(directory / "repository", directory / "keys")
    made.path.mkdir()
    made.keys.mkdir()
    for name in (SIGNER, OTHER):
        command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", made.keys / name)
        subprocess.run(command, check=True)
    public = (made.keys / f"{SIGNER}.pub").read_text(encoding="utf-8")
    made.allowed.write_text(f'{SIGNER} namespaces="git" {public}', encoding="utf-8")
    made.git("init", "--quiet", "--initial-branch=stable")
    for setting in ("user.name=NOC", "user.email=noc@agency.example", "gpg.format=ssh"):
        made.git("config", *setting.split("="))
    made.git("config", "user.signingkey", made.keys / SIGNER)
    made.git("config", "gpg.ssh.allowedSignersFile", made.allowed)
    made.begin()
    made.commit()
    return made
