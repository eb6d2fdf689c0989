"""``darban report``: policy, grounds, exemptions and proofs by VLAN, for an auditor."""

import json
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from resolver.analysis.expectations import ExpectationRun
from resolver.analysis.report import Report, make_report
from resolver.cli.asking import read_status
from resolver.cli.place import config_path
from resolver.cli.report_text import as_text
from resolver.errors import DarbanError
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.snapshot.compiler import compile_file
from resolver.supervisor import control
from resolver.web import report_page

_WRONG = 2

AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]
AsHtml = Annotated[bool, typer.Option("--html", help="print a page that can be printed on paper")]
Language = Annotated[
    Literal["fa", "en"], typer.Option("--language", help="the language of the page")
]
Config = Annotated[Path | None, typer.Option("--config", help="the config of the server")]


def report(
    as_json: AsJson = False,
    as_html: AsHtml = False,
    language: Language = "fa",
    config: Config = None,
) -> None:
    """Print by VLAN what is blocked, on what ground, who is exempted, and whether it holds.

    What is in force is reported where the server runs, with its counts; else what the config
    says. The expectations of the config are run. Exits with 1 where one does not hold, 2 where
    the config has mistakes and no server runs.

        darban report

        darban report --html --language fa > report.html
    """
    if as_json and as_html:
        typer.echo("say one of --json and --html", err=True)
        raise typer.Exit(_WRONG)
    try:
        made = _make(config_path(config), time.time())
    except DarbanError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_WRONG) from None
    if as_json:
        typer.echo(json.dumps(made.as_json(), ensure_ascii=False, indent=2))
    elif as_html:
        typer.echo(report_page.page(made, language), nl=False)
    else:
        typer.echo(as_text(made))
    raise typer.Exit(1 if made.failed else 0)


def _make(path: Path, now: float) -> Report:
    """The report of what is in force, else of what the config says.

    Raises:
        DarbanError: no server runs, and the config has mistakes.
    """
    compiled = compile_file(path, now)
    try:
        status = read_status(path)
    except control.Unreachable as error:
        typer.echo(f"{error}\nwhat the config says is reported, without counts", err=True)
        status = None
    snapshot = compiled.snapshot
    if status is not None:
        place = Path(status.snapshot)
        terms, index = store.load(place)
        name = place.name
    elif compiled.errors:
        raise DarbanError("\n".join(str(problem) for problem in compiled.errors))
    else:
        terms, index = snapshot.terms, Index(snapshot.trie, snapshot.rules)
        name = snapshot.hash()
    judged = None
    if not compiled.errors:
        judged = list(ExpectationRun(compiled.loaded, terms, index, now).results())
    differs = bool(compiled.errors) or name != snapshot.hash()
    return make_report(str(path.resolve()), now, name, terms, judged, status, differs)
