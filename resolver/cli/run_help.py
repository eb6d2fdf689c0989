"""``darban run`` for the help and the shell; ``cli.run`` starts the server."""

from typing import Annotated

import typer

from resolver.cli.command import Config

LastGood = Annotated[
    bool,
    typer.Option(
        "--last-good",
        help="serve the last good policy at once; if the config has errors or an expectation "
        "fails, report that and go on with the last good policy; if this host lacks an address to "
        "listen on, report that and serve the others",
    ),
]


def run(*, config: Config, last_good: LastGood = False) -> int:
    """Start the server, in the foreground.

    SIGTERM and Ctrl-C end it. SIGHUP reloads the config. Exits with 1 where an expectation does not
    hold, 2 where the server cannot start.

        darban run --config config.toml
    """
    from resolver.cli.run import start

    return start(["--config", str(config), *(["--last-good"] if last_good else [])])
