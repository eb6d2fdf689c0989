"""``darban exempt``: permit a service for some clients until a moment, with an approver."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from resolver.cli.activation import activate, write
from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.exemption_text import exemption_text
from resolver.cli.moments import moment_text, parse_duration, parse_moment
from resolver.cli.policies import compile_valid
from resolver.cli.reload_text import result_text
from resolver.cli.server import policy_in_force, read_status
from resolver.compiler.candidate import PolicyInForce
from resolver.compiler.exemption import EditedConfig, ExemptionEdit
from resolver.config.amendment import unused_id
from resolver.errors import DarbanError
from resolver.metrics import status
from resolver.policy.compiled import CompiledConfig
from resolver.policy.exemption_details import ExemptionDetails, exemption_details
from resolver.policy.moment import ended
from resolver.publish.client_prefixes import passing_prefixes
from resolver.supervisor import control_client

Whom = Annotated[
    str | None,
    typer.Argument(
        metavar="CLIENT",
        help="a VLAN's name, or addresses and prefixes with commas between them",
    ),
]
Services = Annotated[
    list[str] | None,
    typer.Argument(metavar="SERVICE...", help="the services and @categories to permit"),
]
For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="how long: 2h, 90m, 3d")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="MOMENT", help="or until when: 2027-03-20T18:00")
]
From = Annotated[
    str | None, typer.Option("--from", metavar="MOMENT", help="when it begins, if not at once")
]
Hours = Annotated[
    str | None, typer.Option("--hours", metavar="NAME", help="only within these [hours.*]")
]
Approver = Annotated[str | None, typer.Option("--approver", help="who has approved it")]
Ticket = Annotated[str | None, typer.Option("--ticket", help="where it was asked for")]
Reason = Annotated[str | None, typer.Option("--reason", help="what it is for")]
List = Annotated[bool, typer.Option("--list", help="list the exemptions, ended or not")]
End = Annotated[
    str | None, typer.Option("--end", metavar="ID", help="end this exemption now: remove it")
]
Extend = Annotated[
    str | None,
    typer.Option(
        "--extend",
        metavar="ID",
        help="let this exemption end later, as --for or --until says",
    ),
]
Prune = Annotated[bool, typer.Option("--prune", help="remove the exemptions that have ended")]
_INCOMPLETE = (
    "say for whom, what, who approved it and where it was asked for: darban exempt "
    "CLIENT SERVICE... --for TIME --approver WHO --ticket ID"
)
_ONE = "say one thing: CLIENT SERVICE..., --list, --extend ID, --end ID, or --prune"


def exempt(
    whom: Whom = None,
    services: Services = None,
    *,
    approver: Approver = None,
    ticket: Ticket = None,
    for_: For = None,
    until: Until = None,
    from_: From = None,
    hours: Hours = None,
    reason: Reason = None,
    list_: List = False,
    end: End = None,
    extend: Extend = None,
    prune: Prune = False,
    config: Config,
    as_json: AsJson = False,
) -> int:
    """Permit a service for some clients until a moment.

    It is written into the config, and put in force if a server runs. The new config is checked
    first, with all expectations, as for a reload. If anything is wrong, or an edit was not
    reloaded yet, the file stays as it is. Comments are kept. The exemption ends by itself. A moment
    without an offset is in this host's time, a date alone is its beginning. Exits with 1 where an
    expectation would not hold, 2 where there is a mistake.

    Where the policy comes from git, a server refuses. Give the command in your own clone, with
    --config: the file there is edited and checked in the same way. When you have committed it,
    signed, and pushed it, the servers pull it within a minute.

        darban exempt 10.10.3.7 telegram --for 2h --approver "Head of PR" --ticket PR-2031

        darban exempt 10.10.3.8,fd00:10::38 viber --for 3d --approver CIO --ticket IT-6

        darban exempt administration @messenger --until 2027-03-20 --approver CIO --ticket IT-7

        darban exempt 10.10.3.9 instagram --from 2027-03-01 --for 2w --hours office \
            --approver CIO --ticket IT-9

        darban exempt --list

        darban exempt --extend pr-2031 --for 3d

        darban exempt --end pr-2031
    """
    new = bool(whom or services)
    if sum((new, list_, end is not None, extend is not None, prune)) > 1:
        raise DarbanError(_ONE)
    if not new and (from_ or hours):
        raise DarbanError("--from and --hours are for a new exemption")
    edit = partial(_Edit, config, as_json)
    lasting = _Lasting(from_, hours, for_, until)
    about = {"approver": approver, "ticket": ticket, "reason": reason}
    given = {key: value for key, value in about.items() if value}
    if list_:
        return _list(config, as_json)
    if end is not None:
        return edit().remove([end], "exempt --end")
    if extend is not None:
        return edit().extend(extend, lasting.end(), given)
    if prune:
        return edit().prune()
    if not (whom and services and approver and ticket):
        raise DarbanError(_INCOMPLETE)
    return edit().add(whom, services, {**lasting.fields(), **given})


class _Lasting(NamedTuple):
    """How long an exemption lasts, as the command line says it."""

    from_: str | None
    hours: str | None
    for_: str | None
    until: str | None

    def fields(self) -> dict[str, object]:
        """The fields of a new exemption."""
        begin = None if self.from_ is None else parse_moment(self.from_)
        said = {"from": begin, "hours": self.hours, "until": self.end(begin)}
        return {key: value for key, value in said.items() if value is not None}

    def end(self, begin: dt.datetime | None = None) -> dt.datetime:
        """The moment that one of two options means, in this host's time; TIME is from ``begin``."""
        now = dt.datetime.now().astimezone().replace(microsecond=0)
        if (self.for_ is None) == (self.until is None):
            raise DarbanError("say how long: --for 2h, or --until 2027-03-20T18:00")
        try:
            if self.for_ is None:
                end = parse_moment(str(self.until))
            else:
                end = (begin or now) + parse_duration(self.for_)
        except OverflowError:
            raise DarbanError(f"'{self.for_}' is too long") from None
        if end <= now:
            raise DarbanError(f"{end.isoformat()} has passed: the exemption would have ended")
        if begin is not None and end <= begin:
            raise DarbanError(f"{end.isoformat()} is not after {begin.isoformat()}, its beginning")
        return end


