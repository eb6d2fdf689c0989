"""The operator's own clone of the policy repository, for ``darban exempt --repo``.

git runs here as the operator runs it: with the operator's config, which has the signing key.
"""

import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

from resolver.errors import DarbanError


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


def commit(clone: Path, files: Iterable[str], message: str) -> str:
    """Commit these files of a clone, signed; what to do next.

    Raises:
        DarbanError: git could not; the files stay edited.
    """
    place = ("git", "-C", str(clone))
    command = [*place, "commit", "-S", "--quiet", "-m", message, "--", *files]
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
    return f"committed and signed; '{shlex.join([*place, 'push'])}' sends it to the servers"
