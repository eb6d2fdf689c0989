"""``darban exempt``: permit a service for some clients until a moment, with an approver."""

import datetime as dt
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from resolver import DarbanError
from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.exemption_edits import Edited, ExemptionEdits
from resolver.cli.moments import moment_text, parse_duration, parse_moment
from resolver.cli.pair import run_there
from resolver.cli.policies import compile_valid
from resolver.cli.policy_text import exemption_text
from resolver.cli.server import read_status
from resolver.metrics import status
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
    str | None, typer.Option("--until", metavar="MOMENT", help="or until when: 1405-12-29T18:00")
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
Id = Annotated[
    str | None,
    typer.Option(
        "--id",
        metavar="ID",
        help="its name, else made of the Latin letters and the digits of the ticket; given twice, "
        "the same is not added again",
    ),
]
Here = Annotated[bool, typer.Option("--here", help="on this node alone, not on those of [pair]")]
_INCOMPLETE = (
    "say for whom, what, who approved it and where it was asked for: darban exempt "
    "CLIENT SERVICE... --for TIME --approver WHO --ticket ID"
)
_ONE = "say one thing: CLIENT SERVICE..., --list, --extend ID, --end ID, or --prune"


class ExemptionTimes(NamedTuple):
    """The options that say when an exemption is in force."""

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
        """The moment that one of two options means; TIME is from ``begin``.

        It is a whole minute, the next one where seconds are left: people read and type minutes,
        and two servers must have the same moment.
        """
        now = dt.datetime.now().astimezone().replace(microsecond=0)
        said = (self.for_, self.until)
        if said.count(None) != 1:
            raise DarbanError("say how long: --for 2h, or --until 1405-12-29T18:00")
        try:
            if self.for_ is None:
                end = parse_moment(str(self.until))
            else:
                end = (begin or now) + parse_duration(self.for_)
            whole = _next_minute(end)
        except OverflowError:
            raise DarbanError(f"'{self.for_ or self.until}' is too long") from None
        if end <= now:
            passed = moment_text(end.timestamp())
            raise DarbanError(f"{passed} has passed: the exemption would have ended")
        if begin is not None and end <= begin:
            ends, begins = moment_text(end.timestamp()), moment_text(begin.timestamp())
            raise DarbanError(f"{ends} is not after {begins}, its beginning")
        return whole


def _next_minute(moment: dt.datetime) -> dt.datetime:
    """The first whole minute that is not before a moment."""
    begun = moment.replace(second=0, microsecond=0)
    return begun if begun == moment else begun + dt.timedelta(minutes=1)


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
    id_: Id = None,
    list_: List = False,
    end: End = None,
    extend: Extend = None,
    prune: Prune = False,
    here: Here = False,
    config: Config,
    as_json: AsJson = False,
) -> int:
    """Permit a service for some clients until a moment.

    It is written into the config, and put in force if a server runs, once the new config is checked
    with all expectations, as for a reload. If anything is wrong, or an edit was not reloaded yet,
    the file stays as it is. Comments are kept. The exemption ends by itself, at a whole minute:
    seconds are rounded up. A moment is solar Hijri or Gregorian by its year, and of the time zone
    of [report] unless it has an offset, such as +03:30; a date alone is its beginning. Exits with 1
    where an expectation would not hold.

    A second exemption of the same clients, services and ticket is refused while the first lasts:
    extend that one. --end also says who still has what by another exemption.

    Where the config names other nodes in [pair], the same is then done on each, by your own SSH.
    Where that fails, the command to run there later is shown, and the exit code is 3 if the node is
    not reached.

    Where the policy comes from git, a server refuses. Give the command in your own clone, with
    --config: the file there is edited and checked. Once you have committed it, signed, and pushed
    it, the servers pull it within a minute.

        darban exempt 10.10.3.7 telegram --for 2h --approver "Head of PR" --ticket PR-2031

        darban exempt 10.10.3.8,fd00:10::38 viber --for 3d --approver CIO --ticket IT-6

        darban exempt administration @messenger --until 1405-12-29 --approver CIO --ticket IT-7

        darban exempt --list

        darban exempt --extend pr-2031 --for 3d

        darban exempt --end pr-2031
    """
    new = bool(whom or services)
    if sum((new, list_, end is not None, extend is not None, prune)) > 1:
        raise DarbanError(_ONE)
    if not new and (from_ or hours or id_):
        raise DarbanError("--from, --hours and --id are for a new exemption")
    times = ExemptionTimes(from_, hours, for_, until)
    about = {"approver": approver, "ticket": ticket, "reason": reason}
    given = {key: value for key, value in about.items() if value}
    if list_:
        return _list(config, as_json)
    is_change = end is not None or extend is not None or prune
    if not is_change and not (whom and services and approver and ticket):
        raise DarbanError(_INCOMPLETE)
    edits = ExemptionEdits(config)
    if end is not None:
        done = edits.end(end, is_there=not here)
    elif extend is not None:
        done = edits.extend(extend, times.end(), given)
    elif prune:
        done = edits.prune()
    else:
        done = edits.give(str(whom), services or [], {**times.fields(), **given}, id_)
    return _show(done, config, () if here else edits.nodes, as_json)


def _show(done: Edited, config: Path, nodes: Sequence[str], as_json: bool) -> int:
    """Show an edit, make it on the other nodes too, and show that; the exit code of the whole."""
    if not as_json:
        echo("\n".join(done.lines))
    there = []
    for node in () if done.code else nodes:
        there.append(run_there(node, config, ["exempt", "--here", *done.words]))
        if not as_json:
            echo("\n".join(there[-1].lines()))
    if as_json:
        print_json({**done.shown, "pair": [result._asdict() for result in there]})
    return max([done.code, *(result.code for result in there)])


def _list(path: Path, as_json: bool) -> int:
    """Show the exemptions in force; without a server, those of the config."""
    try:
        exemptions = read_status(path).exemptions
    except control_client.Unreachable:
        exemptions = status.exemptions(compile_valid(path).snapshot.compiled, time.time())
    if as_json:
        print_json({"exemptions": exemptions})
    else:
        by_end = sorted(exemptions, key=lambda exemption: exemption.until)
        lines = [f"{exemption_text(exemption)}: {exemption.state}" for exemption in by_end]
        echo("\n".join(lines) or "there is no exemption")
    return 0
