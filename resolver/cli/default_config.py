"""The config that a command is about, where the command line names none."""

from pathlib import Path

SYSTEM = Path("/etc/darban/config.toml")
HERE = Path("config.toml")


def default_config() -> Path:
    """The system's config if there is one, else the one in this directory.

    A user outside of the group darban may not see whether there is one: then there is.
    """
    try:
        return SYSTEM if SYSTEM.exists() else HERE
    except PermissionError:
        return SYSTEM
