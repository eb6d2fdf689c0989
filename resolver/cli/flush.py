"""``darban flush``: make the running server forget answers."""

from pathlib import Path
from typing import Annotated

import typer

from resolver.cli.place import config_path
from resolver.dns import names
from resolver.supervisor import control

_UNREACHABLE = 3
_USAGE = 2

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="the name or zone to forget, with all names below it"),
]
All = Annotated[bool, typer.Option("--all", help="forget everything")]
Config = Annotated[Path | None, typer.Option("--config", help="the config of the server")]


def flush(name: Name = None, everything: All = False, config: Config = None) -> None:
    """Forget cached answers: a name and all below it, or everything.

    The next question for them is asked of an upstream again. Exits with 3 where no server
    can be reached.

        darban flush agency.example

        darban flush --all
    """
    if (name is None) != everything:
        typer.echo("say what to forget: a NAME, or --all", err=True)
        raise typer.Exit(_USAGE)
    zone = "." if name is None else name
    path = config_path(config)
    try:
        names.parse(zone)
        answer = control.ask(path, {"command": "flush", "name": zone})
    except names.InvalidName as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_USAGE) from None
    except control.Unreachable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_UNREACHABLE) from None
    if "error" in answer:
        typer.echo(str(answer["error"]), err=True)
        raise typer.Exit(_UNREACHABLE)
    typer.echo(f"by the server of {path}", err=True)
    typer.echo(f"answers forgotten: {answer['entries']}")
