"""``darban report``: policy, directives, exemptions and expectations by VLAN, for an auditor."""

import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from resolver.analysis.expectations import ExpectationRun
from resolver.analysis.report import Report, make_report
from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.policies import load_snapshot
from resolver.cli.server import read_status
from resolver.compiler.compilation import compile_file
from resolver.errors import DarbanError
from resolver.supervisor import control
from resolver.web import report_page

Language = Annotated[
    Literal["fa", "en"], typer.Option("--language", help="the language of the page")
]


def report(
    *,
    as_json: AsJson = False,
    language: Language = "fa",
    config: Config,
) -> int:
    """Print what is blocked on which ground, for an auditor.

    By VLAN: the services, the directives, who is exempted by whom, the expectations. With a running
    server the policy in force is reported, with its counts; else the policy of the config. The
    expectations of the config are run. Exits with 1 where one does not hold, 2 where the config has
    errors and no server runs.

        darban report > report.html

        darban report --language en > report.html
    """
    if not as_json and sys.stdout.isatty():
        raise DarbanError("the report is a page: darban report > report.html; or print --json")
    made = _make(config, time.time())
    if as_json:
        print_json(made)
    else:
        sys.stdout.write(report_page.page(made, language))  # its texts are escaped as HTML
    return int(made.failed > 0)


def _make(path: Path, now: float) -> Report:
    compiled = compile_file(path, now)
    snapshot = compiled.snapshot
    terms, index, hash_ = snapshot.terms, snapshot.index(), snapshot.hash()
    in_force, status = hash_, None
    try:
        status = read_status(path)
    except control.Unreachable as error:
        if compiled.errors:
            raise DarbanError("\n".join(map(str, [error, *compiled.errors]))) from None
        echo(f"{error}\nthe policy of the config is reported, without counts", err=True)
    if status is not None:
        in_force = status.hash
        terms, index = load_snapshot(path, in_force)
    results = None
    if not compiled.errors:
        results = list(ExpectationRun(compiled.loaded, terms, index, now).results())
    differs = bool(compiled.errors) or in_force != hash_
    return make_report(str(path.resolve()), now, in_force, terms, results, status, differs)
