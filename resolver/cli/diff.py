"""``darban diff``: what another config would change, before it is put in force."""

import json
import mmap
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from resolver.analysis import diff_text
from resolver.analysis.changes import Change, ComparedPolicy, compare
from resolver.analysis.explanation import Explainer
from resolver.analysis.queries import detect
from resolver.analysis.queries.query import FileContent, QueryCounts, UnknownFormat
from resolver.analysis.replay import Replay
from resolver.analysis.summary import Section
from resolver.cli.completion import vlans
from resolver.cli.place import config_path, in_force
from resolver.config.load import load
from resolver.config.model import Config
from resolver.dns import names
from resolver.errors import DarbanError
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.snapshot.compiler import compile_file
from resolver.supervisor import control
from resolver.supervisor.audit_log import AuditLog
from resolver.supervisor.restart_settings import restart_changes

_DNS = 53
_UNREACHABLE = 3
_USAGE = 2
_STYLES = {"+": "green", "-": "red", "~": "yellow"}

Configs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[OLD] [NEW]",
        help="two configs; of one alone, NEW, or none, what is in force is the old one",
        show_default=False,
    ),
]
Queries = Annotated[
    Path | None,
    typer.Option(
        "--queries",
        help="questions to try on both: a capture (pcap, pcapng), dnsperf's lines of a name "
        "and a type, or what 'darban record' wrote",
    ),
]
Vlan = Annotated[
    str | None,
    typer.Option("--vlan", help="try the questions for this VLAN alone", autocompletion=vlans),
]
Running = Annotated[
    Path | None, typer.Option("--config", help="the config of the server that is asked")
]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object, with every name")]


def diff(
    configs: Configs = None,
    queries: Queries = None,
    vlan: Vlan = None,
    config: Running = None,
    as_json: AsJson = False,
) -> None:
    """Say what changes from one policy to another, and for which questions.

    Without OLD the policy in force is compared; without NEW as well, with the config of the
    server as it is now. Exits with 0 where nothing changes, 1 where something does, 2 where
    there is a mistake, 3 where no server can be reached.

        darban diff

        darban diff new.toml --queries monday.pcap

        darban diff old.toml new.toml --queries names.txt --vlan administration
    """
    try:
        pair = _pair(configs or [], config)
        found = compare(pair.old, pair.new)
        trial = _trial(pair, queries, vlan)
    except control.Unreachable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_UNREACHABLE) from None
    except DarbanError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_USAGE) from None
    if as_json:
        typer.echo(json.dumps(_as_json(pair, found, trial), ensure_ascii=False, indent=2))
    else:
        _print(_as_text(pair, found, trial))
    raise typer.Exit(1 if found or (trial and trial.fates.turned) else 0)


@dataclass(frozen=True)
class _Pair:
    """What is compared, and what the two are called."""

    old_name: str
    new_name: str
    old: ComparedPolicy
    new: ComparedPolicy


@dataclass(frozen=True)
class _Trial:
    """Questions tried on both."""

    file: Path
    asked: QueryCounts
    fates: Replay


def _pair(configs: list[Path], running: Path | None) -> _Pair:
    if len(configs) > 2:
        raise DarbanError("two configs at most: OLD NEW, or NEW alone")
    if len(configs) == 2:
        if running is not None:
            raise DarbanError("--config names the server whose policy is OLD; OLD is given")
        old, new = configs
        return _Pair(str(old), str(new), _candidate(old), _candidate(new))
    path = config_path(running)
    candidate = configs[0] if configs else path
    return _Pair("in force", str(candidate), _in_force(path), _candidate(candidate))


def _candidate(path: Path) -> ComparedPolicy:
    compiled = compile_file(path, time.time())
    if compiled.errors:
        raise DarbanError("\n".join(str(problem) for problem in compiled.errors))
    if compiled.failed:
        typer.echo(
            f"{path}: {len(compiled.failed)} expectations do not hold; 'darban check' tells why",
            err=True,
        )
    snapshot = compiled.snapshot
    index = Index(snapshot.trie, snapshot.rules)
    return ComparedPolicy(snapshot.terms, index, _expectations(compiled.loaded.config))


def _in_force(path: Path) -> ComparedPolicy:
    place = in_force(path)
    terms, index = store.load(place)
    return ComparedPolicy(terms, index, _expected_of(place, AuditLog(store.directory(path))))


def _expected_of(place: Path, journal: AuditLog) -> Section | None:
    """What was expected of a snapshot, which does not hold it: the journal kept its config."""
    try:
        configs = [each.config for each in journal.activations() if each.snapshot == place.name]
    except OSError:
        return None
    texts = journal.text(configs[-1]) if configs else {}
    return _expectations(load(next(iter(texts)), _Kept(texts)).config) if texts else None


