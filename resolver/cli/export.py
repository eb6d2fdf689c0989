"""``darban export``: the policy for other servers, in their own form."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from resolver.cli.command import Config, echo
from resolver.cli.default_config import config_path
from resolver.errors import DarbanError
from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Publication
from resolver.publish.knot import knot_config
from resolver.publish.writer import zone_directory
from resolver.snapshot import store
from resolver.snapshot.compiler import compile_file

_EXPORTS: dict[str, Callable[[CompiledConfig, Publication, Path], str]] = {"knot": knot_config}

Program = Annotated[str, typer.Argument(metavar="PROGRAM", help="knot: serves the zones")]


def export(program: Program, config: Config = None) -> int:
    """Print the config of another program, for the policy of this config.

    It reads the config on disk, and needs no server.

        darban export knot > /etc/knot/knot.conf
    """
    path = config_path(config)
    make = _EXPORTS.get(program)
    if make is None:
        known = ", ".join(_EXPORTS)
        raise DarbanError(f"found the program '{program}'; expected one of {known}")
    compiled = compile_file(path, time.time())
    compiled.check()
    terms = compiled.snapshot.terms
    publication = terms.settings.publish
    if publication is None:
        raise DarbanError(
            f"{path}: found no [publish] listen; expected the addresses where Knot DNS serves the "
            'zones, such as listen = ["10.0.0.54:8053"]'
        )
    directory = zone_directory(publication, path.parent, store.directory(path))
    echo(make(terms, publication, directory.absolute()).rstrip("\n"))
    return 0
