"""The step that decided a question, in words."""

from collections.abc import Mapping
from typing import Final

STEPS: Final[Mapping[str, str]] = {
    "no_vlan": "no VLAN holds this address",
    "no_interface": "a link-local address, and no VLAN has its interface",
    "no_delegation": "the DS of a forward zone, which no server above the zone is asked for",
    "local_alias": "a local alias, {zone}: its target is asked for, by policy",
    "local_record": "a local record, {zone}: answered here, without policy",
    "special_use": "a special-use name, {zone}: answered here, without policy",
    "rebinding": "rebinding_protection of {section}: a private address for a public name, or one "
    "of the national filter",
    "national_filter": "policy {policy} lets the name pass; {address} in the answer is an address "
    "of the national filter: {file}, line {line}",
    "exemption": "exemption {exemption}",
    "deny": "deny of policy {policy}",
    "deny_of_vlan": "deny of VLAN {vlan}",
    "default": "default of policy {policy}",
    "list": "list {file}, line {line}",
    "counted_list": "policy {policy} counts the service: list {file}, line {line}",
    "allow": "allow of policy {policy}",
    "allow_of_vlan": "allow of VLAN {vlan}",
    "allowed_list": "allow of policy {policy}: list {file}, line {line}",
    "other_hours": "policy {policy} blocks the service {hours}",
    "counted_at_other_hours": "policy {policy} counts the service {hours}",
    "own_name": "a name of this network, which the default of policy {policy} is not for",
    "no_rule": "no rule of policy {policy} covers the name",
}
"""The text of each kind."""


class Step(str):
    """The text of the step, and the key of its kind in ``STEPS``."""

    kind: str

    def __new__(cls, text: str, kind: str) -> "Step":
        """``text`` may say more than that of the kind."""
        step = super().__new__(cls, text)
        step.kind = kind
        return step

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """What makes a copy of it."""
        return str(self), self.kind


def step(kind: str, more: str = "", /, **values: str) -> Step:
    """The step of a kind; ``more`` is added to its text."""
    return Step(STEPS[kind].format(**values) + more, kind)
