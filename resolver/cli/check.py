"""``darban check``: everything that is wrong with a config, before it is put in force."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from resolver.cli.place import config_path
from resolver.snapshot.compiler import CompileResult, compile_file

Config = Annotated[Path | None, typer.Option("--config", help="the config to judge")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]


def check(config: Config = None, as_json: AsJson = False) -> None:
    """Check a config and run its expectations, without a server.

    Exits with 0 where all is well, 1 where an expectation does not hold, 2 where there is
    an error.

        darban check

        darban check --config new.toml --json
    """
    path = config_path(config)
    compiled = compile_file(path, time.time())
    typer.echo(_as_json(path, compiled) if as_json else _as_text(path, compiled))
    raise typer.Exit(2 if compiled.errors else 1 if compiled.failed else 0)


def _as_text(path: Path, compiled: CompileResult) -> str:
    lines = [str(problem) for problem in compiled.problems]
    lines += [f"{failed.place}: does not hold: {failed.text}" for failed in compiled.failed]
    return "\n".join([*lines, f"{path}: {_summary(compiled)}"])


def _summary(compiled: CompileResult) -> str:
    errors = len(compiled.errors)
    warnings = len(compiled.problems) - errors
    expect = len(compiled.loaded.config.expect)
    held = "expectations not run" if errors else f"{expect - len(compiled.failed)} of {expect} hold"
    skipped = sum(len(each.skipped) for each in compiled.lists)
    rules = sum(len(each.rules) for each in compiled.lists)
    return (
        f"errors {errors}, warnings {warnings}, expectations: {held}, "
        f"lists {len(compiled.lists)} with {rules} rules and {skipped} skipped lines"
    )


def _as_json(path: Path, compiled: CompileResult) -> str:
    return json.dumps(
        {
            "config": str(path),
            "ok": not compiled.errors and not compiled.failed,
            "problems": [asdict(problem) for problem in compiled.problems],
            "expectations": len(compiled.loaded.config.expect),
            "failed": [asdict(failed) for failed in compiled.failed],
        },
        ensure_ascii=False,
        indent=2,
    )
