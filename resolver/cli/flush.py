"""``darban flush``: remove answers from the cache of the running server."""

from typing import Annotated

import typer

from resolver import DarbanError
from resolver.cli.command import Config, echo
from resolver.cli.server import ask
from resolver.dns import names

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="the name or zone to remove, with all names below it"),
]
All = Annotated[bool, typer.Option("--all", help="remove everything")]


def flush(*, name: Name = None, everything: All = False, config: Config) -> int:
    """Remove a name from the cache, with all names below it.

    The next query for them goes to an upstream again.

        darban flush agency.example

        darban flush --all
    """
    if (name is None) != everything:
        raise DarbanError("say what to remove: a NAME, or --all")
    zone = "." if name is None else name
    names.parse(zone)
    answer = ask(config, "flush", name=zone)
    echo(f"by the server of {config}", err=True)
    echo(f"cached answers removed: {answer['entries']}")
    return 0
