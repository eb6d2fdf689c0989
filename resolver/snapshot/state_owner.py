"""Root works on a state directory with the rights of its owner, the service's user.

Files that root wrote there could not be read by the service. What lies there is the service's:
root must not follow its symbolic links, and must not map its files. Other users have their own
rights, and nothing changes for them.
"""

import contextlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from resolver import DarbanError


class _Owner(NamedTuple):
    uid: int
    gid: int

    @property
    def name(self) -> str:
        """Its name, or its number where it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    @property
    def groups(self) -> list[int]:
        """The groups that its service is in."""
        try:
            return os.getgrouplist(pwd.getpwuid(self.uid).pw_name, self.gid)
        except KeyError:
            return [self.gid]


class RunByRoot(DarbanError):
    """Root starts a server whose state directory belongs to another user."""


@contextlib.contextmanager
def as_owner(state: Path) -> Iterator[None]:
    """Have the rights of the owner of a state directory; only where one thread runs.

    A PermissionError says whose rights these are.
    """
    owner = _owner(state)
    if owner is None:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups(owner.groups)
    os.setegid(owner.gid)
    os.seteuid(owner.uid)
    try:
        yield
    except PermissionError as error:
        error.strerror = f"{error.strerror} for the user {owner.name}"
        raise
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def become_owner(state: Path) -> None:
    """Give up the rights of root for those of the owner of a state directory, for good."""
    owner = _owner(state)
    if owner is not None:
        os.setgroups(owner.groups)
        os.setresgid(owner.gid, owner.gid, owner.gid)
        os.setresuid(owner.uid, owner.uid, owner.uid)


def refuse_root(state: Path) -> None:
    """Raise RunByRoot where root would start the server of another user."""
    owner = _owner(state)
    if owner is not None:
        raise RunByRoot(
            f"{state} belongs to the user {owner.name}, who could not read what a server of root "
            f"writes there; start the service (systemctl start darban), or be {owner.name}"
        )


def is_own(state: Path) -> bool:
    """Whether a state directory belongs to this user; else root must map none of its files."""
    return _owner(state) is None


def _owner(state: Path) -> _Owner | None:
    """Whose rights root must take; None where no change is needed.

    Where the directory does not exist yet, it is the owner of the one that will hold it.
    """
    if os.geteuid():
        return None
    place = next(path for path in (state, *state.absolute().parents) if os.path.lexists(path))
    statuses = [place.lstat()]
    with contextlib.suppress(OSError):  # a link that leads nowhere
        statuses.append(place.stat())
    return next(
        (_Owner(status.st_uid, status.st_gid) for status in statuses if status.st_uid), None
    )
