"""``darban lists suggest``: what a recording has that the lists or an ``allow`` may lack."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from resolver import DarbanError
from resolver.analysis import diff_text
from resolver.analysis.explanation import Explainer
from resolver.analysis.needed_allow import NeededAllow, Recorded, needed_allow
from resolver.analysis.queries.query import QueryCounts
from resolver.analysis.suggestions import Suggestion, suggestions
from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.policies import compile_valid, view_of_vlan
from resolver.cli.query_file import read_queries
from resolver.system.english import count_text

_SHOWN = 10
_NAMES_OF_ENTRY = 3

Recording = Annotated[
    Path, typer.Argument(metavar="RECORDING", help="a file that 'darban record' wrote")
]
Vlan = Annotated[str | None, typer.Option("--vlan", help="only this VLAN")]
Allow = Annotated[
    bool, typer.Option("--allow", help='what "allow" needs in a policy with default = "block"')
]


def suggest(
    recording: Recording,
    *,
    allow: Allow = False,
    vlan: Vlan = None,
    config: Config,
    as_json: AsJson = False,
) -> int:
    """Show names that clients asked for and that the lists may lack.

    Of each VLAN these are the names that pass although its policy blocks other names of the same
    registrable domain, the most frequent first. A person decides whether they belong to the
    service: other names of a shared domain must pass.

    With --allow, print the 'allow' that the recorded names need in a policy with default = "block":
    services of updates, then registrable domains, with counts, after the entries that the policy
    has. Other services are comments, for a person to decide. Names that pass anyway are left out.

        darban lists suggest monday.tsv

        darban lists suggest week.tsv --allow --vlan servers
    """
    counts = read_queries(recording)
    if counts.counts and not any(who.vlan for who, _, _ in counts.counts):
        raise DarbanError(f"{recording}: is no file of 'darban record'")
    snapshot = compile_valid(config).snapshot
    index = snapshot.index()
    explainer = Explainer(snapshot.compiled, index, time.time())
    if vlan is not None:
        view_of_vlan(explainer, vlan)
    asked = {q: n for q, n in counts.counts.items() if vlan in (None, q.who.vlan)}
    unknown = {who.vlan for who, _, _ in asked if explainer.vlan(who.vlan) is None}
    if allow:
        needed = needed_allow(explainer, index, asked)
        keys = [field.name for field in fields(NeededAllow)]
        rows = [{key: getattr(vlan_allow, key) for key in keys} for vlan_allow in needed]
        lines = _needed_as_lines(needed)
    else:
        suggested = suggestions(explainer, index, asked)
        rows, lines = [suggestion._asdict() for suggestion in suggested], _as_lines(suggested)
    if not as_json:
        _print_read(counts, recording, config, unknown)
        echo("\n".join(lines) or "no name to look at")
    else:
        skipped = [{"reason": why, "times": times} for why, times in counts.skipped.items()]
        print_json(
            {
                "config": str(config),
                "recording": str(recording),
                "read": counts.total,
                "skipped": skipped,
                "not_recorded": counts.not_recorded,
                "unknown_vlans": sorted(unknown),
                "needed" if allow else "suggestions": rows,
            }
        )
    return 0


def _print_read(counts: QueryCounts, recording: Path, config: Path, unknown: Set[str]) -> None:
    """Print on standard error what was read, and what of it was left out."""
    queries = count_text(counts.total, "query", "queries")
    echo(f"{queries} of {recording}, by the lists of {config}", err=True)
    for name in sorted(unknown):
        echo(f"left out: VLAN {name}, which {config} does not have", err=True)
    for name, times in sorted(counts.not_recorded.items()):
        queries = count_text(times, "query", "queries")
        echo(f"not in {recording}, which had no room: {queries} of {name}", err=True)
    for line in diff_text.skipped(counts):
        echo(line, err=True)


def _as_lines(suggested: list[Suggestion]) -> Iterator[str]:
    vlan = ""
    for suggestion in suggested:
        if suggestion.vlan != vlan:
            vlan = suggestion.vlan
            yield vlan
        passing = count_text(suggestion.queries.total(), "query passes", "queries pass")
        blocked = ", ".join(suggestion.blocked_by)
        yield f"  {suggestion.domain}: {passing}; {blocked} has blocked names there"
        for name, times in islice(suggestion.queries.items(), _SHOWN):
            yield f"    {times:>9,}  {name}"
        if len(suggestion.queries) > _SHOWN:
            more = count_text(len(suggestion.queries) - _SHOWN, "more name")
            yield f"    ... and {more} (--json has them all)"


def _needed_as_lines(needed: list[NeededAllow]) -> Iterator[str]:
    """Texts to paste into config.toml, one for each VLAN."""
    for vlan_allow in needed:
        total = count_text(vlan_allow.queries, "query", "queries")
        yield f"# VLAN {vlan_allow.vlan}, now of policy {vlan_allow.policy}: {total} recorded"
        if vlan_allow.open:
            yield f"# pass without a new entry: {_counts(vlan_allow.open)}"
        yield "allow = ["
        if vlan_allow.present:
            yield "  # as now"
        yield from (f"  {_quoted(entry)}," for entry in vlan_allow.present)
        yield from _entries(vlan_allow.services, "services of updates")
        yield from _entries(
            vlan_allow.domains, "domains with all names below them, and names alone"
        )
        yield from _entries(vlan_allow.closed, "not opened: other services. Is any needed?", "# ")
        yield "]"
        if vlan_allow.denied:
            yield f"# blocked by deny: {_counts(vlan_allow.denied)}"
        if vlan_allow.unopened:
            yield f"# no entry can open these: {_counts(vlan_allow.unopened)}"


def _entries(recorded: Recorded, heading: str, before: str = "") -> Iterator[str]:
    if recorded:
        yield f"  # {heading}"
    for entry, queries in sorted(recorded.items(), key=lambda item: -item[1].total()):
        yield f"  {before}{_quoted(entry)},  # {_counts(queries)}"


def _quoted(entry: str) -> str:
    return json.dumps(entry, ensure_ascii=False)  # as a string of TOML


def _counts(queries: Counter[str]) -> str:
    """The number of queries and names, and the first names."""
    first = ", ".join(islice(queries, _NAMES_OF_ENTRY))
    more = ", ..." if len(queries) > _NAMES_OF_ENTRY else ""
    total = count_text(queries.total(), "query", "queries")
    return f"{total} for {count_text(len(queries), 'name')}: {first}{more}"
