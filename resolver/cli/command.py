"""What all commands have in common: options, JSON output, errors and exit codes.

A command returns its exit code: 0 good, 1 the answer is no, 2 a mistake in the config or the
usage, 3 no server can be reached, 4 not checkable. Any DarbanError ends it with the error's own
code.
"""

import functools
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from resolver import DarbanError
from resolver.cli.default_config import default_config
from resolver.cli.moments import use_time_zone_of
from resolver.system.log import escaped

CONFIG_HELP = "the config; /etc/darban/config.toml if it exists, else config.toml"
Config = Annotated[
    Path,
    typer.Option(
        "--config",
        default_factory=default_config,
        show_default=False,
        help=CONFIG_HELP,
    ),
]
Named = Annotated[Path | None, typer.Option("--config", help=CONFIG_HELP)]
"""The same where the command must know whether it is given."""
JSON_HELP = "print one JSON object"
AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP)]

P = ParamSpec("P")


def command(run: Callable[P, int]) -> Callable[P, None]:
    """Turn a function that returns an exit code into a command; report every DarbanError."""

    @functools.wraps(run)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        named = kwargs.get("config")
        use_time_zone_of(named if isinstance(named, Path) else default_config())
        try:
            code = run(*args, **kwargs)
        except DarbanError as error:
            echo(str(error), err=True)
            code = error.code
        raise typer.Exit(code)

    return command


def echo(text: str, *, err: bool = False) -> None:
    """Print a text, without the characters that a terminal obeys; ``err``: on standard error."""
    typer.echo(escaped(text), err=err)


def json_text(value: object) -> str:
    """One JSON object; dataclasses in it are objects of their fields."""
    return json.dumps(value, default=asdict, ensure_ascii=False, indent=2)


def print_json(value: object) -> None:
    """Print one JSON object; dataclasses in it are objects of their fields."""
    echo(json_text(value))
