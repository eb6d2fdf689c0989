"""``darban drain``: lead clients away from a node, before it is restarted or repaired."""

from typing import Annotated

import typer

from resolver.cli.command import Config, echo
from resolver.cli.server import ask

End = Annotated[bool, typer.Option("--end", help="let health checks succeed again")]


def drain(*, end: End = False, config: Config) -> int:
    """Lead clients to other nodes: let health checks fail.

    dnsdist, keepalived and BIRD then lead clients elsewhere. The server goes on answering. A
    restart ends the drain too.

        darban drain

        darban drain --end
    """
    ask(config, "drain", draining=not end)
    state = "ready: health checks succeed" if end else "draining: health checks fail"
    echo(f"the server of {config} is {state}")
    return 0
