"""``darban report``: policy, directives, exemptions and expectations by VLAN, for an auditor."""

import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from resolver.analysis.expectations import ExpectationRun
from resolver.analysis.report import Report, make_report
from resolver.cli.command import AsJson, Config, print_json
from resolver.cli.policies import load_snapshot
from resolver.cli.server import read_status
from resolver.compiler.compilation import compile_file
from resolver.errors import DarbanError
from resolver.policy.compiled import CompiledConfig
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

    By VLAN: the services, the directives, who is exempted by whom, the counts. The policy in force
    is reported, and the expectations of the config are run on it. Exits with 1 where one does not
    hold, 3 where no server can be reached.

        darban report > report.html

        darban report --language en > report.html
    """
    if not as_json and sys.stdout.isatty():
        raise DarbanError("the report is a page: darban report > report.html; or print --json")
    made, compiled = _make(config, time.time())
    if as_json:
        print_json(made)
    else:
        sys.stdout.write(
            report_page.page(made, compiled, language)
        )  # its texts are escaped as HTML
    return int(made.failed > 0)


def _make(path: Path, now: float) -> tuple[Report, CompiledConfig]:
    status, result = read_status(path), compile_file(path, now)
    compiled, index = load_snapshot(path, status.hash)
    results = None
    if not result.errors:
        results = list(ExpectationRun(result.loaded, compiled, index, now).results())
    differs = bool(result.errors) or status.hash != result.snapshot.hash()
    return make_report(str(path.resolve()), now, compiled, results, status, differs), compiled
