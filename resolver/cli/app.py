"""All commands of the command line."""

from collections.abc import Callable
from typing import Annotated

import typer

from resolver import __version__, build
from resolver.cli import (
    check,
    diff,
    drain,
    exempt,
    explain,
    export,
    flush,
    history,
    lists,
    pull,
    record,
    reload,
    report,
    run_help,
    status,
)
from resolver.cli.command import command, echo

app = typer.Typer(
    name="darban",
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


_COMMANDS: dict[str, Callable[..., int]] = {
    "run": run_help.run,
    "check": check.check,
    "explain": explain.explain,
    "diff": diff.diff,
    "reload": reload.reload,
    "flush": flush.flush,
    "drain": drain.drain,
    "status": status.status,
    "pull": pull.pull,
    "record": record.record,
    "exempt": exempt.exempt,
    "history": history.history,
    "report": report.report,
    "export": export.export,
}
for _name, _run in _COMMANDS.items():
    app.command(_name)(command(_run))
app.add_typer(lists.lists, name="lists")
