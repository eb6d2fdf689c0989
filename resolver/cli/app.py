"""The commands, gathered."""

from typing import Annotated

import typer

from resolver import __version__, build
from resolver.cli import (
    check,
    diff,
    exempt,
    explain,
    flush,
    history,
    lists,
    record,
    reload,
    report,
    run_help,
    status,
)

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
        typer.echo(f"darban {__version__}, {build()}")
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


app.command("run")(run_help.run)
app.command("check")(check.check)
app.command("explain")(explain.explain)
app.command("diff")(diff.diff)
app.command("reload")(reload.reload)
app.command("flush")(flush.flush)
app.command("status")(status.status)
app.add_typer(lists.lists, name="lists")
app.command("record")(record.record)
app.command("exempt")(exempt.exempt)
app.command("history")(history.history)
app.command("report")(report.report)
