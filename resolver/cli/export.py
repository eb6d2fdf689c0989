"""``darban export``: the configs of other programs, for the policy of this config."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from resolver.cli.command import Config, echo
from resolver.cli.default_config import config_path
from resolver.cli.policies import compile_valid
from resolver.errors import DarbanError
from resolver.policy.compiled import CompiledConfig
from resolver.publish.dnsdist_front import front_config
from resolver.publish.knot import knot_config
from resolver.publish.nftables import nftables
from resolver.publish.writer import zone_directory
from resolver.snapshot import store

Program = Annotated[
    str,
    typer.Argument(
        metavar="PROGRAM",
        help="knot: serves the policy's zones; nftables: rejects the address ranges of services; "
        "dnsdist-front: DNS over TLS and HTTPS, and balancing",
    ),
]


def export(program: Program, config: Config = None) -> int:
    """Print the config of another program, for the policy of this config.

    It reads the config on disk, and needs no server.

        darban export knot > /etc/knot/knot.conf

        darban export nftables > /etc/nftables.d/darban.nft

        darban export dnsdist-front > /etc/dnsdist/dnsdist.conf
    """
    path = config_path(config)
    make = _EXPORTS.get(program)
    if make is None:
        known = ", ".join(_EXPORTS)
        raise DarbanError(f"found the program '{program}'; expected one of {known}")
    echo(make(compile_valid(path).snapshot.terms, path).rstrip("\n"))
    return 0


def _knot(terms: CompiledConfig, config: Path) -> str:
    publication = terms.settings.publish
    if publication is None:
        raise DarbanError(
            f"{config}: found no [publish] listen; expected the addresses where Knot DNS serves "
            'the zones, such as listen = ["10.0.0.54:8053"]'
        )
    directory = zone_directory(publication, config.parent, store.directory(config))
    return knot_config(terms, publication, directory.absolute())


def _nftables(terms: CompiledConfig, config: Path) -> str:
    if not terms.ranges:
        raise DarbanError(
            f"{config}: found no address ranges in its lists; expected a file such as telegram.ip "
            "beside telegram.txt"
        )
    return nftables(terms, time.time())


def _dnsdist_front(terms: CompiledConfig, config: Path) -> str:
    front = terms.settings.front
    if front is None:
        raise DarbanError(
            f"{config}: found no addresses in [front]; expected dns, dot or doh, such as "
            'dot = ["10.0.0.53:853"]'
        )
    return front_config(front, config.parent)


_EXPORTS: dict[str, Callable[[CompiledConfig, Path], str]] = {
    "knot": _knot,
    "nftables": _nftables,
    "dnsdist-front": _dnsdist_front,
}
