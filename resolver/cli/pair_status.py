"""``darban status --pair``: which exemptions and which policy the other nodes have.

It asks the running servers, so it shows what is in force, and not what the configs say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from resolver import DarbanError
from resolver.cli.command import echo, print_json
from resolver.cli.pair import NOT_REACHED, run_there
from resolver.cli.policy_text import exemption_text
from resolver.cli.server import ask
from resolver.config.load import load
from resolver.policy.exemption_details import ExemptionDetails, comparable
from resolver.policy.policy_hash import hash_parts
from resolver.snapshot.config_files import DiskFiles

_DIFFERS, _NOT_COMPARABLE = 1, 4


@dataclass(frozen=True, slots=True)
class _InForce:
    """What a node has in force: the part of its status that must be the same on all."""

    policy_hash: str
    exemptions: tuple[ExemptionDetails, ...]


@dataclass(frozen=True, slots=True)
class _Difference:
    """An exemption that two nodes do not have alike; None where one lacks it."""

    exemption: str
    here: ExemptionDetails | None
    there: ExemptionDetails | None

    def lines(self) -> Iterator[str]:
        """It, to be read."""
        match self.here, self.there:
            case (ExemptionDetails() as one, None):
                yield f"exemption {exemption_text(one)}: not there"
            case (None, ExemptionDetails() as one):
                yield f"exemption {exemption_text(one)}: not here"
            case (ExemptionDetails() as one, ExemptionDetails() as other):
                ours, theirs = comparable(one), comparable(other)
                fields = ", ".join(key for key, value in ours.items() if value != theirs[key])
                yield f"exemption {self.exemption} differs in: {fields}"
                yield f"  here   {exemption_text(one)}"
                yield f"  there  {exemption_text(other)}"


@dataclass(frozen=True, slots=True)
class _Node:
    """Another node, compared with this one."""

    node: str
    policy_hash: str = ""
    differences: Sequence[_Difference] = field(default_factory=list)
    problem: str = ""
    """Why it could not be asked; empty where it was."""


def show_pair(config: Path, as_json: bool) -> int:
    """Show what differs. The exit code: 1 where something does, 3 where a node is not reached.

    4 where two releases make the policy hash in different ways, so that it says nothing.
    """
    # The disk's, not those of a server: only commands need them.
    nodes = load(str(config), DiskFiles(config)).config.pair.nodes
    if not nodes:
        raise DarbanError(f"{config}: [pair] nodes names no other node")
    here = TypeAdapter(_InForce).validate_python(ask(config, "status"))
    compared = [_compared(node, config, here) for node in nodes]
    if as_json:
        print_json({"policy_hash": here.policy_hash, "nodes": compared})
    else:
        lines = (f"{of.node}: {line}" for of in compared for line in _lines(of, here.policy_hash))
        echo("\n".join(lines))
    return max(_code(of, here.policy_hash) for of in compared)


def _compared(node: str, config: Path, here: _InForce) -> _Node:
    done = run_there(node, config, ["status", "--json"])
    if done.code:
        return _Node(node, problem=done.err.strip())
    try:
        there = TypeAdapter(_InForce).validate_json(done.out)
    except ValidationError:
        return _Node(node, problem="its status cannot be read; it may have another release")
    return _Node(node, there.policy_hash, list(_differences(here, there)))


def _differences(here: _InForce, there: _InForce) -> Iterator[_Difference]:
    ours, theirs = (
        {exemption.id: exemption for exemption in of.exemptions} for of in (here, there)
    )
    for id_ in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(id_), theirs.get(id_)
        if one is None or other is None or comparable(one) != comparable(other):
            yield _Difference(id_, one, other)


def _lines(of: _Node, here: str) -> Iterator[str]:
    if of.problem:
        yield from ("could not be asked", *of.problem.splitlines())
        return
    for difference in of.differences:
        yield from difference.lines()
    there = of.policy_hash
    if there == here:
        yield f"policy {here}, as here"
    elif _comparable(there, here):
        yield f"policy {there}, and {here} here"
        if not of.differences:
            yield "the exemptions are the same: 'darban diff' shows what differs between configs"
    else:
        versions = " and ".join(sorted(hash_parts(hash_)[0] or "none" for hash_ in (there, here)))
        yield f"policy not comparable, versions {versions}: upgrade both nodes to one release"


def _comparable(there: str, here: str) -> bool:
    """Whether the hashes say whether the policy is the same."""
    return hash_parts(there)[0] == hash_parts(here)[0]


def _code(of: _Node, here: str) -> int:
    if of.problem:
        return NOT_REACHED
    if of.differences:
        return _DIFFERS
    if not _comparable(of.policy_hash, here):
        return _NOT_COMPARABLE
    return _DIFFERS if of.policy_hash != here else 0
