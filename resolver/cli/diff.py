"""``darban diff``: what another config would change, before it is put in force."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.text import Text

from resolver import DarbanError
from resolver.analysis import diff_text
from resolver.analysis.changes import EXPECTATIONS, Change, ComparedPolicy, compare
from resolver.analysis.explanation import Explainer
from resolver.analysis.name_changes import NameChange, compare_names, moved_prefixes
from resolver.analysis.queries.query import QueryCounts
from resolver.analysis.replay import Replay
from resolver.analysis.summary import SETTINGS, VALUE, Section
from resolver.analysis.untested_vlans import untested_vlans
from resolver.audit.audit_log import AuditLog
from resolver.cli.command import AsJson, Named, echo, print_json
from resolver.cli.default_config import default_config
from resolver.cli.policies import compile_valid, load_snapshot
from resolver.cli.query_file import read_queries
from resolver.cli.server import hash_in_force
from resolver.compiler.restart_settings import restart_changes
from resolver.config.expectation_model import ExpectationConfig
from resolver.config.load import load
from resolver.config.model import Config as ConfigModel
from resolver.dns import names
from resolver.snapshot import store
from resolver.snapshot.config_files import SavedFiles
from resolver.system.english import count_text
from resolver.system.log import escaped
from resolver.upstream.blocking import BlockingForwarder

_STYLES = {"+": "green", "-": "red", "~": "yellow"}

Configs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[OLD] [NEW]",
        help="two configs; with one or none, OLD is the policy in force",
        show_default=False,
    ),
]
Queries = Annotated[
    Path | None,
    typer.Option(
        "--queries",
        help="queries to try on both: a file of 'darban record', or lines of a name and a type, "
        "a client's address before them where it is known",
    ),
]
Live = Annotated[
    bool,
    typer.Option("--live", help="ask the upstreams too, and judge the targets of their answers"),
]
Markdown = Annotated[bool, typer.Option("--markdown", help="for a merge request")]
ShowAll = Annotated[
    bool, typer.Option("--all", help="show all members of a list, and examples for each service")
]
Vlan = Annotated[str | None, typer.Option("--vlan", help="try the queries for this VLAN alone")]


class _Replayed(NamedTuple):
    """A file of queries, tried on both policies."""

    file: Path
    counts: QueryCounts
    replay: Replay
    live: bool
    """Whether the upstreams were asked."""


def diff(
    configs: Configs = None,
    queries: Queries = None,
    vlan: Vlan = None,
    live: Live = False,
    show_all: ShowAll = False,
    config: Named = None,
    markdown: Markdown = False,
    as_json: AsJson = False,
) -> int:
    """Show what another config changes, for all names.

    Without OLD, the policy in force is compared; without NEW too, with the config of the server as
    it is now. A name may be blocked for a target of its answer: --live asks for the answers, and
    shows how many are unknown. Exits with 0 where nothing changes, 1 where something does.

        darban diff

        darban diff new.toml --queries monday.tsv

        darban diff old.toml new.toml --queries names.txt --vlan administration
    """
    if queries is None and (vlan is not None or live):
        raise DarbanError("--vlan and --live say how the queries of --queries are tried")
    counts = None if queries is None else _read(queries)
    old, new = _policies(configs or [], config)
    config_changes = compare(old, new)
    of_names = compare_names(old, new, time.time())
    replayed = None
    if queries is not None and counts is not None:
        replayed = _replay(old, new, queries, counts, vlan, live)
    if as_json:
        print_json(_as_json(old, new, config_changes, of_names, replayed))
    elif markdown:
        moved = moved_prefixes(old.compiled, new.compiled)
        for line in diff_text.markdown(config_changes, of_names, moved, show_all=show_all):
            echo(line)
    else:
        _print(_as_text(old, new, config_changes, of_names, replayed, show_all=show_all))
    return int(bool(config_changes or of_names or (replayed and replayed.replay.changes)))


def _policies(configs: list[Path], server: Path | None) -> tuple[ComparedPolicy, ComparedPolicy]:
    if len(configs) > 2:
        raise DarbanError("two configs at most: OLD NEW, or NEW alone")
    if len(configs) == 2:
        if server is not None:
            raise DarbanError("--config names the server whose policy is OLD; OLD is given")
        return _of_config(configs[0]), _of_config(configs[1])
    path = server or default_config()
    in_force = hash_in_force(path)
    new = _of_config(configs[0] if configs else path)  # which only root may be able to read
    return _in_force(path, in_force), new


def _of_config(path: Path) -> ComparedPolicy:
    compiled = compile_valid(path)
    if compiled.failed:
        echo(
            f"{path}: expectations that do not hold: {len(compiled.failed)}; "
            f"'darban check {path}' shows why",
            err=True,
        )
    only_in_text = _only_in_text(compiled.loaded.config)
    snapshot = compiled.snapshot
    return ComparedPolicy(str(path), snapshot.compiled, snapshot.index(), only_in_text)


def _in_force(path: Path, hash_: str) -> ComparedPolicy:
    compiled, index = load_snapshot(path, hash_)
    audit_log = AuditLog(store.directory(path))
    return ComparedPolicy("in force", compiled, index, _recorded(path, hash_, audit_log))


def _recorded(path: Path, snapshot: str, audit_log: AuditLog) -> dict[str, Section] | None:
    """What a snapshot does not hold of its config: the audit log has the text."""
    try:
        entry = audit_log.last_activation(snapshot)
    except OSError:
        return None
    texts = {} if entry is None else audit_log.text(entry.config)
    if not texts:
        return None
    config = path.parent / next(iter(texts))
    return _only_in_text(load(str(config), SavedFiles(config, texts)).config)


def _only_in_text(config: ConfigModel) -> dict[str, Section]:
    """What no snapshot holds of a config."""
    settings = {
        "pair.nodes": ", ".join(config.pair.nodes),
        "warnings.acknowledged": ", ".join(config.warnings.acknowledged),
    }
    return {
        SETTINGS: {key: {VALUE: text} for key, text in settings.items()},
        EXPECTATIONS: _expectations(config),
    }


def _expectations(config: ConfigModel) -> Section:
    return {
        f"{names.text(question.name)} {question.type} from {question.client}"
        + (f" at {question.at}" if question.at else "")
        + (f" within {question.hours}" if question.hours else ""): {
            "outcome": question.outcome,
            "service": question.service,
        }
        for _, question in config.questions()
    } | {
        f"every name of {' '.join(expectation.services)} on {_where(expectation)}": {
            "outcome": expectation.outcome,
            "except": frozenset(expectation.except_),
        }
        for expectation in config.expect
        if expectation.services
    }


def _where(expect: ExpectationConfig) -> str:
    return f"VLAN {expect.vlan}" if expect.vlan else f"policy {expect.policy}"


# ---- queries ----


def _replay(
    old: ComparedPolicy,
    new: ComparedPolicy,
    file: Path,
    counts: QueryCounts,
    vlan: str | None,
    live: bool,
) -> _Replayed:
    now = time.time()
    before, after = (
        Explainer(
            *(policy.compiled, policy.index, now),
            BlockingForwarder(policy.compiled).ask if live else None,
        )
        for policy in (old, new)
    )
    replay = Replay(before, after, vlan)
    if vlan is not None and vlan not in replay.vlans():
        both = ", ".join(replay.vlans()) or "none"
        raise DarbanError(f"there is no VLAN '{vlan}' in both; in both there are: {both}")
    replay.run(counts.counts)
    return _Replayed(file, counts, replay, live)


def _read(file: Path) -> QueryCounts:
    counts = read_queries(file)
    if not counts.counts:
        lines = [f"{file}: has no query that can be tried", *diff_text.skipped(counts)]
        raise DarbanError("\n".join(lines))
    return counts


# ---- output ----


def _as_text(
    old: ComparedPolicy,
    new: ComparedPolicy,
    config_changes: list[Change],
    of_names: list[NameChange],
    replayed: _Replayed | None,
    *,
    show_all: bool,
) -> Iterator[str]:
    changes = count_text(len(config_changes), "change") if config_changes else "no change"
    yield f"from {old.name} to {new.name}: {changes}"
    yield from diff_text.changes(config_changes, show_all=show_all)
    if config_changes or of_names:
        moved = moved_prefixes(old.compiled, new.compiled)
        yield from diff_text.name_changes(of_names, moved, show_all=show_all)
    for vlan, expectation in untested_vlans(old.compiled, new, time.time()):
        yield f"no [[expect]] asks as a client of VLAN {vlan}; this one holds, and may be added:"
        yield from ("", *expectation.splitlines(), "")
    if restart := restart_changes(old.compiled, new.compiled):
        yield f"needs a restart, and is refused by a reload: {', '.join(restart)}"
    if old.only_in_text is None:
        yield (
            "expectations, [pair] and [warnings] are not compared: "
            "the text of the config in force is not known"
        )
    if replayed is not None:
        file, counts, replay, live = replayed
        yield f"queries of {file}: {counts.total:,} read, {replay.changed:,} change"
        yield from diff_text.replay(replay)
        if replay.targets_unknown:
            why = "no upstream answered" if live else "--live asks for their answers"
            unknown = f"{replay.targets_unknown:,} of {replay.replayed.total():,} queries"
            yield f"  targets not judged of {unknown}, summed over the VLANs: {why}"
        yield from diff_text.skipped(counts)


def _print(lines: Iterator[str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        style = _STYLES.get(line.lstrip()[:1], "") if line.startswith(" ") else ""
        console.print(Text(escaped(line), style=style))


def _as_json(
    old: ComparedPolicy,
    new: ComparedPolicy,
    config_changes: list[Change],
    of_names: list[NameChange],
    replayed: _Replayed | None,
) -> dict[str, object]:
    questions = None
    if replayed is not None:
        file, counts, replay, _ = replayed
        questions = {"file": str(file), **diff_text.replay_json(counts, replay)}
    return {
        "old": old.name,
        "new": new.name,
        "needs_restart": list(restart_changes(old.compiled, new.compiled)),
        "changes": [change.as_json() for change in config_changes],
        "names": [asdict(change) for change in of_names],
        "prefixes_not_compared": moved_prefixes(old.compiled, new.compiled),
        "expectations_compared": old.only_in_text is not None,
        "questions": questions,
    }
