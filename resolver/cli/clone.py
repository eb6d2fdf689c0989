"""The operator's own clone of the policy repository, for ``darban exempt --repo``.

git runs here as the operator runs it: with the operator's config, which has the signing key and
the allowed signers. A commit of the operator must not sign what others have brought unsigned into
the clone: servers refuse all that comes after it, and the operator may not have seen it.
"""

import shlex
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from resolver.count_text import count_text
from resolver.errors import DarbanError
from resolver.policy_source import signatures

_CHECKED = "refs/darban/checked"
"""In the clone: all commits up to this one were checked."""
_NAMED = 10


class UnsignedCommits(DarbanError):
    """Commits of the clone are not signed as they must be."""

    code = 1


def config_of(clone: Path) -> Path:
    """The config of a clone.

    Raises:
        DarbanError: it has none, or is no clone.
    """
    config = clone / "config.toml"
    for each in (clone / ".git", config):
        if not each.exists():
            raise DarbanError(f"{each} does not exist; --repo names a clone of the repository")
    return config


def check_signatures(clone: Path) -> None:
    """Check the commits since the last check, or else since the first one that is signed.

    At most the last ``signatures.MOST``: this is for the operator to see, servers check by
    themselves.

    Raises:
        UnsignedCommits: a server refuses what comes after some of them.
        DarbanError: they cannot be checked.
    """
    key = "gpg.ssh.allowedSignersFile"
    signers = Path(_printed(clone, "config", "--type=path", "--default=", "--get", key))
    if not (clone / signers).is_file():
        command = shlex.join([*_git(clone), "config", key, "FILE"])
        raise DarbanError(
            f"{clone}: git is not told whose signatures the servers accept. Copy their file of "
            f"allowed signers, and name it: {command}"
        )
    base = _printed(clone, "for-each-ref", "--format=%(objectname)", _CHECKED)
    settings = [part for each in signatures.options(signers) for part in ("-c", each)]
    question = signatures.question("HEAD", *([f"^{base}"] if base else []))
    found = signatures.read(_printed(clone, *settings, *question))
    if not base:
        signed = [place for place, each in enumerate(found) if not each.fault]
        if signed:
            base = found[signed[-1]].commit
            del found[signed[-1] :]
    wrong = [each for each in found if each.fault]
    if wrong:
        raise UnsignedCommits(_refusal(clone, signers, wrong, base))
    _printed(clone, "update-ref", _CHECKED, "HEAD")


def _refusal(
    clone: Path, signers: Path, wrong: Sequence[signatures.CommitSignature], base: str
) -> str:
    """What is not signed, what has changed since ``base``, if there is one, and what to do."""
    git = shlex.join(_git(clone))
    commits = count_text(len(wrong), "commit is", "commits are")
    changed = []
    if base:
        changed = [_difference(clone, base, "HEAD"), f"This has changed since commit {base}."]
    return "\n".join(
        [
            f"{clone}: {commits} not signed as {signers} demands; servers refuse what comes after:",
            *(f"  {each.commit}: {each.fault}" for each in wrong[:_NAMED]),
            *["  ..."] * (len(wrong) > _NAMED),
            *changed,
            "Nothing was written. Let COMMIT be the one in force at the sites (darban status).",
            f"If it comes after these: {git} update-ref {_CHECKED} COMMIT",
            f"If you have read them and they are right, sign them: {git} rebase "
            "--exec 'git commit --amend --no-edit -S' COMMIT",
            f"If not: {git} reset --hard COMMIT, and inform your security team.",
            f"Then: {git} push --force-with-lease",
        ]
    )


def edit_text(clone: Path, files: Iterable[str]) -> str:
    """How the files of a clone differ from its newest commit."""
    return _difference(clone, "HEAD", "--", *files)


def _difference(clone: Path, *which: str) -> str:
    """A difference as it is, whatever the attributes of the repository say of its files."""
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--text")
    return _printed(clone, "diff", *options, *which)


def _git(clone: Path) -> list[str]:
    return ["git", "-C", str(clone)]


def _printed(clone: Path, *arguments: str) -> str:
    """What git prints; DarbanError where it fails."""
    command = [*_git(clone), *arguments]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise DarbanError(f"git cannot be started ({error.strerror})") from None
    if done.returncode:
        raise DarbanError(f"{shlex.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


def commit(clone: Path, files: Iterable[str], message: str) -> str:
    """Commit these files of a clone, signed; what to do next.

    Raises:
        DarbanError: git could not; the files stay edited.
    """
    command = [*_git(clone), "commit", "-S", "--quiet", "-m", message, "--", *files]
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise DarbanError(f"git cannot be started ({error.strerror})") from None
    if code:
        raise DarbanError(
            f"{clone} is edited, and not committed: git ended with exit code {code}. It needs a "
            "key that the servers accept (gpg.format, user.signingkey). Then: "
            + shlex.join(command)
        )
    return f"committed and signed; '{shlex.join([*_git(clone), 'push'])}' sends it to the servers"