class _Edit:
    """One edit of the exemptions of a config; each method returns the exit code."""

    def __init__(self, path: Path, as_json: bool) -> None:
        self._path = path
        self._as_json = as_json
        self._in_force: PolicyInForce | None = None
        with suppress(control_client.Unreachable):  # where no server runs, the config is written
            self._in_force = policy_in_force(path)
        self._edit = ExemptionEdit(path, self._in_force)
        self._known = {each.id: each for each in exemption_details(self._edit.compiled)}

    def add(self, whom: str, services: Sequence[str], given: Mapping[str, object]) -> int:
        clients = self._edit.clients(whom)
        id_ = unused_id(str(given["ticket"]), self._known)
        exemption = {"id": id_, **clients, "services": services, **given}
        edited = self._edit.add(exemption)
        prefixes = clients.get("prefixes")
        shown = ", ".join(prefixes) if isinstance(prefixes, list) else f"VLAN {whom}"
        begin = f"from {given['from']} " if "from" in given else ""
        within = f" within {given['hours']}" if "hours" in given else ""
        said = (
            f"exemption {id_} is written: {', '.join(services)} for {shown} "
            f"{begin}until {given['until']}{within}, "
            f"approved by {given['approver']} ({given['ticket']})"
        )
        moments = {key: str(given[key]) for key in ("from", "until") if key in given}
        return self._activate(edited, "exempt", [said], exemption={**exemption, **moments})

    def extend(self, id_: str, end: dt.datetime, about: dict[str, str]) -> int:
        edited = self._edit.change(id_, {"until": end, **about})
        before = self._known[id_]
        if end.timestamp() <= before.until:
            raise DarbanError(
                f"exemption {id_} lasts until {moment_text(before.until)}, which is not before "
                f"{end}; --extend takes a later end, --end ends it now"
            )
        after = ExemptionDetails(**{**asdict(before), **about, "until": end.timestamp()})
        said = f"exemption {exemption_text(after)}; it was until {moment_text(before.until)}"
        return self._activate(edited, "exempt --extend", [said], exemptions=[after])

    def prune(self) -> int:
        now = time.time()
        to_remove = [each.id for each in self._known.values() if ended(each.until, now)]
        if not to_remove:
            if self._as_json:
                print_json({"exemptions": [], "config": str(self._path), "reload": None})
            else:
                echo(f"{self._path}: no exemption has ended; nothing to remove")
            return 0
        return self.remove(to_remove, "exempt --prune")

    def remove(self, ids: Sequence[str], event: str) -> int:
        edited = self._edit.remove(ids)
        removed = [self._known[each] for each in ids]
        said = [f"removed: {exemption_text(each)}" for each in removed]
        return self._activate(edited, event, said, exemptions=removed)

    def _activate(
        self, edited: EditedConfig, event: str, said: Sequence[str], **shown: object
    ) -> int:
        """Put the edited config in force, or write it where no server runs; and say so."""
        path, answer, code = self._path, None, 0
        warnings = [*edited.warnings, *self._new_gaps(edited.compiled)]
        if self._in_force is not None:
            answer = activate(path, edited.texts, event, self._in_force.snapshot)
            code = int(answer["code"])
            # without an error, the warnings of its report are among ``warnings``
            result = result_text(path, answer if code else {**answer, "report": []})
        else:
            write(path, edited.texts)
            result = "no server runs; this will be in force when one is started, or pulls it"
        if self._as_json:
            print_json({**shown, "config": str(path), "warnings": warnings, "reload": answer})
            return code
        written = [f"{path} is as it was"] if code else [f"{path}: {each}" for each in said]
        lines = [result, *written] if code else [*written, result]
        echo("\n".join([*warnings, *lines]))
        return code

    def _new_gaps(self, after: CompiledConfig) -> list[str]:
        """What the edit adds that zones for other resolvers do not have."""
        if after.settings.publish is None:
            return []
        now = time.time()
        known = passing_prefixes(self._edit.compiled, now).gaps
        new = [gap for gap in passing_prefixes(after, now).gaps if gap not in known]
        return [f"{self._path}: not in the zones: {gap}" for gap in new]


def _list(path: Path, as_json: bool) -> int:
    """Show the exemptions in force; without a server, those of the config."""
    try:
        found = read_status(path).exemptions
    except control_client.Unreachable:
        found = status.exemptions(compile_valid(path).snapshot.compiled, time.time())
    if as_json:
        print_json({"exemptions": found})
    else:
        by_end = sorted(found, key=lambda each: each.until)
        lines = [f"{exemption_text(each)}: {each.state}" for each in by_end]
        echo("\n".join(lines) or "there is no exemption")
    return 0
