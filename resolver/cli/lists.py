"""``darban lists``: what the lists of a config hold, and ``darban lists update``."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from resolver.cli.place import config_path
from resolver.errors import DarbanError
from resolver.fetch.update import UpdateJob, UpdateResult, update_lists
from resolver.lists.reading import by_reason
from resolver.lists.rules import BlockList, count_blocking
from resolver.snapshot import store
from resolver.snapshot.compiler import CompileResult, compile_file
from resolver.snapshot.list_store import ListRecord, ListStore
from resolver.supervisor import control
from resolver.upstream.addresses import bootstrap

_FAILED = 1
_USAGE = 2
_POLL = 0.1

Config = Annotated[Path | None, typer.Option("--config", help="the config that has the lists")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="only these; all by default")
]
SmallerToo = Annotated[
    bool, typer.Option("--smaller-too", help="take a list that has lost half of its names")
]

lists = typer.Typer(invoke_without_command=True, help="Show the lists, or bring them up to date.")


@lists.callback()
def show(context: typer.Context, config: Config = None, as_json: AsJson = False) -> None:
    """Show what each list holds: names, skipped lines by reason, age, the last error.

    It reads the config's lists as the server would, without a server.

        darban lists

        darban lists --json

        darban lists update
    """
    if context.invoked_subcommand is not None:
        return
    path = config_path(config)
    compiled = compile_file(path, time.time())
    shelf = ListStore(store.directory(path))
    fetched = {each.name: shelf.record(each.name) for each in compiled.snapshot.terms.subscriptions}
    rows = [_row(each, fetched) for each in compiled.lists]
    if as_json:
        typer.echo(json.dumps({"config": str(path), "lists": rows}, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"the lists of {path}", err=True)
        Console().print(_table(rows))
        for problem in _problems(compiled):
            typer.echo(problem, err=True)
    raise typer.Exit(_USAGE if compiled.errors else 0)


def _row(read: BlockList, fetched: dict[str, ListRecord]) -> dict[str, object]:
    record = fetched.get(read.name)
    return {
        "list": read.name or read.service,
        "service": read.service,
        "category": read.category,
        "source": read.file,
        "entries": count_blocking(read),
        "exceptions": len(read.rules) - count_blocking(read),
        "skipped": by_reason(read.skipped),
        "fetched": None if record is None else asdict(record),
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None)
    for head in ("list", "of service", "names", "skipped", "up to date", "source"):
        table.add_column(head, overflow="fold")
    for row in rows:
        record = row["fetched"]
        reasons = [f"{count} {reason}" for reason, count in row["skipped"].items()]
        told = [row["source"], *reasons]
        if record and record["error"]:
            told.append(f"last error: {record['error']}")
        table.add_row(
            Text(row["list"]),
            Text(row["service"] if row["service"] != row["list"] else ""),
            f"{row['entries']:,}",
            f"{sum(row['skipped'].values()):,}",
            "" if record is None else _age(record["updated"]),
            Text("\n".join(told)),
        )
    return table


def _age(updated: float) -> str:
    if not updated:
        return "never"
    hours = max(time.time() - updated, 0) / 3600
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"


def _problems(compiled: CompileResult) -> list[str]:
    """What is wrong with lists, and whatever else keeps the config from being put in force."""
    about = (
        each
        for each in compiled.problems
        if each.severity == "error" or each.path.startswith("lists")
    )
    return [str(each) for each in about]


@lists.command("update")
def bring_up_to_date(
    names: Names = None, smaller_too: SmallerToo = False, config: Config = None
) -> None:
    """Fetch lists now; what has changed is put in force.

    The running server of the config does it, else this command itself, for the next start.
    Exits with 1 where a list could not be fetched or not be put in force, 2 for an unknown
    name. What was edited and not reloaded is not put in force by this.

        darban lists update

        darban lists update phishing --smaller-too
    """
    path = config_path(config)
    try:
        job = _by_server(path, names or [], smaller_too)
    except control.Unreachable:
        job = _by_itself(path, names or [], smaller_too)
    except DarbanError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_USAGE) from None
    for name, result in job.results.items():
        reason = f": {result.reason}" if result.reason else ""
        typer.echo(f"{name}: {result.result}, {result.entries:,} names{reason}")
    if not job.results:
        typer.echo(f"{path} names no list that is fetched")
    raise typer.Exit(_FAILED if any(each.reason for each in job.results.values()) else 0)


def _by_server(path: Path, names: list[str], smaller_too: bool) -> UpdateJob:
    request: control.Request = {
        "command": "update-lists",
        "names": names,
        "smaller_too": smaller_too,
    }
    job = _job(control.ask(path, request))
    with _Bars() as bars:
        while not job.done:
            bars.show(job)
            time.sleep(_POLL)
            job = _job(control.ask(path, {"command": "lists"}))
        bars.show(job)
    return job


def _job(answer: control.Answer) -> UpdateJob:
    if "error" in answer:
        raise DarbanError(str(answer["error"]))
    plain: dict[str, Any] = answer
    results = {name: UpdateResult(**each) for name, each in plain["results"].items()}
    progress = {name: (each[0], each[1]) for name, each in plain["progress"].items()}
    return UpdateJob(plain["names"], progress, results, plain["done"])


def _by_itself(path: Path, names: list[str], smaller_too: bool) -> UpdateJob:
    terms = compile_file(path, time.time()).snapshot.terms
    known = {each.name: each for each in terms.subscriptions}
    unknown = [name for name in names if name not in known]
    if unknown:
        fetched = ", ".join(known) or "none"
        typer.echo(f"{path} fetches no list '{unknown[0]}', but {fetched}", err=True)
        raise typer.Exit(_USAGE)
    wanted = [known[name] for name in names] or [*known.values()]
    job = UpdateJob([each.name for each in wanted])
    shelf = ListStore(store.directory(path))
    work = update_lists(job, wanted, shelf, bootstrap(terms), smaller_too=smaller_too)
    with _Bars() as bars:
        asyncio.run(_watched(work, lambda: bars.show(job)))
    return job


async def _watched(work: Coroutine[None, None, None], show: Callable[[], None]) -> None:
    task = asyncio.ensure_future(work)
    while not task.done():
        show()
        await asyncio.wait([task], timeout=_POLL)
    await task
    show()


class _Bars(Progress):
    """A bar a list, on standard error, and only in a terminal."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        console = Console(stderr=True)
        super().__init__(*columns, console=console, disable=not console.is_terminal)
        self._bars: dict[str, TaskID] = {}

    def show(self, job: UpdateJob) -> None:
        for name in job.names:
            if name not in self._bars:
                self._bars[name] = self.add_task(name, total=None)
            octets, total = job.progress.get(name, (0, None))
            if name in job.results:
                octets = total = max(octets, 1)
            self.update(self._bars[name], completed=octets, total=total)
