"""``darban check``: everything that is wrong with a config, before it is put in force."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from resolver import DarbanError
from resolver.analysis.missing_ranges import missing_ranges
from resolver.cli.command import AsJson, Named, echo, print_json
from resolver.cli.default_config import default_config
from resolver.cli.policies import compile_shown, with_misfits, with_warnings
from resolver.cli.policy_text import hours_text
from resolver.compiler.compilation import CompileResult
from resolver.config.load import LoadedConfig
from resolver.config.problems import Problem, problem_lines, toml_text
from resolver.config.reading import ConfigFiles
from resolver.config.warnings import ABSENT_ADDRESS
from resolver.metrics.status import hours
from resolver.publish.enforcers import EXEMPTIONS, Enforcer, Fit
from resolver.publish.left_out import left_out
from resolver.system.english import count_text
from resolver.system.interfaces import is_missing

File = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="the config, as --config names it")
]


def check(file: File = None, *, config: Named = None, as_json: AsJson = False) -> int:
    """Check a config, and run its expectations.

    Warnings of one kind are one line; --json has each. Needs no server. Exits with 1 where an
    expectation does not hold, 2 where the config has an error.

        darban check

        darban check new.toml --json
    """
    if file is not None and config is not None:
        raise DarbanError("say one of FILE and --config")
    path = file or config or default_config()
    compiled = checked(path, time.time())
    gaps, known = [], []
    if not compiled.errors:
        gaps = left_out(compiled.snapshot.compiled, compiled.snapshot.index(), time.time())
        known = list(hours(compiled.snapshot.compiled, time.time()))
    if as_json:
        print_json(
            {
                "config": str(path),
                "ok": not compiled.errors and not compiled.failed,
                "problems": compiled.problems,
                "acknowledged": compiled.acknowledged,
                "expectations": len(compiled.loaded.config.expect),
                "failed": compiled.failed,
                "not_in_zones": gaps,
                "hours": known,
            }
        )
    else:
        for line in problem_lines(compiled.problems):
            echo(line)
        for failed in compiled.failed:
            echo(f"{failed.place}: does not hold: {failed.text}")
        for gap in gaps:
            echo(f"{path}: not in the zones: {gap}")
        for named_hours in known:
            echo(f"hours {hours_text(named_hours)}")
        echo(f"{path}: {_summary(compiled)}")
    return 2 if compiled.errors else 1 if compiled.failed else 0


def checked(path: Path, wall: float, files: ConfigFiles | None = None) -> CompileResult:
    """A config with every error and warning about it; ``wall`` is now, as Unix time.

    ``files`` may have other texts than the disk.
    """
    compiled = compile_shown(path, wall, files)
    if compiled.errors:
        return compiled
    publication = compiled.snapshot.compiled.settings.publish
    if publication is not None:
        compiled = with_misfits(compiled, Enforcer.ZONES, *Fit)
    if publication is not None and not publication.secondaries:
        # What transfers nothing is Unbound, which reads the zone files of this host. Its export
        # says so only of exemptions that were there then.
        compiled = with_misfits(compiled, Enforcer.UNBOUND, Fit.LOOSER, only=EXEMPTIONS)
    of_hosts = _absent_addresses(compiled.loaded)
    of_lists = missing_ranges(compiled.snapshot.compiled)
    return with_warnings(compiled, [*of_hosts, *of_lists])


def _absent_addresses(loaded: LoadedConfig) -> Iterator[Problem]:
    """A warning for each address to listen on that this host lacks."""
    server, page = loaded.config.server, loaded.config.block_page
    for path, endpoints in (
        (("server", "listen"), server.listen),
        (("server", "redirected"), server.redirected),
        (("server", "proxy", "listen"), server.proxy.listen),
        (("block_page", "listen"), page.listen),
        (("feeds", "listen"), loaded.config.feeds.listen),
        (("metrics", "listen"), [loaded.config.metrics.listen]),
    ):
        for endpoint in endpoints:
            if is_missing(str(endpoint.address)):
                value, expected = toml_text(str(endpoint)), "addresses of the host that serves"
                advice = "This host lacks it; see its addresses with: ip address"
                yield loaded.provenance.problem(
                    path, value, expected, advice, "warning", ABSENT_ADDRESS
                )


def _summary(compiled: CompileResult) -> str:
    errors = len(compiled.errors)
    expect = len(compiled.loaded.config.expect)
    holding = "not run" if errors else f"{expect - len(compiled.failed)} of {expect} hold"
    skipped = sum(len(block_list.skipped) for block_list in compiled.lists)
    rules = sum(len(block_list.rules) for block_list in compiled.lists)
    known = f" and {compiled.acknowledged} acknowledged" if compiled.acknowledged else ""
    return (
        f"errors {errors}, warnings {len(compiled.problems) - errors}{known}, "
        f"expectations: {holding}, lists {len(compiled.lists)} with "
        f"{count_text(rules, 'rule')} and {count_text(skipped, 'skipped line')}"
    )
