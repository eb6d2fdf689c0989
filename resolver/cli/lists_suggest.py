"""``darban lists suggest``: names in a recording that the lists may lack."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from resolver.analysis import diff_text
from resolver.analysis.explanation import Explainer
from resolver.analysis.suggestions import Suggestion, suggestions
from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.policies import compile_valid
from resolver.cli.query_file import read_queries
from resolver.count_text import count_text
from resolver.errors import DarbanError

_SHOWN = 10

Recording = Annotated[
    Path, typer.Argument(metavar="RECORDING", help="a file that 'darban record' wrote")
]


def suggest(recording: Recording, *, config: Config, as_json: AsJson = False) -> int:
    """Show names that clients asked for and that the lists may lack.

    Of each VLAN these are the names that pass although its policy blocks other names of the same
    registrable domain, the most frequent first. Whether they belong to the service is for a person
    to decide: other names of a shared domain must pass. The config's lists are read as the server
    reads them.

        darban record --minutes 60 --out monday.tsv

        darban lists suggest monday.tsv
    """
    counts = read_queries(recording)
    if counts.counts and not any(each.vlan for each, _, _ in counts.counts):
        raise DarbanError(f"{recording}: is no file of 'darban record'")
    snapshot = compile_valid(config).snapshot
    index = snapshot.index()
    explainer = Explainer(snapshot.terms, index, time.time())
    found = suggestions(explainer, index, counts.counts)
    unknown = {each.vlan for each, _, _ in counts.counts if explainer.vlan(each.vlan) is None}
    if as_json:
        skipped = [{"reason": why, "times": times} for why, times in counts.skipped.items()]
        print_json(
            {
                "config": str(config),
                "recording": str(recording),
                "read": counts.total,
                "skipped": skipped,
                "unknown_vlans": sorted(unknown),
                "suggestions": [_as_json(each) for each in found],
            }
        )
        return 0
    queries = count_text(counts.total, "query", "queries")
    echo(f"{queries} of {recording}, by the lists of {config}", err=True)
    for vlan in sorted(unknown):
        echo(f"left out: VLAN {vlan}, which {config} does not have", err=True)
    for line in diff_text.skipped(counts):
        echo(line, err=True)
    echo("\n".join(_as_lines(found)) or "no name to look at")
    return 0


def _as_lines(found: list[Suggestion]) -> Iterator[str]:
    vlan = ""
    for each in found:
        if each.vlan != vlan:
            vlan = each.vlan
            yield vlan
        passing = count_text(each.queries.total(), "query passes", "queries pass")
        blocked = ", ".join(each.blocked_by)
        yield f"  {each.domain}: {passing}; {blocked} has blocked names there"
        for name, times in islice(each.queries.items(), _SHOWN):
            yield f"    {times:>9,}  {name}"
        if len(each.queries) > _SHOWN:
            more = count_text(len(each.queries) - _SHOWN, "more name")
            yield f"    ... and {more} (--json has them all)"


def _as_json(each: Suggestion) -> dict[str, object]:
    return {
        "vlan": each.vlan,
        "domain": each.domain,
        "blocked_by": each.blocked_by,
        "queries": each.queries.total(),
        "names": [{"name": name, "queries": times} for name, times in each.queries.items()],
    }
