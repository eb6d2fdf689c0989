"""``darban reload``: put the config in force in the running server, or learn why not."""

import json
from pathlib import Path
from typing import Annotated

import typer

from resolver.cli.place import config_path
from resolver.supervisor import control

_UNREACHABLE = 3
PATIENCE = 600.0
"""Seconds to wait: a million names take long to compile."""

Config = Annotated[Path | None, typer.Option("--config", help="the config of the server")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]


def reload(config: Config = None, as_json: AsJson = False) -> None:
    """Put the config in force as it is now, without losing a query.

    All of it is checked first, its expectations as well. If anything is wrong, what is in
    force goes on, and the report says what is wrong. When this returns with 0, every answer
    is by the new config.

    Exits with 1 where an expectation does not hold, 2 where the config has errors or needs a
    restart, 3 where no server can be reached.

        darban reload --config /etc/darban/config.toml
    """
    path = config_path(config)
    try:
        answer = control.ask(path, {"command": "reload"}, PATIENCE)
        if "error" in answer:
            raise control.Unreachable(str(answer["error"]))
    except control.Unreachable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_UNREACHABLE) from None
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2) if as_json else told(path, answer))
    raise typer.Exit(int(str(answer["code"])))


def told(path: Path, answer: control.Answer) -> str:
    """What a server has answered, in words."""
    report = answer["report"]
    assert isinstance(report, list), "the server answers with a list"
    end = _ENDS[str(answer["result"])].format(snapshot=answer["snapshot"])
    return "\n".join([*map(str, report), f"{path}: {end}"])


_ENDS = {
    "applied": "in force, snapshot {snapshot}",
    "unchanged": "nothing has changed, snapshot {snapshot} is in force",
    "refused": "not put in force, an expectation does not hold; snapshot {snapshot} stays",
    "invalid": "not put in force, it has errors; snapshot {snapshot} stays",
    "needs_restart": "not put in force, that needs a restart; snapshot {snapshot} stays",
    "failed": "not put in force, that failed; snapshot {snapshot} stays",
}
