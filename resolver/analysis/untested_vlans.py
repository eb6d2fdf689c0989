"""New VLANs whose clients no expectation is about, with an ``[[expect]]`` that holds for each."""

from collections.abc import Iterator
from itertools import product
from typing import Final, get_args

from resolver.analysis.changes import ComparedPolicy
from resolver.analysis.explanation import Explainer
from resolver.analysis.name_changes import without_exemptions
from resolver.config.expectation_model import Outcome
from resolver.config.first_config import client_of, expectation
from resolver.dns import codes, names
from resolver.policy.compiled import CompiledConfig
from resolver.policy.moment import all_hours, in_force_with_hours
from resolver.policy.prefixes import network_of

_NAMES: Final = ("web.telegram.org", "eitaa.com", "example.org")
"""The first that is answered alike at all hours is expected."""


def untested_vlans(
    old: CompiledConfig, new: ComparedPolicy, wall: float
) -> Iterator[tuple[str, str]]:
    """The name and the ``[[expect]]`` of each; ``wall`` is now, in seconds since 1970."""
    compiled = new.compiled
    explainer = Explainer(without_exemptions(compiled), new.index, wall)
    views = [explainer.client(expect.client) for expect in compiled.expectations]
    tested = {view.vlan for view in views if view is not None}
    known = {vlan.name for vlan in old.vlans}
    networks = [network_of(prefix) for prefix in compiled.prefixes]
    for place, vlan in enumerate(compiled.vlans):
        if place in tested or vlan.name in known:
            continue
        of_vlan = (network_of(prefix) for prefix in compiled.prefixes if prefix.owner == place)
        clients = [client for network in of_vlan if (client := client_of(network, networks))]
        for client, name in product(clients[:1], _NAMES):
            outcomes = _outcomes(explainer, str(client), names.parse(name))
            if len(outcomes) == 1 and outcomes <= {*get_args(Outcome)}:
                yield vlan.name, expectation(client, name, *outcomes)
                break


def _outcomes(explainer: Explainer, client: str, name: bytes) -> set[str]:
    """How a name is answered for a client, at all hours."""
    compiled, outcomes = explainer.compiled, set()
    for hours in all_hours(compiled):
        explainer.assume(in_force_with_hours(compiled, 0.0, hours))
        outcomes.add(explainer.for_client(client, name, codes.A).outcome)
    return outcomes
