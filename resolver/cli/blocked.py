"""``darban blocked``: what was blocked for a client, and what would open it."""

import shlex
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from resolver import DarbanError
from resolver.analysis.opening import Opening, Openings
from resolver.audit.block_log_reading import BlockedName, BlockedQueries, blocked_queries
from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.default_config import default_config
from resolver.cli.in_force_at import past_moment
from resolver.cli.moments import InvalidMoment, moment_text, parse_duration
from resolver.cli.policies import load_snapshot, view_of_vlan
from resolver.cli.server import read_status
from resolver.config.values import parse_address
from resolver.dns import names
from resolver.snapshot import store
from resolver.system.english import count_text

_SHOWN = 20
_OFF = (
    'the block log is off. "enabled = true" in [block_log] of {config}, then darban reload, turns '
    "it on. From then on each blocked query, and each that would be, is a line: its moment, name, "
    "type, service, rule and list, and the client as its VLAN; with 'client = \"prefix\"' or "
    "'\"address\"' also as its /24 or /64, or its address, which makes it a record of persons. "
    "Lines are kept for retention_days. Without it: darban explain CLIENT NAME"
)
_VLAN_ALONE = (
    "the block log has no addresses: of a client it has only the VLAN ([block_log] client = "
    '"vlan"). Ask about the VLAN: darban blocked {vlan}'
)

Whom = Annotated[
    str, typer.Argument(metavar="CLIENT", help="for whom: an address or a VLAN's name")
]
Since = Annotated[
    str,
    typer.Option("--since", metavar="TIME", help="how far back, as 2h or 3d, or from which moment"),
]


def blocked(whom: Whom, *, since: Since = "1h", config: Config, as_json: AsJson = False) -> int:
    """Show what was blocked for a client, and what opens it.

    Reads the block log, where [block_log] turns it on: names, services and counts, the most
    frequent names first. Below each is what opens it by the policy in force now, or why it is not
    blocked any more. An exemption opens services; what 'deny' or the default blocks needs 'allow',
    for all clients of the policy. The log may have prefixes alone: then the names are those of all
    clients of the prefix; an address is refused where it has VLANs alone. Exits with 2 then, and
    where the log is off.

        darban blocked 10.10.3.7

        darban blocked administration --since 1d
    """
    now = time.time()
    begin = _since(since, now)
    status = read_status(config)
    compiled, index = load_snapshot(config, status.hash)
    log = status.block_log
    if log is None:
        raise DarbanError(_OFF.format(config=config))
    openings = Openings(compiled, index, now)
    address = None if parse_address(whom) is None else whom
    view = openings.explainer.client(whom) if address else view_of_vlan(openings.explainer, whom)
    if view is None:
        raise DarbanError(f"no VLAN holds {whom}: its queries are refused, and not in the log")
    vlan = compiled.vlans[view.vlan].name
    if address and log.client == "vlan":
        raise DarbanError(_VLAN_ALONE.format(vlan=shlex.quote(vlan)))
    queries = _read(config, begin, now, vlan, address)
    by_count = sorted(queries.counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        (name, count, openings.of(view, names.parse(name.name), name.target))
        for name, count in by_count[:_SHOWN]
    ]
    answer = _Answer(whom, vlan, begin, queries, rows, len(by_count) - len(rows), config)
    if as_json:
        print_json(answer.as_json())
    else:
        echo(answer.text())
        echo("\n".join(_remarks(queries, log.lost)), err=True)
    return 0


class _Answer(NamedTuple):
    """What is shown."""

    whom: str
    vlan: str
    begin: float
    queries: BlockedQueries
    rows: list[tuple[BlockedName, int, Opening]]
    more: int
    """Names that are not shown."""
    config: Path

    def as_json(self) -> dict[str, object]:
        """For --json."""
        facts = asdict(self.queries)
        del facts["counts"]
        facts |= {"prefixes": sorted(self.queries.prefixes), "more_names": self.more}
        shown = [
            {**name._asdict(), "queries": count, "now": opening, "open": self._open(opening)}
            for name, count, opening in self.rows
        ]
        about = {"client": self.whom, "vlan": self.vlan, "since": self.begin}
        return {**about, **facts, "names": shown}

    def text(self) -> str:
        """For a person."""
        number = sum(self.queries.counts.values()) + self.queries.without_room
        total = count_text(number, "query", "queries")
        lines = [f"{self.whom}, since {moment_text(self.begin)}: {total} blocked, or would be"]
        for name, count, opening in self.rows:
            lines += [_name_text(name, count), f"        {self._open(opening)}"]
        if self.more:
            lines.append(f"and {self.more:,} more names")
        return "\n".join(lines)

    def _open(self, opening: Opening) -> str:
        return _open(opening, self.whom, self.config)


def _read(config: Path, begin: float, now: float, vlan: str, address: str | None) -> BlockedQueries:
    try:
        return blocked_queries(store.directory(config), begin, now, vlan, address)
    except OSError as error:
        raise DarbanError(f"the block log cannot be read: {error}") from None


def _since(text: str, now: float) -> float:
    """The moment that a length of time or a moment means."""
    try:
        return max(0.0, now - parse_duration(text).total_seconds())
    except InvalidMoment:
        return past_moment(text, "the block log")


def _name_text(name: BlockedName, count: int) -> str:
    by_way_of = f", by way of {name.target}" if name.target else ""
    return f"{count:>6,}  {name.outcome}  {name.name}  {name.service or 'no service'}{by_way_of}"


def _open(opening: Opening, whom: str, config: Path) -> str:
    """The line that opens a name, or why none is needed."""
    if opening.exempt:
        named = [] if config == default_config() else ["--config", str(config)]
        words = ["darban", "exempt", *named, whom, *opening.exempt]
        return f"{shlex.join(words)} --for 2h --approver WHO --ticket ID"
    if opening.allow:
        return f'allow = ["{opening.allow}"] in [{opening.section}], then darban reload'
    if opening.denied:
        section = f"[{opening.section}], or in what it extends"
        return f'take "{opening.denied}" out of deny in {section}, then darban reload'
    if opening.outcome == "blocked":
        return f"no entry opens this name: {opening.decided_by}"
    return f"not blocked now ({opening.outcome}): {opening.decided_by}"


def _remarks(queries: BlockedQueries, lost: int) -> Iterator[str]:
    """What was read, and what is not among the counts."""
    begins = "has no line" if queries.begins is None else f"begins {moment_text(queries.begins)}"
    yield f"the block log {begins}; what was blocked while it was off is not in it"
    if queries.prefixes:
        yield f"the names are those of all clients of {', '.join(sorted(queries.prefixes))}"
    for number, what in (
        (queries.without_room, "queries for more names are not shown"),
        (queries.without_client, "lines of this time name the VLAN alone, and are not counted"),
        (queries.to_come, "lines have a moment still to come, and are not counted"),
        (queries.unreadable, "lines cannot be read"),
        (lost, "lines were lost since the server started"),
    ):
        if number:
            yield f"{number:,} {what}"
