"""The config that a command is about, where the command line names none."""

from pathlib import Path

SYSTEM = Path("/etc/darban/config.toml")
HERE = Path("config.toml")


def config_path(given: Path | None) -> Path:
    """The config that was named, else the system's if it exists, else the one in this directory."""
    if given is not None:
        return given
    return SYSTEM if SYSTEM.exists() else HERE
