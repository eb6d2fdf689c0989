"""The config that a command is about, where the command line names none."""

from pathlib import Path

SYSTEM = Path("/etc/darban/config.toml")
HERE = Path("config.toml")


def default_config() -> Path:
    """The system's config if it exists, else the one in this directory."""
    return SYSTEM if SYSTEM.exists() else HERE
