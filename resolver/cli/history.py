"""``darban history``: what was in force, since when and by whom."""

import datetime as dt
import time
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from resolver.analysis.explanation import Explainer
from resolver.cli import history_verify
from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.exemption_text import exemption_text
from resolver.cli.in_force_at import (
    ActivationInForce,
    NothingInForce,
    activation_at,
    backdated_text,
    in_force_at,
    is_past,
    since,
    who,
)
from resolver.cli.moments import InvalidMoment, moment_text, parse_moment
from resolver.cli.policies import view_of_vlan
from resolver.cli.standing_text import standing_text
from resolver.cli.summary_text import summary_lines, summary_words
from resolver.config.values import parse_address
from resolver.errors import DarbanError
from resolver.evidence.audit_log import AuditEntry, AuditLog, OrderedEntry
from resolver.evidence.history_check import WitnessedHead
from resolver.reports.standing import Standing, standing_of_client, standing_of_vlan
from resolver.snapshot import store
from resolver.snapshot.config_files import counted_lines
from resolver.snapshot.state_owner import become_owner

_SHOWN, _SHOWN_IDS = 20, 3

At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="DATE", help="show this moment, such as 1405-12-29 or 2027-03-20T14:30"
    ),
]


Day = Annotated[
    str | None,
    typer.Option(
        "--day",
        metavar="DATE",
        help="show what each activation of a day opened and closed: 1405-12-29 or 2027-03-20",
    ),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="check that nothing was changed, taken out or cut off")
]
Head = Annotated[
    str | None,
    typer.Option(
        "--head", metavar="HASH", help="the head that a witness has: the end must have it"
    ),
]


Client = Annotated[
    str | None,
    typer.Argument(
        metavar="CLIENT", help="with --at: what was blocked for an address or a VLAN, and why"
    ),
]


def history(
    client: Client = None,
    *,
    at: At = None,
    day: Day = None,
    verify: Verify = False,
    head: Head = None,
    config: Config,
    as_json: AsJson = False,
) -> int:
    """Show what was in force at a moment, and by whom.

    Without --at: every activation (a start, a reload, an exemption, lists that were fetched) and
    stop, the last 20 as text, with the exemptions that changed; +2 -1 means that the config got
    two lines and lost one. "opens" and "closes" name the services whose names passed or were
    blocked from then on, on some VLAN, exemptions aside. The year of a moment says whether it is
    solar Hijri or Gregorian. One without an offset is of the time zone of [report], a date alone is
    its beginning. No server is needed. Exits with 1 where nothing was in force, 2 where the moment
    is invalid or still to come, or the audit log cannot be read.

    With --day: what each activation of that day opened and closed, on which VLANs, and which rules
    of lists were new or gone, with the number of classes of names: a class is a name of a rule, or
    all names below it. Exits with 1 where there was none.

    With CLIENT and --at: what was blocked for it at that moment, on which ground, and which
    exemptions held, approved by whom. The policy of then decides, as far as it is kept, and it is
    only read; the code of this release decides by it. 'darban explain --at' does the same for a
    name.

    With --at and --json, 'files' has the texts of the config and of what it included then.

    With --verify, the audit log, the configs that are kept and each hour's figures are compared
    with the chain of hashes beside the log. It finds a record that was taken out, changed, moved or
    added, and figures that were edited; exits with 1 then. Only --head, a hash that was noted
    elsewhere (the metric darban_history_info has it), shows that the end of the log was cut off
    with the chain; and with --at, the moment at which it was noted, that a record was added later.

        darban history

        darban history --day 1405-08-12

        darban history --at 2027-03-20T14:30+03:30

        darban history administration --at 2027-03-20T10:00

        darban history --at 2027-03-20T14:30 --json | jq -r '.files["config.toml"]'

        darban history --verify

        darban history --verify --head 5f0c9a7d21ab --at 2027-03-20T14:30
    """
    echo(f"by the audit log of the server of {config}", err=True)
    state = store.directory(config)
    become_owner(state)
    if day is not None:
        if verify or any(each is not None for each in (at, client, head)):
            raise DarbanError("--day shows a whole day for all clients, and goes with --json alone")
        return _of_day(state, day, as_json)
    if verify or head is not None:
        if at is not None and head is None:
            raise DarbanError("--at is the moment at which a head was noted: give --head as well")
        moment = 0.0 if at is None else parse_moment(at).timestamp()
        witnessed = None if head is None else WitnessedHead(head, moment)
        return history_verify.run(state, witnessed, as_json)
    if at is None:
        if client is not None:
            raise DarbanError(f"say at which moment: darban history {client} --at 2027-03-20T10:00")
        return _list(state, as_json)
    moment = parse_moment(at).timestamp()
    if not is_past(moment):
        raise InvalidMoment(f"'{at}' is still to come; the audit log has only the past")
    if client is not None:
        return _of_client(config, moment, client, as_json)
    return _at(state, moment, as_json)


def _ordered(state: Path) -> list[OrderedEntry]:
    try:
        return list(AuditLog(state).in_order(time.time()))
    except OSError as error:
        raise DarbanError(str(error)) from None


