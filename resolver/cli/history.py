"""``darban history``: what was in force, since when and by whom."""

import datetime as dt
import json
import pwd
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from resolver.cli.place import config_path
from resolver.metrics.status import ExemptionDetails
from resolver.snapshot import store
from resolver.supervisor.audit_log import AuditEntry, AuditLog

_NOTHING = 1
_USAGE = 2
_SHOWN = 20

At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="DATE", help="tell of this moment, such as 2027-03-20 or 2027-03-20T14:30"
    ),
]
Config = Annotated[Path | None, typer.Option("--config", help="the config of the server")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object, with the whole text")]


def history(at: At = None, config: Config = None, as_json: AsJson = False) -> None:
    """Say what was in force at a moment, who put it there, and what it changed.

    Without --at: every activation (a start, a reload, an exemption, lists that were fetched),
    the last 20 of them as text. A moment without an offset is in this host's time, a date
    alone is its beginning. No server is needed. Exits with 1 where nothing was in force, 2
    where the moment makes no sense or is yet to come, or the journal cannot be read.

        darban history

        darban history --at 2027-03-20T14:30+03:30
    """
    path = config_path(config)
    typer.echo(f"by the journal of the server of {path}", err=True)
    journal = AuditLog(store.directory(path))
    try:
        entries = list(journal.entries())
        moment = None if at is None else _moment(at)
    except (OSError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_USAGE) from None
    if moment is None:
        typer.echo(_list_as_json(entries) if as_json else _list_as_text(entries))
        raise typer.Exit(0 if entries else _NOTHING)
    entry = _in_force(entries, moment)
    if as_json:
        typer.echo(_as_json(journal, entry, moment))
    else:
        typer.echo(_as_text(entry, moment, entries))
    raise typer.Exit(0 if entry is not None else _NOTHING)


def _moment(text: str) -> float:
    try:
        moment = dt.datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError):
        raise ValueError(
            f"'{text}' is no moment; such as 2027-03-20, 2027-03-20T14:30 or 2027-03-20T14:30+03:30"
        ) from None
    if moment > time.time():
        raise ValueError(f"'{text}' is yet to come; the journal tells what was in force")
    return moment


def _in_force(entries: list[AuditEntry], moment: float) -> AuditEntry | None:
    """The activation that held at a moment; None before the first and while no server ran."""
    before = [entry for entry in entries if entry.time <= moment]
    return before[-1] if before and before[-1].snapshot else None


def _list_as_json(entries: list[AuditEntry]) -> str:
    return json.dumps({"entries": [asdict(e) for e in entries]}, ensure_ascii=False, indent=2)


def _as_json(journal: AuditLog, entry: AuditEntry | None, moment: float) -> str:
    told: dict[str, object] = {"at": moment, "in_force": None}
    if entry is not None:
        told = {
            "at": moment,
            "in_force": asdict(entry),
            "exempted": [exempted.id for exempted in entry.exempted_at(moment)],
            "files": journal.text(entry.config),
        }
    return json.dumps(told, ensure_ascii=False, indent=2)


def _list_as_text(entries: list[AuditEntry]) -> str:
    if not entries:
        return "nothing has been in force yet"
    lines = [_line(entry) for entry in entries[-_SHOWN:]]
    if len(entries) > _SHOWN:
        lines.insert(0, f"... {len(entries) - _SHOWN} earlier; --at tells of any moment")
    return "\n".join(lines)


def _line(entry: AuditEntry) -> str:
    line = f"{_time(entry.time)}  {entry.event:<17}  {entry.snapshot or '-':<16}  {_who(entry)}"
    return f"{line}  {_size(entry.diff)}".rstrip()


def _size(diff: str) -> str:
    lines = [line for line in diff.splitlines() if not line.startswith(("+++", "---"))]
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    return f"+{added} -{removed}" if diff else ""


def _as_text(entry: AuditEntry | None, moment: float, entries: list[AuditEntry]) -> str:
    if entry is None:
        last = [each for each in entries if each.time <= moment]
        why = (
            f"the server was stopped at {_time(last[-1].time)}"
            if last
            else "the journal is of later"
        )
        return f"at {_time(moment)} nothing was in force: {why}"
    lines = [
        f"in force at {_time(moment)}: snapshot {entry.snapshot}, "
        f"config {entry.config or 'unknown'}",
        f"since {_time(entry.time)}, by {_who(entry)} ({entry.event})",
    ]
    exempted = entry.exempted_at(moment)
    lines += [f"exempted: {_exemption(each)}" for each in exempted]
    ended = [each for each in entry.exemptions if each not in exempted]
    lines += [f"ended before: {_exemption(each)}" for each in ended]
    lines.append(f"what it changed:\n{entry.diff}" if entry.diff else "the config was as before")
    return "\n".join(lines)


def _exemption(exempted: ExemptionDetails) -> str:
    whom = f"VLAN {exempted.vlan}" if exempted.vlan else ", ".join(exempted.prefixes)
    return (
        f"{exempted.id}: {', '.join(exempted.services)} for {whom} until {_time(exempted.until)}, "
        f"approved by {exempted.approver} ({exempted.ticket})"
    )


def _time(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment).astimezone().isoformat(" ", "seconds")


def _who(entry: AuditEntry) -> str:
    """The name of a user as well, where this host knows it."""
    kind, _, number = entry.who.partition(" ")
    if kind != "uid":
        return entry.who
    try:
        return f"{entry.who} ({pwd.getpwuid(int(number)).pw_name})"
    except (KeyError, ValueError):
        return entry.who
