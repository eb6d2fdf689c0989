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


LastGood = Annotated[
    bool,
    typer.Option(
        "--last-good",
        help="if the config is broken or an expectation fails, say so and serve what was in "
        "force last",
    ),
]


def run(config: Config = None, last_good: LastGood = False) -> None:
    """Start the server, in the foreground, until SIGTERM or Ctrl-C.

    SIGHUP reloads the config, as darban reload does.

    Exits with 1 where an expectation does not hold, 2 where it cannot start.

        darban run --config config.toml
    """
    from resolver.cli.run import start

    arguments = [] if config is None else ["--config", str(config)]
    raise typer.Exit(start([*arguments, *["--last-good"] * last_good]))
