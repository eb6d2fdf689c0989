"""``darban lists``: the contents of a config's lists, and ``darban lists update``."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter

from resolver import DarbanError
from resolver.cli.command import AsJson, Config, command, echo, print_json
from resolver.cli.lists_manifest import manifest
from resolver.cli.lists_release import release_line, replace_lists, shown_release
from resolver.cli.policies import compile_shown
from resolver.cli.progress import progress
from resolver.cli.server import PATIENCE, ask
from resolver.compiler.compilation_result import FAILED_EXPECTATIONS, Rejected
from resolver.fetch.update import authorities, update_lists
from resolver.fetch.update_job import UpdateJob
from resolver.lists.list_reader import by_reason
from resolver.lists.rules import BlockList, HeldChange, count_blocking
from resolver.snapshot import store
from resolver.snapshot.list_store import ListRecord, ListStore
from resolver.snapshot.state_owner import become_owner
from resolver.supervisor import control_client
from resolver.system.english import count_text
from resolver.upstream.addresses import bootstrap

Names = Annotated[
    list[str] | None, typer.Argument(metavar="NAME", help="only these; all by default")
]
Accept = Annotated[
    bool,
    typer.Option("--accept", help="accept lists with many more or many fewer names"),
]

ResetSerial = Annotated[
    bool,
    typer.Option(
        "--reset-serial", help="let these signed lists begin with a lower serial than their copies"
    ),
]
From = Annotated[
    Path | None,
    typer.Option("--from", metavar="DIR", help="lists in the place of those of the release"),
]
Shipped = Annotated[bool, typer.Option("--shipped", help="the lists of the release again")]

_JOB = TypeAdapter(UpdateJob)

lists = typer.Typer(
    name="lists",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode="markdown",
)


@lists.callback()
def show(context: typer.Context, *, config: Config, as_json: AsJson = False) -> None:
    """Show the lists, update them, suggest names for them.

    Of each list: entries, skipped lines by reason, age, the last error. Needs no server.

        darban lists
    """
    if context.invoked_subcommand is None:
        command(_show)(config, as_json)


def _show(path: Path, as_json: bool) -> int:
    result = compile_shown(path, time.time())
    state = store.directory(path)
    become_owner(state)
    copies = ListStore(state)
    fetched = {subscription.name for subscription in result.snapshot.compiled.subscriptions}
    rows = [
        (block_list, copies.record(block_list.name) if block_list.name in fetched else None)
        for block_list in result.lists
    ]
    release = shown_release(state)
    if as_json:
        shown = [_as_json(*row) for row in rows]
        print_json({"config": str(path), "release": release, "lists": shown})
    else:
        echo(f"the lists of {path}", err=True)
        if line := release_line(release):
            echo(line)
        echo("\n".join(_as_lines(rows)))
        for problem in result.problems:
            if problem.severity == "error" or problem.path.startswith("lists"):
                echo(str(problem), err=True)
    return 2 if result.errors else 0


def _name(read: BlockList) -> str:
    return read.name or read.service


def _as_json(read: BlockList, record: ListRecord | None) -> dict[str, object]:
    entries = count_blocking(read)
    return {
        "list": _name(read),
        "service": read.service,
        "category": read.category,
        "source": read.file,
        "entries": entries,
        "exceptions": sum(rule.exception for rule in read.rules),
        "skipped": by_reason(read.skipped),
        "fetched": None if record is None else _record_shown(record),
    }


def _record_shown(record: ListRecord) -> dict[str, object]:
    """The record without the texts by which its signature is checked."""
    texts = ("manifest", "signature")
    return {key: value for key, value in asdict(record).items() if key not in texts}


def _as_lines(rows: Sequence[tuple[BlockList, ListRecord | None]]) -> Iterator[str]:
    """A line for each list, by the folder that it is in; below it what else there is to say."""
    width = max((len(_name(read)) for read, _ in rows), default=0)
    yield f"  {'list':<{width}}  {'entries':>9}  {'skipped':>7}  up to date"
    shown = ""
    for read, record in rows:
        name = _name(read)
        folder, _, file = read.file.rpartition("/")
        is_own = file == f"{name}.txt" and record is None
        heading = f"{folder}:" if is_own else "[lists.sources]:"
        if heading != shown:
            yield heading
            shown = heading
        age = "" if record is None else _age(record.updated)
        entries, skipped = count_blocking(read), len(read.skipped)
        yield f"  {name:<{width}}  {entries:>9,}  {skipped:>7,}  {age}".rstrip()
        yield from (f"    {remark}" for remark in _remarks(read, record, is_own=is_own))


def _remarks(read: BlockList, record: ListRecord | None, *, is_own: bool) -> Iterator[str]:
    """Source and service of a list of others, the reasons of skipped lines, the last error."""
    if not is_own:
        yield read.file
    if read.service != _name(read):
        yield f"of service {read.service}"
    for reason, lines in by_reason(read.skipped).items():
        yield f"{lines:,} skipped: {reason}"
    if record is not None and record.signer and not read.fallback:
        yield f"signed by {record.signer}, serial {record.serial}"
    if record is not None and record.error:
        yield f"last error: {record.error}"
    if record is not None and record.held is not None:
        yield f"held: {record.held}"
        yield from _held_names(read.name, record.held)
    if record is not None and record.breaks:
        yield f"held, since what was fetched last breaks the policy: {record.breaks}"


def _held_names(name: str, held: HeldChange) -> Iterator[str]:
    """The first names that would come and go, and how to accept them."""
    for sign, first, count in (
        ("+", held.first_coming, held.coming),
        ("-", held.first_going, held.going),
    ):
        yield from (f"{sign} {domain}" for domain in first)
        if count > len(first):
            yield f"{sign} ... and {count - len(first):,} more"
    yield f"to use it: darban lists update {name} --accept"


def _age(updated: float) -> str:
    if not updated:
        return "never"
    hours = max(time.time() - updated, 0) / 3600
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"


def update(
    names: Names = None,
    *,
    accept: Accept = False,
    reset_serial: ResetSerial = False,
    from_: From = None,
    shipped: Shipped = False,
    config: Config,
) -> int:
    """Fetch lists now, and put in force what has changed.

    By the running server of the config; without one, for its next start. A list that has grown by
    more than half and 200 names, or lost more than a fifth, is held, and its copy stays, unless
    --accept is given. So is one for whose names expectations fail, whatever is given. One with
    allowed_signers is refused where its signature does not pass, whatever is given; --reset-serial
    takes one that its publisher numbers anew, by the server, which records it in the audit log.
    Edits that were not reloaded are not put in force. Exits with 1 where a list is held, or could
    not be fetched or put in force, 2 for an unknown name.

    With --from: puts the lists of a directory in force, such as that of 'make lists-release' on a
    medium, in the place of those of the release. Its manifest must name them, and with [lists]
    allowed_signers be signed; a lower serial than that in force is refused. Expectations and losses
    decide as at a reload. --shipped goes back to the lists of the release. Both need the server.

        darban lists update

        darban lists update phishing --accept

        darban lists update --from /media/usb/lists
    """
    if from_ is not None or shipped:
        if names or reset_serial or (from_ is not None and shipped):
            raise DarbanError("say NAMEs of fetched lists, --from DIR or --shipped: one of these")
        return replace_lists(config, from_, accept=accept)
    if reset_serial and not names:
        raise DarbanError("say which lists: darban lists update NAME --reset-serial")
    try:
        job = _by_server(config, names or [], accept, reset_serial)
    except control_client.Unreachable:
        if reset_serial:
            raise
        job = _by_this_command(config, names or [], accept)
    for name, result in job.results.items():
        reason = f": {result.reason}" if result.reason else ""
        echo(f"{name}: {result.result}, {count_text(result.entries, 'name')}{reason}")
        if result.held is not None:
            echo("\n".join(f"  {line}" for line in _held_names(name, result.held)))
    if not job.results:
        echo(f"{config} has no list that is fetched")
    return int(any(result.reason for result in job.results.values()))


lists.command("update")(command(update))
lists.command("manifest")(command(manifest))


def _by_server(path: Path, names: list[str], accept: bool, reset_serial: bool) -> UpdateJob:
    asked = {"names": names, "accept": accept, "reset_serial": reset_serial}
    return _JOB.validate_python(ask(path, "update-lists", PATIENCE, **asked))


def _by_this_command(path: Path, names: list[str], accept: bool) -> UpdateJob:
    """Fetch lists where no server runs, as before its first start."""
    result = compile_shown(path, time.time())
    compiled = result.snapshot.compiled
    known = {subscription.name: subscription for subscription in compiled.subscriptions}
    unknown = [name for name in names if name not in known]
    if unknown:
        fetched = ", ".join(known) or "none"
        raise DarbanError(f"{path} fetches no list '{unknown[0]}'; it fetches {fetched}")
    wanted = [known[name] for name in dict.fromkeys(names or known)]
    job = UpdateJob([subscription.name for subscription in wanted])
    state = store.directory(path)
    become_owner(state)
    copies = ListStore(state)
    before = {subscription: copies.record(subscription.name) for subscription in wanted}
    servers, ca_file = bootstrap(compiled), authorities(compiled, path)
    with progress("fetching the lists") as step:
        of_config = (job, wanted, copies, servers, ca_file)
        folder = path.parent
        asyncio.run(update_lists(*of_config, accept=accept, folder=folder, step=step))
    failing = _failing(path) if job.updated() and not result.failed else None
    if failing and job.hold(copies, before, failing.lists, "; ".join(failing.report)):
        failing = _failing(path)
    if failing:
        job.take_back(copies, before, "; ".join(failing.report))
    return job


def _failing(path: Path) -> Rejected | None:
    """The expectations of a config that fail with its lists; None where none does."""
    try:
        compile_shown(path, time.time()).check()
    except Rejected as rejected:
        if rejected.code == FAILED_EXPECTATIONS:
            return rejected
    return None
