"""``darban exempt``: lift a service for some clients until a moment, with who answers for it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from resolver.cli.completion import services, vlans
from resolver.cli.place import config_path, in_force
from resolver.cli.reload import PATIENCE, told
from resolver.config.amendment import unused_id
from resolver.errors import DarbanError
from resolver.snapshot.exemption import ExemptionEdit, ExemptionRefused, end
from resolver.supervisor import control

_USAGE = 2

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
        metavar="SERVICE...", help="the services and @categories to lift", autocompletion=services
    ),
]
For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="how long: 2h, 90m, 3d")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="MOMENT", help="or until when: 2027-03-20T18:00")
]
Approver = Annotated[str, typer.Option("--approver", help="who has approved it")]
Ticket = Annotated[str, typer.Option("--ticket", help="where it was asked for")]
Reason = Annotated[str, typer.Option("--reason", help="what it is for")]
Config = Annotated[Path | None, typer.Option("--config", help="the config of the server")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]


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
) -> None:
    """Write an exemption into the config, and put it in force if the server runs.

    It is checked first, with all expectations, as a reload would; if anything is wrong, or an
    edit was not reloaded yet, the file stays as it is. Comments are kept. The exemption ends by
    itself. A moment without an offset is in this host's time. Exits with 1 where an expectation
    would not hold, 2 where there is a mistake; without a server it is written all the same.

        darban exempt 10.10.3.7 telegram --for 2h --approver "Head of PR" --ticket PR-2031

        darban exempt administration @messenger --until 2027-03-20 --approver CIO --ticket IT-7
    """
    path = config_path(config)
    try:
        change = ExemptionEdit(path, _in_force(path))
        exemption = {
            "id": unused_id(ticket, change.ids),
            **change.whom(whom),
            "services": services,
            "until": end(for_, until),
            "approver": approver,
            "ticket": ticket,
            **({"reason": reason} if reason else {}),
        }
        warnings = change.write(exemption)
    except ExemptionRefused as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.code) from None
    except (DarbanError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_USAGE) from None
    answer = _reload(path)
    if as_json:
        shown = {**exemption, "until": str(exemption["until"])}
        whole = {"exemption": shown, "config": str(path), "warnings": warnings, "reload": answer}
        typer.echo(json.dumps(whole, ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join([*warnings, _in_words(path, exemption), _came_of_it(path, answer)]))
    raise typer.Exit(0 if answer is None else int(str(answer["code"])))


def _in_force(path: Path) -> str | None:
    try:
        return in_force(path).name
    except control.Unreachable:
        return None


def _reload(path: Path) -> control.Answer | None:
    """What the server says to the new config; None where none runs."""
    try:
        answer = control.ask(path, {"command": "reload", "event": "exempt"}, PATIENCE)
    except control.Unreachable:
        return None
    return None if "error" in answer else answer


def _in_words(path: Path, exemption: dict[str, object]) -> str:
    services, prefixes = exemption["services"], exemption.get("prefixes")
    assert isinstance(services, list)
    whom = f"VLAN {exemption['vlan']}" if prefixes is None else prefixes[0]  # type: ignore[index]
    return (
        f"{path}: exemption {exemption['id']} is written: {', '.join(services)} for {whom} until "
        f"{exemption['until']}, approved by {exemption['approver']} ({exemption['ticket']})"
    )


def _came_of_it(path: Path, answer: control.Answer | None) -> str:
    if answer is None:
        return "no server runs; it will be in force when one is started"
    return told(path, answer if answer["code"] else {**answer, "report": []})  # told by ``write``
