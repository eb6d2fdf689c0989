"""``darban explain``: how a name is answered for a client, and why."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from resolver.analysis.explanation import Explainer, Explanation
from resolver.analysis.typed_name import typed_name
from resolver.cli.command import AsJson, echo, print_json
from resolver.cli.completion import vlans
from resolver.cli.default_config import default_config
from resolver.cli.moments import moment_text, parse_moment
from resolver.cli.policies import compile_valid, load_snapshot, view_of_vlan
from resolver.cli.server import hash_in_force
from resolver.compiler.compilation import compile_file
from resolver.config.values import parse_address
from resolver.dns import codes, names
from resolver.errors import DarbanError
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.upstream.blocking import BlockingForwarder

Name = Annotated[str, typer.Argument(metavar="NAME", help="the name that is asked for; or a URL")]
Type = Annotated[str, typer.Argument(metavar="TYPE", help="the record type that is asked for")]
Client = Annotated[str | None, typer.Option("--client", help="the address that asks")]
Vlan = Annotated[
    str | None, typer.Option("--vlan", help="or the VLAN that asks", autocompletion=vlans)
]
AllVlans = Annotated[bool, typer.Option("--all-vlans", help="or every VLAN, one line each")]
Live = Annotated[
    bool, typer.Option("--live", help="ask the upstream, and check the targets of the answer too")
]
At = Annotated[
    str | None,
    typer.Option("--at", help="at a moment, such as 2027-03-20T14:30, with its hours, not now"),
]
Candidate = Annotated[
    Path | None, typer.Option("--config", help="use this file instead of the policy in force")
]


def explain(
    name: Name,
    type_: Type = "A",
    client: Client = None,
    vlan: Vlan = None,
    all_vlans: AllVlans = False,
    live: Live = False,
    at: At = None,
    config: Candidate = None,
    as_json: AsJson = False,
) -> int:
    """Show how a name is answered for a client, and which rule decides.

    Of a URL, a name with a port, or an e-mail address the host is taken. Without --config the
    policy in force decides. With --at, it decides by the hours and exemptions of that moment, which
    is of this host's time zone or has an offset, such as +03:30. Exits with 1 where the name is
    blocked, 0 where it is not, 2 where an argument is invalid, 3 where no server can be reached.

        darban explain --client 10.10.3.7 web.telegram.org

        darban explain --vlan administration --config new.toml wa.me AAAA

        darban explain --vlan administration --at 2027-03-20T14:30 instagram.com

        darban explain --all-vlans --live links.agency.example
    """
    qtype = codes.parse_type(type_)
    if qtype is None:
        raise DarbanError(f"'{type_}' is not a record type such as A, AAAA, HTTPS, TYPE65")
    host = typed_name(name)
    qname = names.parse(host)
    if host != name.strip():
        echo(f"'{name}' is no name alone; this is about its host, {host}", err=True)
    if (client is not None) + (vlan is not None) + all_vlans != 1:
        raise DarbanError("say who asks: --client ADDRESS, --vlan NAME, or --all-vlans")
    terms, index = _of_config(config) if config is not None else _in_force()
    if any(host == each.name for each in terms.services):
        echo(f"this is about a domain {host}, not about the names of the service {host}", err=True)
    moment = time.time() if at is None else parse_moment(at).timestamp()
    if at is not None:
        echo(f"at {moment_text(moment)}", err=True)
    explainer = Explainer(terms, index, moment, BlockingForwarder(terms).ask if live else None)
    if client is not None:
        if parse_address(client) is None:
            raise DarbanError(f"'{client}' is not an address such as 10.10.3.7 or fd00:10::37")
        explained = [explainer.for_client(client, qname, qtype)]
    else:
        vlan_names = [each.name for each in terms.vlans] if vlan is None else [vlan]
        views = [view_of_vlan(explainer, each) for each in vlan_names]
        explained = [explainer.for_view(each, qname, qtype) for each in views]
    if as_json:
        print_json({"vlans": explained} if all_vlans else explained[0])
    else:
        echo(_as_lines(explained) if all_vlans else _as_text(explained[0]))
    return int(any(each.outcome in ("blocked", "rebinding", "refused") for each in explained))


def _of_config(config: Path) -> tuple[CompiledConfig, Index]:
    snapshot = compile_valid(config).snapshot
    return snapshot.terms, snapshot.index()


def _in_force() -> tuple[CompiledConfig, Index]:
    path = default_config()
    echo(f"by the policy in force of the server of {path}", err=True)
    in_force = hash_in_force(path)
    compiled = compile_file(path, time.time())
    if compiled.errors or compiled.snapshot.hash() != in_force:
        echo(f"{path} differs from the policy in force, which is shown here", err=True)
    return load_snapshot(path, in_force)


def _as_text(explanation: Explanation) -> str:
    lines = [f"{explanation.name} {explanation.type}: {explanation.outcome}"]
    lines += [f"  {key:<11} {value}" for key, value in explanation.facts().items()]
    return "\n".join(lines)


def _as_lines(explained: Sequence[Explanation]) -> str:
    """A line for each VLAN, in columns; never wrapped, so that it can be searched."""
    rows = [("VLAN", "policy", "outcome", "decided by")]
    rows += [(each.vlan, each.policy, each.outcome, _why(each)) for each in explained]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([f"{explained[0].name} {explained[0].type}", *lines])


def _why(each: Explanation) -> str:
    if each.matched not in ("", each.name):
        return f"{each.decided_by}, for a target of the answer: {each.matched}"
    if each.answer:
        return f"{each.decided_by}; the upstream answers {each.answer}"
    return each.decided_by
