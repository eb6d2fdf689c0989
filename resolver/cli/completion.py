"""What the shell offers for an argument, from the config at hand."""

import typer

from resolver.cli.place import config_path
from resolver.compilation import Disk
from resolver.config.gathering import gather


def vlans(context: typer.Context, incomplete: str) -> list[str]:
    """The VLANs whose names begin so."""
    given, _ = gather(str(config_path(context.params.get("config"))), Disk())
    section = given.document.get("vlans")
    names = section if isinstance(section, dict) else {}
    return sorted(name for name in names if name.startswith(incomplete))