class _Kept:
    """A config's files as the journal kept them: the first, and all that it includes."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def read(self, path: str) -> str:
        return self._texts[path]

    def glob(self, _: str) -> list[str]:
        return list(self._texts)[1:]


def _expectations(config: Config) -> Section:
    return {
        f"{names.text(each.name)} {each.type} from {each.client}"
        + (f" at {each.at}" if each.at else ""): {"outcome": each.outcome, "service": each.service}
        for each in config.expect
    }


# ---- questions ----


def _trial(pair: _Pair, queries: Path | None, vlan: str | None) -> _Trial | None:
    if queries is None:
        if vlan is not None:
            raise DarbanError("--vlan says for whom the questions of --queries are tried")
        return None
    now = time.time()
    old, new = (Explainer(side.terms, side.index, now) for side in (pair.old, pair.new))
    fates = Replay(old, new, vlan)
    if vlan is not None and vlan not in fates.vlans():
        both = ", ".join(fates.vlans()) or "none"
        raise DarbanError(f"there is no VLAN '{vlan}' in both; in both there are: {both}")
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        asked = _read(queries, _ports(pair), progress)
        task = progress.add_task("judging", total=len(asked.counts))
        for done in fates.judge(asked.counts):
            progress.update(task, completed=done)
    return _Trial(queries, asked, fates)


def _ports(pair: _Pair) -> frozenset[int]:
    """Where clients ask: the usual port, and those that either config listens on."""
    listening = (*pair.old.terms.settings.listen, *pair.new.terms.settings.listen)
    return frozenset({_DNS, *(endpoint.port for endpoint in listening)})


def _read(file: Path, ports: frozenset[int], progress: Progress) -> QueryCounts:
    try:
        content = _content(file)
    except OSError as error:
        raise DarbanError(f"{file}: {error.strerror or error}") from None
    asked = QueryCounts()
    task = progress.add_task("reading", total=len(content))
    try:
        for done in detect.read(content, asked, ports):
            progress.update(task, completed=done)
    except UnknownFormat as error:
        raise DarbanError(f"{file}: {error}") from None
    if not asked.counts:
        raise DarbanError(
            "\n".join([f"{file}: holds no question that can be tried", *_left(asked)])
        )
    return asked


def _content(file: Path) -> FileContent:
    with file.open("rb") as opened:
        try:
            return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # empty, or no plain file
            return opened.read()


def _left(asked: QueryCounts) -> Iterator[str]:
    """What was not read, by reason."""
    for reason, times in asked.skipped.most_common():
        yield f"  left out {times:,}: {reason} (first: {asked.first[reason]})"


# ---- what is printed ----


def _as_text(pair: _Pair, found: list[Change], trial: _Trial | None) -> Iterator[str]:
    yield f"from {pair.old_name} to {pair.new_name}: {_summary(found)}"
    yield from diff_text.changes(found)
    if restart := _needs_restart(pair):
        yield f"needs a restart, and is refused by a reload: {', '.join(restart)}"
    if pair.old.expectations is None:
        yield "expectations are not compared: what was expected of the policy in force is not known"
    if trial is not None:
        changed = sum(each.total() for each in trial.fates.turned.values())
        yield f"questions of {trial.file}: {trial.asked.total:,} read, {changed:,} change"
        yield from diff_text.fates(trial.fates)
        yield from _left(trial.asked)


def _needs_restart(pair: _Pair) -> list[str]:
    """The keys of settings that a running server would not change."""
    return list(restart_changes(pair.old.terms, pair.new.terms))


def _summary(found: list[Change]) -> str:
    return f"{len(found)} changes" if len(found) > 1 else "1 change" if found else "no change"


def _print(lines: Iterator[str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(
            Text(line, style=_STYLES.get(line.lstrip()[:1], "") if line[:1] == " " else "")
        )


def _as_json(pair: _Pair, found: list[Change], trial: _Trial | None) -> dict[str, object]:
    questions = None
    if trial is not None:
        skipped = trial.asked.skipped.most_common()
        questions = {
            "file": str(trial.file),
            "read": trial.asked.total,
            "skipped": [
                {"reason": reason, "times": times, "first": trial.asked.first[reason]}
                for reason, times in skipped
            ],
            **diff_text.as_json(trial.fates),
        }
    return {
        "old": pair.old_name,
        "new": pair.new_name,
        "needs_restart": _needs_restart(pair),
        "changes": [change.as_json() for change in found],
        "expectations_compared": pair.old.expectations is not None,
        "questions": questions,
    }
