"""Which config a command is about."""

from pathlib import Path

SYSTEM = Path("/etc/darban/config.toml")
HERE = Path("config.toml")


def config_path(given: Path | None) -> Path:
    """The config that was named, else the system's if there is one, else the one here."""
    if given is not None:
        return given
    return SYSTEM if SYSTEM.exists() else HERE
