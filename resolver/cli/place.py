"""Which config a command is about, and what its server has in force."""

from pathlib import Path

from resolver.supervisor import control

SYSTEM = Path("/etc/darban/config.toml")
HERE = Path("config.toml")


def config_path(given: Path | None) -> Path:
    """The config that was named, else the system's if there is one, else the one here."""
    if given is not None:
        return given
    return SYSTEM if SYSTEM.exists() else HERE


def in_force(config: Path) -> Path:
    """Where the snapshot is that the server of a config has in force.

    Raises:
        Unreachable: no server answers.
    """
    status = control.ask(config, {"command": "status"})
    if "error" in status:
        raise control.Unreachable(str(status["error"]))
    return Path(str(status["snapshot"]))
