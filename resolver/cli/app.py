"""All commands of the command line.

A command is imported when it is used, since the imports of all commands take a second.

To add a command:
- cli/NAME.py: one function that returns the exit code. Its docstring is the help and the manual
  page, and has an example (four spaces, ``darban NAME``); its first line has 54 characters at most.
  Each parameter has a help text. Its name is in ``GROUPS``.
- If it asks the server: ``ask`` of ``cli.server``, and an entry in ``Part.commands``. If it reads
  or writes the state directory: ``become_owner`` or ``as_owner`` of ``snapshot.state_owner``
  before.
- tests/end_to_end runs it.
Fails until done: tests/cli/test_manual.py, tests/laws/test_callers.py.
"""

import functools
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from resolver import __version__, build
from resolver.cli.command import command, echo

GROUPS: Mapping[str, tuple[str, ...]] = {
    "policy": ("init", "check", "diff", "reload", "pull"),
    "people": ("explain", "exempt", "blocked"),
    "lists": ("lists", "record"),
    "other resolvers": ("export",),
    "evidence": ("history", "report"),
    "server": ("run", "status", "flush", "drain"),
}
"""The commands by what they are about, in the order of the help."""
COMMANDS = tuple(name for group in GROUPS.values() for name in group)
"""The names of all commands. ``module_name`` says where each is."""


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
    implementation = getattr(import_module(module_name(name)), name)
    if isinstance(implementation, typer.Typer):  # it has commands of its own
        return cast("TyperGroup", typer.main.get_command(implementation))
    one = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    one.command(name)(command(implementation))
    return cast("TyperCommand", typer.main.get_command(one))


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - what Typer gives a group
        super().__init__(**attributes)
        self.commands = cast("Any", _Imported())

    def format_help(self, _: Any, formatter: Any) -> None:  # noqa: ANN401 - Click's, which Typer hides
        """Write the help of all commands; it fits a screen of 24 lines and 80 columns."""
        formatter.write("\n".join(_help_lines()) + "\n")


def _help_lines() -> Iterator[str]:
    yield f"{_ABOUT}\n\nUsage: darban COMMAND ...; 'darban COMMAND --help' has the rest.\n"
    for group, members in GROUPS.items():
        for name in members:
            heading = group if name == members[0] else ""
            yield f"{heading:<17}{name:<9}{_command(name).get_short_help_str(limit=80)}"
    yield f"\nOptions: {', '.join(_OPTIONS)}"


_ABOUT = "A DNS resolver that enforces a network's messenger policy by VLAN."
_OPTIONS = ("--version", "--install-completion", "--show-completion", "--help")

app = typer.Typer(
    name="darban",
    cls=_Commands,
    help=_ABOUT,
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
