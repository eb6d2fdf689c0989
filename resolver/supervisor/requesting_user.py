"""Who commands the server: the user of the process that asks, and the person behind that user.

The kernel gives the user. The person is who has logged in, whatever ``sudo`` and ``su`` have made
of that since. Only the asking process can look, since the service sees no process of others. The
service believes it only if it runs as root or as the service's user: both can write the audit log
anyway.
"""

import asyncio
import os
import pwd
from pathlib import Path

_LOGIN = Path("/proc/self/loginuid")
_UNSET = 0xFFFFFFFF
_LOOK_UP = 2.0
"""Seconds that a name may take: users may be in a directory on the network."""


def login_uid() -> int | None:
    """The user who has logged in, or has used sudo; None where this process has no such user."""
    try:
        login = int(_LOGIN.read_text(encoding="ascii"))
    except (OSError, ValueError):  # a kernel without audit
        login = _UNSET
    if login not in (0, _UNSET):
        return login
    sudo = os.environ.get("SUDO_UID", "")
    return int(sudo) if sudo.isdecimal() else None


async def requesting_user(user: int, login: object = None) -> str:
    """A process's user, and the person behind it, as the audit log has them.

    As in ``uid 1000 (ali) as uid 0 (root)``. ``login`` is what that process says of its login.
    """
    name = await _named(user)
    if user in (0, os.geteuid()) and isinstance(login, int) and login != user:
        return f"{await _named(login)} as {name}"
    return name


async def _named(user: int) -> str:
    try:
        looked_up = asyncio.to_thread(pwd.getpwuid, user)
        return f"uid {user} ({(await asyncio.wait_for(looked_up, _LOOK_UP)).pw_name})"
    except (KeyError, OverflowError, TimeoutError):
        return f"uid {user}"
