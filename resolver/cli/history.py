"""``darban history``: what was in force, since when and by whom."""

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from resolver import DarbanError
from resolver.analysis.explanation import Explainer
from resolver.audit.audit_log import AuditEntry, AuditLog, entries
from resolver.audit.effective_policy import (
    EffectivePolicy,
    effective_policy_of_client,
    effective_policy_of_vlan,
)
from resolver.audit.in_force import ActivationInForce
from resolver.audit.reading import Reading
from resolver.audit.witness import WitnessedHead
from resolver.cli import history_verify
from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.effective_policy_text import effective_policy_text
from resolver.cli.history_verify import break_text, witnessed
from resolver.cli.in_force_at import (
    NothingInForce,
    PastPolicy,
    activations_at,
    in_force_at,
    past_moment,
    since,
    who,
)
from resolver.cli.moments import moment_text, parse_moment
from resolver.cli.policies import view_of_vlan
from resolver.cli.policy_text import exemption_text
from resolver.cli.summary_text import summary_lines, summary_words
from resolver.config.values import parse_address
from resolver.snapshot import store
from resolver.snapshot.config_files import counted_lines
from resolver.snapshot.state_owner import become_owner
from resolver.system.english import some_text

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
        "--head",
        metavar="NUMBER:HASH",
        help="the head that a witness has, which the log must have; also its hash alone",
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

    Without --at: every activation (a start, a reload, an exemption, fetched lists) and stop, the
    last 20 as text, with the exemptions that changed; +2 -1 means that the config got two lines and
    lost one. "opens" and "closes" name the services whose names passed or were blocked from then
    on, on some VLAN, exemptions aside. A moment is solar Hijri or Gregorian by its year, and of the
    time zone of [report] unless it has an offset, such as +03:30; a date alone is its beginning.
    Needs no server. Exits with 1 where nothing was in force, 2 where the moment is invalid or still
    to come, or the audit log cannot be read.

    With --day: what each activation of that day opened and closed, on which VLANs, and which rules
    of lists were new or gone, with the number of classes of names: a class is a name of a rule, or
    all names below it. Exits with 1 where there was none.

    With CLIENT and --at: what was blocked for it, on which ground, and which exemptions held,
    approved by whom. The snapshot of that moment decides, while it is kept, by the code of this
    release. With --at and --json, 'files' has the texts of the config and of what it included.
    Where the server's clock was set, each record that the moment may mean is shown.

    With --verify: compares each record of the audit log with the hash that the next one has of it,
    the last one with the head beside the log, and the kept configs and each hour's figures with
    their hashes in the records. Exits with 1 where something was taken out, changed, moved, added
    or cut off. Only --head, noted elsewhere (number and hash of the metric darban_history_info),
    shows that all was written anew, or restored from a backup; and with --at, the moment at which
    it was noted, that a record was added later for a time before. Exits with 4 where nothing was
    found and something is not checkable: a head whose record was removed by rotation, at 64 MiB a
    file; a hash without its number, which may be such a one; or figures whose sealed time is
    still to come by the clock of now.

        darban history --day 1405-08-12

        darban history administration --at 2027-03-20T10:00

        darban history --at 2027-03-20T14:30 --json | jq -r '.files["config.toml"]'

        darban history --verify --head NUMBER:HASH --at 2027-03-20T14:30
    """
    echo(f"by the audit log of the server of {config}", err=True)
    state = store.directory(config)
    become_owner(state)
    if day is not None:
        if verify or any(option is not None for option in (at, client, head)):
            raise DarbanError("--day shows a whole day for all clients, and goes with --json alone")
        return _of_day(state, day, as_json)
    if verify or head is not None:
        if at is not None and head is None:
            raise DarbanError("--at is the moment at which a head was noted: give --head as well")
        moment = 0.0 if at is None else parse_moment(at).timestamp()
        return _verify(state, None if head is None else witnessed(head, moment), as_json)
    if at is None:
        if client is not None:
            raise DarbanError(f"say at which moment: darban history {client} --at 2027-03-20T10:00")
        return _list(state, as_json)
    moment = past_moment(at, "the audit log")
    if client is not None:
        return _of_client(config, moment, client, as_json)
    return _at(state, moment, as_json)


def _verify(state: Path, head: WitnessedHead | None, as_json: bool) -> int:
    check = history_verify.verified(state, head)
    if as_json:
        print_json(history_verify.as_json(check))
    else:
        echo(history_verify.check_text(check, head))
    return history_verify.exit_code(check)


def _entries(state: Path) -> list[AuditEntry]:
    """All entries, also those before a place at which the log is broken, which is said."""
    reading = Reading(state)
    try:
        log_entries = list(entries(reading.records()))
    except OSError as error:
        raise DarbanError(str(error)) from None
    for log_break in reading.breaks:
        echo(f"{break_text(log_break)}; see darban history --verify", err=True)
    return log_entries


def _of_day(state: Path, day: str, as_json: bool) -> int:
    first = parse_moment(day)
    if first.time() != dt.time():
        raise DarbanError(
            f"'{day}' is a moment within a day; --day takes a date, such as 1405-12-29"
        )
    begin, end = first.timestamp(), (first + dt.timedelta(days=1)).timestamp()
    day_entries = [entry for entry in _entries(state) if begin <= entry.time < end]
    if as_json:
        print_json({"entries": day_entries})
    else:
        echo("\n".join(map(_day_text, day_entries)) or f"the audit log has nothing of {day}")
    return int(not day_entries)


def _day_text(entry: AuditEntry) -> str:
    lines = summary_lines(entry.summary) if entry.snapshot else ()
    return "\n  ".join([_line(entry, _size(entry.diff), _waited(entry)), *lines])


def _list(state: Path, as_json: bool) -> int:
    log_entries = _entries(state)
    if as_json:
        print_json({"entries": log_entries})
    else:
        echo(_list_text(log_entries))
    return int(not log_entries)


def _at(state: Path, moment: float, as_json: bool) -> int:
    try:
        activations = activations_at(state, moment)
    except NothingInForce as error:
        if as_json:
            print_json({"at": moment, "in_force": None, "why": str(error)})
        else:
            echo(str(error))
        return error.code
    if as_json:
        _print_answers(
            moment, [_as_json(AuditLog(state), activation, moment) for activation in activations]
        )
    else:
        echo("\n\n".join(_entry_text(activation, moment) for activation in activations))
    return 0


def _of_client(config: Path, moment: float, client: str, as_json: bool) -> int:
    answers = [
        (policy, _effective_policy(policy, client)) for policy in in_force_at(config, moment)
    ]
    if as_json:
        _print_answers(
            moment, [{**past.as_json(), "standing": effective} for past, effective in answers]
        )
    else:
        refused = f"client {client}: in no VLAN, so its queries were refused"
        texts = ((past.text(), effective) for past, effective in answers)
        echo(
            "\n\n".join(
                f"{text}\n{refused if s is None else effective_policy_text(s)}" for text, s in texts
            )
        )
    return 0


def _print_answers(moment: float, answers: list[dict[str, object]]) -> None:
    """Print one answer, or those that may be meant where the clock was set."""
    print_json(answers[0] if len(answers) == 1 else {"at": moment, "answers": answers})


def _effective_policy(past: PastPolicy, client: str) -> EffectivePolicy | None:
    explainer = Explainer(past.compiled, past.index, past.moment)
    if parse_address(client) is None:
        return effective_policy_of_vlan(explainer, view_of_vlan(explainer, client))
    return effective_policy_of_client(explainer, client)


def _as_json(
    audit_log: AuditLog, activation: ActivationInForce, moment: float
) -> dict[str, object]:
    return {
        "at": moment,
        "in_force": activation.entry,
        "exempted": [exemption.id for exemption in activation.entry.exempted_at(moment)],
        "files": audit_log.text(activation.entry.config),
        "version": activation.entry.release,
        "clock_ahead": activation.ahead,
    }


def _list_text(log_entries: list[AuditEntry]) -> str:
    if not log_entries:
        return "nothing has been in force yet"
    activations = [entry for entry in log_entries if entry.snapshot]
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
        )
        for entry in log_entries[-_SHOWN:]
    ]
    if len(log_entries) > _SHOWN:
        lines.insert(0, f"... {len(log_entries) - _SHOWN} earlier; --at shows any moment")
    return "\n".join(lines)


def _changed_exemptions(before: AuditEntry, after: AuditEntry) -> str:
    """The ids of the exemptions that came, went or changed."""
    ids = [exemption.id for exemption in after.changed_exemptions(before)]
    return f"exemption {some_text(ids[:_SHOWN_IDS], len(ids))}" if ids else ""


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


def _entry_text(activation: ActivationInForce, moment: float) -> str:
    entry = activation.entry
    exempted = entry.exempted_at(moment)
    ended = [exemption for exemption in entry.exemptions if exemption not in exempted]
    return "\n".join(
        [
            since(activation, moment),
            *([waited] if (waited := _waited(entry)) else []),
            *(f"exempted: {exemption_text(exemption)}" for exemption in exempted),
            *(f"ended before: {exemption_text(exemption)}" for exemption in ended),
            *summary_lines(entry.summary),
            f"what it changed:\n{entry.diff}" if entry.diff else "the config was as before",
        ]
    )
