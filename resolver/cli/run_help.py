"""``darban run`` as the help tells of it; ``cli.run`` is what runs."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", help="the config; /etc/darban/config.toml if it exists, else config.toml"
    ),
]


def run(config: Config = None) -> None:
    """Start the server, in the foreground, until SIGTERM or Ctrl-C.

    Exits with 1 where an expectation does not hold, 2 where it cannot start.

        darban run --config config.toml
    """
    from resolver.cli.run import start

    raise typer.Exit(start([] if config is None else ["--config", str(config)]))
