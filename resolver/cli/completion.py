"""Shell completion of arguments, from the config."""

from collections.abc import Iterable
from pathlib import Path

import typer

from resolver.cli.default_config import default_config
from resolver.config.reading import read_merged
from resolver.snapshot.config_files import DiskFiles


def vlans(context: typer.Context, incomplete: str) -> list[str]:
    """The VLANs whose names begin with a text."""
    return _beginning(incomplete, _section(context, "vlans"))


def hours(context: typer.Context, incomplete: str) -> list[str]:
    """The hours whose names begin with a text."""
    return _beginning(incomplete, _section(context, "hours"))


def services(context: typer.Context, incomplete: str) -> list[str]:
    """The services whose names begin with a text: each is a list in a directory of the config."""
    directories = _section(context, "lists").get("directories", ["blocklists"])
    base = _config(context).parent
    listed = directories if isinstance(directories, list) else []
    found = {file.stem for each in listed for file in (base / str(each)).glob("*.txt")}
    return _beginning(incomplete, found)


def exemptions(context: typer.Context, incomplete: str) -> list[str]:
    """The ids of exemptions that begin with a text."""
    found = _value(context, "exemptions")
    tables = found if isinstance(found, list) else []
    return _beginning(incomplete, (str(each["id"]) for each in tables if "id" in each))


def _section(context: typer.Context, name: str) -> dict[str, object]:
    section = _value(context, name)
    return section if isinstance(section, dict) else {}


def _value(context: typer.Context, name: str) -> object:
    config = _config(context)
    merged, _ = read_merged(str(config), DiskFiles(config))
    return merged.document.get(name)


def _config(context: typer.Context) -> Path:
    return context.params.get("config") or default_config()


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
