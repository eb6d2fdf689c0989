"""``darban explain``: what becomes of a name, and why."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from resolver.analysis.explanation import Explainer, Explanation
from resolver.cli.completion import vlans
from resolver.cli.place import config_path, in_force
from resolver.config.problems import did_you_mean
from resolver.dns import codes, names
from resolver.errors import DarbanError
from resolver.policy.compiled import Terms
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.snapshot.compiler import compile_file
from resolver.supervisor import control
from resolver.upstream.blocking import BlockingForwarder

_UNREACHABLE = 3
_USAGE = 2

Name = Annotated[str, typer.Argument(metavar="NAME", help="the name that is asked for")]
Type = Annotated[str, typer.Argument(metavar="TYPE", help="the record type that is asked for")]
Client = Annotated[str | None, typer.Option("--client", help="the address that asks")]
Vlan = Annotated[
    str | None, typer.Option("--vlan", help="or the VLAN that asks", autocompletion=vlans)
]
AllVlans = Annotated[bool, typer.Option("--all-vlans", help="or every VLAN, one line each")]
Live = Annotated[
    bool, typer.Option("--live", help="ask the upstream, and judge what the name leads to as well")
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
    all_vlans: AllVlans = False,
    live: Live = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say what becomes of a question, by which rule of which list, and on what ground.

    Without --config the policy in force is asked. Exits with 1 where the name is blocked,
    0 where it is not, 2 where the question makes no sense, 3 where no server can be reached.

        darban explain --client 10.10.3.7 web.telegram.org

        darban explain --vlan administration --config new.toml wa.me AAAA

        darban explain --all-vlans --live links.agency.example
    """
    try:
        qname, qtype = _question(name, type_)
        asker = _asker(client, vlan, all_vlans)
        terms, index = _candidate(config) if config is not None else _in_force()
        ask = BlockingForwarder(terms).ask if live else None
        engine = Explainer(terms, index, time.time(), ask)
        told = asker(engine, qname, qtype)
    except control.Unreachable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_UNREACHABLE) from None
    except DarbanError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_USAGE) from None
    if as_json:
        shown = [each.as_json() for each in told]
        whole = {"vlans": shown} if all_vlans else shown[0]
        typer.echo(json.dumps(whole, ensure_ascii=False, indent=2))
    elif all_vlans:
        typer.echo(_as_lines(told))
    else:
        typer.echo(_as_text(told[0]))
    raise typer.Exit(any(each.outcome in ("blocked", "refused") for each in told))


def _question(name: str, type_: str) -> tuple[bytes, int]:
    qtype = codes.parse_type(type_)
    if qtype is None:
        raise DarbanError(f"'{type_}' is no record type; such as A, AAAA, HTTPS, TYPE65")
    return names.parse(name), qtype


def _candidate(config: Path) -> tuple[Terms, Index]:
    compiled = compile_file(config, time.time())
    if compiled.errors:
        raise DarbanError("\n".join(str(problem) for problem in compiled.errors))
    return compiled.snapshot.terms, Index(compiled.snapshot.trie, compiled.snapshot.rules)


def _in_force() -> tuple[Terms, Index]:
    path = config_path(None)
    typer.echo(f"by the policy in force of the server of {path}", err=True)
    place = in_force(path)
    compiled = compile_file(path, time.time())
    if compiled.errors or compiled.snapshot.hash() != place.name:
        typer.echo(f"{path} differs from the policy in force, which is what is told here", err=True)
    return store.load(place)


_Asker = Callable[[Explainer, bytes, int], Sequence[Explanation]]


def _asker(client: str | None, vlan: str | None, all_vlans: bool) -> _Asker:
    """How to ask for those whom the options name."""
    if (client is not None) + (vlan is not None) + all_vlans != 1:
        raise DarbanError("say who asks: --client ADDRESS, --vlan NAME, or --all-vlans")
    if client is not None:
        return lambda engine, name, qtype: [_for_client(engine, client, name, qtype)]
    if vlan is not None:
        return lambda engine, name, qtype: [_for_vlan(engine, vlan, name, qtype)]
    return lambda engine, name, qtype: [
        _for_vlan(engine, each.name, name, qtype) for each in engine.terms.vlans
    ]


def _for_vlan(engine: Explainer, vlan: str, name: bytes, qtype: int) -> Explanation:
    view = engine.vlan(vlan)
    if view is None:
        known = [each.name for each in engine.terms.vlans]
        there_are = (
            f"there is no VLAN '{vlan}'; there are {', '.join(known)}. {did_you_mean(vlan, known)}"
        )
        raise DarbanError(there_are.rstrip(" ."))
    return engine.for_view(view, name, qtype)


def _for_client(engine: Explainer, client: str, name: bytes, qtype: int) -> Explanation:
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


def _as_lines(told: Sequence[Explanation]) -> str:
    """A line for each VLAN, in columns; never wrapped, so that it can be searched."""
    rows = [("VLAN", "policy", "outcome", "decided by")]
    rows += [(each.vlan, each.policy, each.outcome, _why(each)) for each in told]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([f"{told[0].name} {told[0].type}", *lines])


def _why(each: Explanation) -> str:
    if each.matched not in ("", each.name):
        return f"{each.decided_by}, for what it leads to: {each.matched}"
    if each.answer:
        return f"{each.decided_by}; the upstream says {each.answer}"
    return each.decided_by
