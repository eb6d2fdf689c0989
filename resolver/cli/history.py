"""``darban history``: what was in force, since when and by whom."""

import pwd
import time
from itertools import pairwise
from typing import Annotated

import typer

from resolver.cli import history_verify
from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.exemption_text import exemption_text
from resolver.cli.moments import InvalidMoment, moment_text, parse_moment
from resolver.errors import DarbanError
from resolver.snapshot import store
from resolver.snapshot.state_owner import become_owner
from resolver.supervisor.audit_log import AuditEntry, AuditLog

_SHOWN, _SHOWN_IDS = 20, 3

At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="DATE", help="show this moment, such as 2027-03-20 or 2027-03-20T14:30"
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


def history(
    *,
    at: At = None,
    verify: Verify = False,
    head: Head = None,
    config: Config,
    as_json: AsJson = False,
) -> int:
    """Show what was in force at a moment, and by whom.

    Without --at: every activation (a start, a reload, an exemption, lists that were fetched) and
    stop, the last 20 as text, with the exemptions that changed; +2 -1 means that the config got
    two lines and lost one. A moment without an offset is in this host's time,
    a date alone is its beginning. No server is needed. Exits with 1 where nothing was in force, 2
    where the moment is invalid or still to come, or the audit log cannot be read.

    With --at and --json, 'files' has the texts of the config and of what it included then.

    With --verify, the audit log and each day's figures are compared with the chain of hashes beside
    the log. It finds a record that was taken out, changed, moved or added, and a day whose figures
    were edited; exits with 1 then. Only --head, a hash that was noted elsewhere (the metric
    darban_history_info has it), shows that the end of the log was cut off with the chain.

        darban history

        darban history --at 2027-03-20T14:30+03:30

        darban history --at 2027-03-20T14:30 --json | jq -r '.files["config.toml"]'

        darban history --verify
    """
    echo(f"by the audit log of the server of {config}", err=True)
    state = store.directory(config)
    become_owner(state)
    if verify or head is not None:
        return history_verify.run(state, head, as_json)
    audit_log = AuditLog(state)
    try:
        entries = list(audit_log.entries())
    except OSError as error:
        raise DarbanError(str(error)) from None
    if at is None:
        if as_json:
            print_json({"entries": entries})
        else:
            echo(_list_text(entries))
        return int(not entries)
    moment = parse_moment(at).timestamp()
    if moment > time.time():
        raise InvalidMoment(f"'{at}' is still to come; the audit log has only the past")
    before = [entry for entry in entries if entry.time <= moment and entry.changes]
    entry = before[-1] if before and before[-1].snapshot else None
    if as_json:
        print_json(_as_json(audit_log, entry, moment))
    elif entry is not None:
        echo(_entry_text(entry, moment))
    else:
        why = (
            f"the server was stopped at {moment_text(before[-1].time)}"
            if before
            else "the audit log begins later"
        )
        echo(f"at {moment_text(moment)} nothing was in force: {why}")
    return int(entry is None)


def _as_json(audit_log: AuditLog, entry: AuditEntry | None, moment: float) -> dict[str, object]:
    if entry is None:
        return {"at": moment, "in_force": None}
    return {
        "at": moment,
        "in_force": entry,
        "exempted": [exemption.id for exemption in entry.exempted_at(moment)],
        "files": audit_log.text(entry.config),
    }


def _list_text(entries: list[AuditEntry]) -> str:
    if not entries:
        return "nothing has been in force yet"
    activations = [entry for entry in entries if entry.snapshot]
    changed = {
        id(after): _changed_exemptions(before, after) for before, after in pairwise(activations)
    }
    lines = [_line(entry, changed.get(id(entry), "")) for entry in entries[-_SHOWN:]]
    if len(entries) > _SHOWN:
        lines.insert(0, f"... {len(entries) - _SHOWN} earlier; --at shows any moment")
    return "\n".join(lines)


def _changed_exemptions(before: AuditEntry, after: AuditEntry) -> str:
    """The ids of the exemptions that came, went or changed."""
    # without those that have ended between the two
    old, new = (
        {each.id: each for each in entry.exempted_at(after.time)} for entry in (before, after)
    )
    ids = [each for each in {**old, **new} if old.get(each) != new.get(each)]
    more = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
    return f"exemption {', '.join(ids[:_SHOWN_IDS])}{more}" if ids else ""


def _line(entry: AuditEntry, exemptions: str) -> str:
    line = (
        f"{moment_text(entry.time)}  {entry.event:<17}  {entry.snapshot or '-':<16}  {_who(entry)}"
    )
    return "  ".join(filter(None, (line, _size(entry.diff), exemptions)))


def _size(diff: str) -> str:
    lines = [line for line in diff.splitlines() if not line.startswith(("+++", "---"))]
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    return f"+{added} -{removed}" if diff else ""


def _entry_text(entry: AuditEntry, moment: float) -> str:
    exempted = entry.exempted_at(moment)
    ended = [each for each in entry.exemptions if each not in exempted]
    return "\n".join(
        [
            _since(entry, moment),
            *(f"exempted: {exemption_text(each)}" for each in exempted),
            *(f"ended before: {exemption_text(each)}" for each in ended),
            f"what it changed:\n{entry.diff}" if entry.diff else "the config was as before",
        ]
    )


def _since(entry: AuditEntry, moment: float) -> str:
    config = entry.config or "unknown"
    return (
        f"in force at {moment_text(moment)}: snapshot {entry.snapshot}, config {config}\n"
        f"since {moment_text(entry.time)}, by {_who(entry)} ({entry.event})"
    )


def _who(entry: AuditEntry) -> str:
    """The user ID and the user's name, where this host knows it."""
    kind, _, number = entry.who.partition(" ")
    if kind != "uid":
        return entry.who
    try:
        return f"{entry.who} ({pwd.getpwuid(int(number)).pw_name})"
    except (KeyError, ValueError):
        return entry.who