def _of_day(state: Path, day: str, as_json: bool) -> int:
    first = parse_moment(day)
    if first.time() != dt.time():
        raise DarbanError(
            f"'{day}' is a moment within a day; --day takes a date, such as 1405-12-29"
        )
    begin, end = first.timestamp(), (first + dt.timedelta(days=1)).timestamp()
    found = [each for each in _ordered(state) if begin <= each.entry.time < end]
    if as_json:
        print_json({"entries": [each.entry for each in found]})
    else:
        echo("\n".join(map(_day_text, found)) or f"the audit log has nothing of {day}")
    return int(not found)


def _day_text(ordered: OrderedEntry) -> str:
    entry = ordered.entry
    lines = summary_lines(entry.summary) if entry.snapshot else ()
    backdated = "backdated" if ordered.is_backdated else ""
    return "\n  ".join([_line(entry, _size(entry.diff), _waited(entry), backdated), *lines])


def _list(state: Path, as_json: bool) -> int:
    ordered = _ordered(state)
    if as_json:
        print_json({"entries": [each.entry for each in ordered]})
    else:
        echo(_list_text(ordered))
    return int(not ordered)


def _at(state: Path, moment: float, as_json: bool) -> int:
    try:
        found = activation_at(state, moment)
    except NothingInForce as error:
        if as_json:
            print_json({"at": moment, "in_force": None, "why": str(error)})
        else:
            echo(str(error))
        return error.code
    if as_json:
        print_json(_as_json(AuditLog(state), found, moment))
    else:
        echo(_entry_text(found, moment))
    return 0


def _of_client(config: Path, moment: float, client: str, as_json: bool) -> int:
    past = in_force_at(config, moment)
    explainer = Explainer(past.compiled, past.index, moment)
    if parse_address(client) is None:
        found: Standing | None = standing_of_vlan(explainer, view_of_vlan(explainer, client))
    else:
        found = standing_of_client(explainer, client)
    if as_json:
        print_json({**past.as_json(), "standing": found})
    else:
        refused = f"client {client}: in no VLAN, so its queries were refused"
        echo(f"{past.text()}\n{refused if found is None else standing_text(found)}")
    return 0


def _as_json(audit_log: AuditLog, found: ActivationInForce, moment: float) -> dict[str, object]:
    return {
        "at": moment,
        "in_force": found.entry,
        "exempted": [exemption.id for exemption in found.entry.exempted_at(moment)],
        "files": audit_log.text(found.entry.config),
        "version": found.version,
        "backdated": found.backdated,
    }


def _list_text(ordered: list[OrderedEntry]) -> str:
    if not ordered:
        return "nothing has been in force yet"
    activations = [entry for entry, _ in ordered if entry.snapshot]
    changed = {
        id(after): _changed_exemptions(before, after) for before, after in pairwise(activations)
    }
    lines = [
        _line(
            entry,
            _size(entry.diff),
            summary_words(entry.summary),
            changed.get(id(entry), ""),
            _waited(entry),
            "backdated" if is_backdated else "",
        )
        for entry, is_backdated in ordered[-_SHOWN:]
    ]
    if len(ordered) > _SHOWN:
        lines.insert(0, f"... {len(ordered) - _SHOWN} earlier; --at shows any moment")
    return "\n".join(lines)


def _changed_exemptions(before: AuditEntry, after: AuditEntry) -> str:
    """The ids of the exemptions that came, went or changed."""
    ids = [each.id for each in after.changed_exemptions(before)]
    more = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
    return f"exemption {', '.join(ids[:_SHOWN_IDS])}{more}" if ids else ""


def _line(entry: AuditEntry, *more: str) -> str:
    line = (
        f"{moment_text(entry.time)}  {entry.event:<17}  {entry.snapshot or '-':<16}  {who(entry)}"
    )
    return "  ".join(filter(None, (line, *more)))


def _waited(entry: AuditEntry) -> str:
    """Of a start: since when the edit that it put in force was on disk, and whose the files are."""
    if not entry.waited_since:
        return ""
    since = moment_text(entry.waited_since)
    return f"edited files on disk since {since}; they belong to {entry.belongs_to}"


def _size(diff: str) -> str:
    added, removed = counted_lines(diff)
    return f"+{added} -{removed}" if diff else ""


def _entry_text(found: ActivationInForce, moment: float) -> str:
    entry = found.entry
    exempted = entry.exempted_at(moment)
    ended = [each for each in entry.exemptions if each not in exempted]
    return "\n".join(
        [
            since(entry, moment),
            *([waited] if (waited := _waited(entry)) else []),
            *(backdated_text(each, moment) for each in (found.backdated,) if each),
            *(f"exempted: {exemption_text(each)}" for each in exempted),
            *(f"ended before: {exemption_text(each)}" for each in ended),
            *summary_lines(entry.summary),
            f"what it changed:\n{entry.diff}" if entry.diff else "the config was as before",
        ]
    )
