"""``darban exempt``: permit a service for some clients until a moment, with an approver."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from resolver.cli.activation import activate, write
from resolver.cli.command import AsJson, Config, print_json
from resolver.cli.completion import services, vlans
from resolver.cli.default_config import config_path
from resolver.cli.moments import parse_duration, parse_moment
from resolver.cli.reload import result_text
from resolver.cli.server import policy_in_force
from resolver.config.amendment import unused_id
from resolver.errors import DarbanError
from resolver.snapshot.candidate import PolicyInForce
from resolver.snapshot.exemption import ExemptionEdit
from resolver.supervisor import control

Whom = Annotated[
    str,
    typer.Argument(
        metavar="ADDRESS-OR-VLAN",
        help="an address, a prefix, or a VLAN's name",
        autocompletion=vlans,
    ),
]
Services = Annotated[
    list[str],
    typer.Argument(
        metavar="SERVICE...", help="the services and @categories to permit", autocompletion=services
    ),
]
For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="how long: 2h, 90m, 3d")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="MOMENT", help="or until when: 2027-03-20T18:00")
]
Approver = Annotated[str, typer.Option("--approver", help="who has approved it")]
Ticket = Annotated[str, typer.Option("--ticket", help="where it was asked for")]
Reason = Annotated[str, typer.Option("--reason", help="what it is for")]


def exempt(
    whom: Whom,
    services: Services,
    approver: Approver,
    ticket: Ticket,
    for_: For = None,
    until: Until = None,
    reason: Reason = "",
    config: Config = None,
    as_json: AsJson = False,
) -> int:
    """Write an exemption into the config, and put it in force if the server runs.

    The new config is checked first, with all expectations, as for a reload. If anything is
    wrong, or an edit was not reloaded yet, the file stays as it is. Comments are kept. The
    exemption ends by itself. A moment without an offset is in this host's time. Exits with 1
    where an expectation would not hold, 2 where there is a mistake. Without a running server
    the exemption is written all the same.

        darban exempt 10.10.3.7 telegram --for 2h --approver "Head of PR" --ticket PR-2031

        darban exempt administration @messenger --until 2027-03-20 --approver CIO --ticket IT-7
    """
    path = config_path(config)
    in_force = _in_force(path)
    edit = ExemptionEdit(path, in_force)
    exemption: dict[str, object] = {
        "id": unused_id(ticket, edit.ids),
        **edit.clients(whom),
        "services": services,
        "until": _end(for_, until),
        "approver": approver,
        "ticket": ticket,
        **({"reason": reason} if reason else {}),
    }
    texts, warnings = edit.add(exemption)
    answer = None
    if in_force is None:
        write(path, texts)
    else:
        answer = activate(path, texts, "exempt")
    if as_json:
        shown = {**exemption, "until": str(exemption["until"])}
        print_json(
            {"exemption": shown, "config": str(path), "warnings": warnings, "reload": answer}
        )
    else:
        typer.echo("\n".join([*warnings, *_result(path, exemption, whom, answer)]))
    return 0 if answer is None else int(str(answer["code"]))


def _end(for_: str | None, until: str | None) -> dt.datetime:
    """The moment that one of the two options means, in this host's time."""
    now = dt.datetime.now().astimezone().replace(microsecond=0)
    if (for_ is None) == (until is None):
        raise DarbanError("say how long: --for 2h, or --until 2027-03-20T18:00")
    try:
        end = parse_moment(str(until)) if for_ is None else now + parse_duration(for_)
    except OverflowError:
        raise DarbanError(f"'{for_}' is too long") from None
    if end <= now:
        raise DarbanError(f"{end.isoformat()} has passed: the exemption would have ended")
    return end


def _in_force(path: Path) -> PolicyInForce | None:
    """What the server has in force; None where none runs."""
    try:
        return policy_in_force(path)
    except control.Unreachable:
        return None


def _result(
    path: Path, exemption: dict[str, object], whom: str, answer: control.Answer | None
) -> Iterator[str]:
    if answer is not None and answer["code"]:
        yield result_text(path, answer)
        yield f"{path} is as it was"
        return
    yield _written_text(path, exemption, whom)
    if answer is None:
        yield "no server runs; the exemption will be in force when one is started"
    else:  # its warnings are those of ``add``
        yield result_text(path, {**answer, "report": []})


def _written_text(path: Path, exemption: dict[str, object], whom: str) -> str:
    services, prefixes = exemption["services"], exemption.get("prefixes")
    assert isinstance(services, list)
    clients = prefixes[0] if isinstance(prefixes, list) else f"VLAN {whom}"
    return (
        f"{path}: exemption {exemption['id']} is written: {', '.join(services)} for {clients} "
        f"until {exemption['until']}, approved by {exemption['approver']} ({exemption['ticket']})"
    )
