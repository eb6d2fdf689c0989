"""Which commits are signed as they must be: git checks, with the keys of the allowed signers.

Every commit counts that is new since another one, by whichever side of a merge it came: the
signature of the newest alone would put in force what its signer may never have seen.

Only git's letter G is good (%G? of git-log(1)): an SSH signature for git by a key of the file of
allowed signers. git applies ``valid-after`` and ``valid-before`` of a key to the date of the
commit, which the committer chooses. So only a line that is gone takes the right from a stolen key.
"""

from dataclasses import dataclass
from pathlib import Path

MOST = 1000
"""Commits that are checked at a time; each takes some 10 ms."""

_WHY = {
    "N": "it has no signature",
    "U": "its key is not among the allowed signers",
    "B": "its signature is bad",
}


@dataclass(frozen=True, slots=True)
class CommitSignature:
    """What git says of the signature of a commit."""

    commit: str
    letter: str
    signer: str
    """A principal of the allowed signers."""
    dated: float
    """The committer's date, which the signature covers, in seconds since 1970."""

    @property
    def fault(self) -> str:
        """Why it does not pass; empty where it does."""
        if self.letter == "G" and self.signer:
            return ""
        return _WHY.get(self.letter, "its signature cannot be checked")


def options(signers: Path) -> tuple[str, ...]:
    """The settings with which git checks; other kinds of signatures name no allowed signer."""
    return (
        f"gpg.ssh.allowedSignersFile={signers}",
        *("gpg.openpgp.program=false", "gpg.x509.program=false", "gpg.minTrustLevel=fully"),
        "log.showSignature=false",
    )


def question(*which: str) -> tuple[str, ...]:
    """The arguments of git that check commits, by options and revisions of git-log(1).

    One more than ``MOST`` tells that there are too many.
    """
    return ("log", "--format=%G? %H %ct %GS", f"--max-count={MOST + 1}", *which, "--")


def read(printed: str) -> list[CommitSignature]:
    """What git has printed, the newest first."""
    rows = (line.split(" ", 3) for line in printed.splitlines())
    return [
        CommitSignature(commit, letter, "".join(signer), float(dated))
        for letter, commit, dated, *signer in rows
    ]
