"""``darban reload``: put the config in force in the running server, or show why not."""

from pathlib import Path
from typing import Annotated

import typer

from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.server import PATIENCE, ask, reload_text

File = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="give the config the text of this file first, and keep the config as NAME.old",
    ),
]
Accept = Annotated[
    bool,
    typer.Option(
        "--accept",
        help="accept that lists are gone or have lost over a fifth, or what FILE undoes",
    ),
]


def reload(
    new: File = None, *, accept: Accept = False, config: Config, as_json: AsJson = False
) -> int:
    """Put the config in force, without losing a query.

    The whole config is checked first, with its expectations. If anything is wrong, the policy in
    force stays, and the report says what is wrong. When this returns with 0, every answer is by the
    new config.

    With FILE, a file beside the config is checked, the config gets its text, and the config before
    is kept as config.toml.old. A line says what changes; 'darban diff FILE' shows all. If it is not
    put in force, the config stays as it was. Remove FILE after it: an old copy lacks what others
    change later. A file that ends an exemption, or lacks what another person has put in force since
    it was copied, is held, and the report names what it undoes.

    If a list that the config still names is gone, or has lost more than a fifth of its entries, the
    reload is held, and the report names the list. With --accept, what is held is put in force.

    Exits with 1 where an expectation does not hold or the reload is held, 2 where the config has
    errors or needs a restart.

        darban reload --config /etc/darban/config.toml

        darban reload ali.toml
    """
    if new is not None:
        # a reload without FILE compiles nothing itself, and begins sooner without the compiler
        from resolver.cli.reload_file import reload_from

        return reload_from(new, config, accept=accept, as_json=as_json)
    answer = ask(config, "reload", PATIENCE, accept=accept)
    if as_json:
        print_json(answer)
    else:
        echo(reload_text(config, answer))
    return int(answer["code"])
