"""``darban explain``: what becomes of a name, and why."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from resolver import control, state
from resolver.cli.completion import vlans
from resolver.cli.place import config_path, in_force
from resolver.compilation import compile_file
from resolver.dns import codes, names
from resolver.errors import DarbanError
from resolver.explanation import Engine, Explanation
from resolver.lists.index import Index

_UNREACHABLE = 3
_USAGE = 2

Name = Annotated[str, typer.Argument(metavar="NAME", help="the name that is asked for")]
Type = Annotated[str, typer.Argument(metavar="TYPE", help="the record type that is asked for")]
Client = Annotated[str | None, typer.Option("--client", help="the address that asks")]
Vlan = Annotated[
    str | None, typer.Option("--vlan", help="or the VLAN that asks", autocompletion=vlans)
]
Config = Annotated[
    Path | None, typer.Option("--config", help="judge by this file instead of the policy in force")
]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]


def explain(
    name: Name,
    type_: Type = "A",
    client: Client = None,
    vlan: Vlan = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say what becomes of a question, by which rule of which list, and on what ground.

    Without --config the policy in force is asked. Exits with 1 where the name is blocked,
    0 where it is not, 2 where the question makes no sense, 3 where no server can be reached.

        darban explain --client 10.10.3.7 web.telegram.org

        darban explain --vlan administration --config new.toml wa.me AAAA
    """
    try:
        engine = _candidate(config) if config is not None else _in_force()
        explanation = _ask(engine, name, type_, client, vlan)
    except control.Unreachable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_UNREACHABLE) from None
    except DarbanError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_USAGE) from None
    if as_json:
        typer.echo(json.dumps(explanation.as_json(), ensure_ascii=False, indent=2))
    else:
        typer.echo(_as_text(explanation))
    raise typer.Exit(1 if explanation.outcome in ("blocked", "refused") else 0)


def _candidate(config: Path) -> Engine:
    compiled = compile_file(config, time.time())
    if compiled.errors:
        raise DarbanError("\n".join(str(problem) for problem in compiled.errors))
    snapshot = compiled.snapshot
    return Engine(snapshot.terms, Index(snapshot.trie, snapshot.rules), time.time())


def _in_force() -> Engine:
    path = config_path(None)
    typer.echo(f"by the policy in force of the server of {path}", err=True)
    place = in_force(path)
    compiled = compile_file(path, time.time())
    if compiled.errors or compiled.snapshot.hash() != place.name:
        typer.echo(f"{path} differs from the policy in force, which is what is told here", err=True)
    terms, index = state.load(place)
    return Engine(terms, index, time.time())


def _ask(
    engine: Engine, name: str, type_: str, client: str | None, vlan: str | None
) -> Explanation:
    qtype = codes.parse_type(type_)
    if qtype is None:
        raise DarbanError(f"'{type_}' is no record type; such as A, AAAA, HTTPS, TYPE65")
    if (client is None) == (vlan is None):
        raise DarbanError("say who asks: --client ADDRESS, or --vlan NAME")
    if client is not None:
        return _for_client(engine, client, names.parse(name), qtype)
    view = engine.vlan(str(vlan))
    if view is None:
        known = ", ".join(each.name for each in engine.terms.vlans)
        raise DarbanError(f"there is no VLAN '{vlan}'; there are {known}")
    return engine.for_view(view, names.parse(name), qtype)


def _for_client(engine: Engine, client: str, name: bytes, qtype: int) -> Explanation:
    try:
        return engine.for_client(client, name, qtype)
    except ValueError:
        raise DarbanError(f"'{client}' is no address; such as 10.10.3.7 or fd00:10::37") from None


def _as_text(explanation: Explanation) -> str:
    told = explanation.as_json()
    lines = [f"{explanation.name} {explanation.type}: {explanation.outcome}"]
    lines += [
        f"  {key.replace('_', ' '):<11} {value}"
        for key, value in told.items()
        if key not in ("name", "type", "outcome") and value not in ("", None)
    ]
    return "\n".join(lines)
