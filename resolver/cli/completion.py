"""What the shell offers for an argument, from the config at hand."""

from collections.abc import Iterable

import typer

from resolver.cli.place import config_path
from resolver.config.reading import read_merged
from resolver.snapshot.compiler import DiskFiles


def vlans(context: typer.Context, incomplete: str) -> list[str]:
    """The VLANs whose names begin so."""
    return _beginning(incomplete, _section(context, "vlans"))


def services(context: typer.Context, incomplete: str) -> list[str]:
    """The services whose names begin so: each is a list in a directory of the config."""
    directories = _section(context, "lists").get("directories", ["blocklists"])
    beside = config_path(context.params.get("config")).parent
    listed = directories if isinstance(directories, list) else []
    found = {file.stem for each in listed for file in (beside / str(each)).glob("*.txt")}
    return _beginning(incomplete, found)


def _section(context: typer.Context, name: str) -> dict[str, object]:
    given, _ = read_merged(str(config_path(context.params.get("config"))), DiskFiles())
    section = given.document.get(name)
    return section if isinstance(section, dict) else {}


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
