"""``darban status``: counts, upstreams, cache and exemptions of the running server."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.console import Console

from resolver.cli.command import AsJson, Config, print_json
from resolver.cli.pair_status import show_pair
from resolver.cli.server import ask, read_status
from resolver.cli.status_view import draw, draw_unknown_clients
from resolver.metrics.unknown_clients import UnknownClients

Unknown = Annotated[
    bool, typer.Option("--unknown", help="show instead which clients are refused most")
]

Pair = Annotated[
    bool,
    typer.Option("--pair", help="show instead what differs on the nodes of [pair], by your SSH"),
]


def status(
    *, unknown: Unknown = False, pair: Pair = False, as_json: AsJson = False, config: Config
) -> int:
    """Show queries, blocks, upstreams and exemptions.

    With --pair, exits with 1 where a node has another policy or other exemptions, and with 4
    where its policy cannot be compared, since it has another release.

        darban status

        darban status --unknown

        darban status --pair
    """
    if pair:
        return show_pair(config, as_json)
    if unknown:
        _unknown_clients(config, as_json)
    elif as_json:
        print_json(ask(config, "status"))
    else:
        console = Console()
        console.print(draw(read_status(config), console.width))
    return 0


def _unknown_clients(config: Path, as_json: bool) -> None:
    clients = TypeAdapter(UnknownClients).validate_python(ask(config, "unknown"))
    if as_json:
        refused = [{"prefix": prefix, "refused": times} for prefix, times in clients.prefixes]
        print_json({"prefixes": refused, "missed": clients.missed})
    else:
        Console().print(draw_unknown_clients(clients))
