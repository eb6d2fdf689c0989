"""All commands of the command line.

A command is imported when it is used, since the imports of all commands take a second.
"""

import functools
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from resolver import __version__, build
from resolver.cli.command import command, echo

COMMANDS = (
    *("run", "check", "explain", "diff", "reload", "flush", "drain", "status", "pull", "record"),
    *("exempt", "history", "report", "export", "lists"),
)
"""The commands, in the order of the help. ``module_name`` says where each is."""


def module_name(name: str) -> str:
    """The module of a command."""
    return "resolver.cli." + ("run_help" if name == "run" else name)


class _Imported(Mapping[str, TyperCommand | TyperGroup]):
    """The commands by name, each imported when it is looked up."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        if name not in COMMANDS:
            raise KeyError(name)
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@functools.cache
def _command(name: str) -> TyperCommand | TyperGroup:
    found = getattr(import_module(module_name(name)), name)
    if isinstance(found, typer.Typer):  # it has commands of its own
        return cast("TyperGroup", typer.main.get_command(found))
    one = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    one.command(name)(command(found))
    return cast("TyperCommand", typer.main.get_command(one))


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - what Typer gives a group
        super().__init__(**attributes)
        self.commands = cast("Any", _Imported())


app = typer.Typer(
    name="darban",
    cls=_Commands,
    help="A DNS resolver that enforces a network's messenger policy by VLAN.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        echo(f"darban {__version__}, {build()}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        callback=_print_version,
        is_eager=True,
        help="print the version, and whether this build is compiled or interpreted",
    ),
]


@app.callback()
def _options(version: Version = False) -> None:
    """The options of darban itself."""
