"""The commands, gathered."""

import typer

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
